// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.util.Arrays;

/**
 * Walks over the attributes of one HTML or XML tag. As in HTML's rules for finding a charset before parsing, a byte 0
 * counts as the end of the input.
 */
final class Attributes {
    private final byte[] in;
    private final int to;
    private int at;
    private int nameFrom;
    private int nameTo;
    private int valueFrom;
    private int valueTo;
    private boolean more;

    Attributes(byte[] in, int from, int to) {
        this.in = in;
        this.to = to;
        this.at = from;
    }

    /** Reads one attribute; its name and value may both be empty. Returns whether another may follow. */
    boolean read() {
        nameFrom = 0;
        nameTo = 0;
        valueFrom = 0;
        valueTo = 0;
        more = false;
        while (Sample.isBlank(peek()) || peek() == '/') {
            at++;
        }
        if (peek() == '>') {
            return false;
        }
        int start = at;
        int end = at;
        while (true) {
            int c = pop();
            if (c == 0) {
                return false;
            }
            if (c == '=' && end > start) {
                name(start, end);
                value();
                return more;
            }
            if (Sample.isBlank(c)) {
                skipBlanks();
                name(start, end);
                if (peek() != '=') {
                    return true;
                }
                at++;
                value();
                return more;
            }
            if (c == '/' || c == '>') {
                name(start, end);
                return false;
            }
            end++;
        }
    }

    private void name(int from, int end) {
        nameFrom = from;
        nameTo = end;
    }

    private void value() {
        skipBlanks();
        int start = at;
        int first = pop();
        if (first == 0 || first == '>') {
            return;
        }
        if (first == '"' || first == '\'') {
            int close = at;
            while (close < to && in[close] != first) {
                close++;
            }
            int inside = at;
            at = Math.min(to, close + 1);
            if (close < to) {
                valueFrom = inside;
                valueTo = close;
                more = peek() != 0 && peek() != '>';
            }
            return;
        }
        while (true) {
            int end = at;
            int c = pop();
            if (c == 0) {
                return;
            }
            if (Sample.isBlank(c) || c == '>') {
                valueFrom = start;
                valueTo = end;
                more = c != '>';
                return;
            }
        }
    }

    private void skipBlanks() {
        while (Sample.isBlank(peek())) {
            at++;
        }
    }

    private int peek() {
        return at < to ? in[at] : 0;
    }

    private int pop() {
        return at < to ? in[at++] : 0;
    }

    int position() {
        return at;
    }

    int valueFrom() {
        return valueFrom;
    }

    int valueTo() {
        return valueTo;
    }

    boolean valueIsEmpty() {
        return valueFrom == valueTo;
    }

    boolean nameIs(byte[] wanted) {
        return Arrays.equals(wanted, 0, wanted.length, in, nameFrom, nameTo);
    }

    /** As {@link #nameIs}, with ASCII letters of either case; {@code wanted} is in lower case. */
    boolean nameIsIgnoringCase(byte[] wanted) {
        if (nameTo - nameFrom != wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            byte found = in[nameFrom + i];
            if (found != wanted[i] && !(found >= 'A' && found <= 'Z' && found + 32 == wanted[i])) {
                return false;
            }
        }
        return true;
    }

    boolean nameStartsWith(byte[] wanted) {
        return nameTo - nameFrom >= wanted.length
                && Arrays.equals(wanted, 0, wanted.length, in, nameFrom, nameFrom + wanted.length);
    }

    boolean valueIs(byte[] wanted) {
        return Arrays.equals(wanted, 0, wanted.length, in, valueFrom, valueTo);
    }
}
