// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.engine.query.PathPattern;
import java.util.Arrays;
import java.util.List;

/**
 * Finds names in a text where a slash ends each of them. Of one pattern the longest run of bytes that all its names hold is looked
 * for first, by Horspool's way: most bytes of the text are then not looked at. Immutable.
 */
final class NameScan {
    private final List<PathPattern> patterns;
    private final byte[] needle;
    /** By the byte that stands where the needle's last should: how far on the needle may lie. */
    private final int[] skips = new int[256];

    /** Takes a name. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Takes a name that may match.
         *
         * @param index how many names stand before it
         */
        void name(int index, int from, int to);
    }

    NameScan(List<PathPattern> patterns) {
        this.patterns = List.copyOf(patterns);
        this.needle = patterns.size() == 1 ? patterns.getFirst().needle() : new byte[0];
        Arrays.fill(skips, needle.length);
        for (int i = 0; i < needle.length - 1; i++) {
            skips[needle[i] & 0xff] = needle.length - 1 - i;
        }
    }

    /** Goes through {@code from..to} of a text. */
    void scan(byte[] text, int from, int to, Visitor visitor) {
        if (needle.length > 1) {
            scanForNeedle(text, from, to, visitor);
            return;
        }
        each(text, from, to, (index, start, end) -> {
            if (mayMatch(text, start, end)) {
                visitor.name(index, start, end);
            }
        });
    }

    /** Gives all names in {@code from..to} of a text. */
    static void each(byte[] text, int from, int to, Visitor visitor) {
        int index = 0;
        for (int at = from; at < to; ) {
            int start = at;
            while (text[at] != '/') {
                at++;
            }
            visitor.name(index++, start, at++);
        }
    }

    private void scanForNeedle(byte[] text, int from, int to, Visitor visitor) {
        int last = needle.length - 1;
        byte lastByte = needle[last];
        int index = 0;
        int counted = from;
        for (int at = from + last; at < to; ) {
            byte b = text[at];
            if (b != lastByte || !isNeedle(text, at - last)) {
                at += skips[b & 0xff];
                continue;
            }
            int start = at - last;
            while (start > from && text[start - 1] != '/') {
                start--;
            }
            int end = at;
            while (text[end] != '/') {
                end++;
            }
            if (mayMatch(text, start, end)) {
                for (; counted < start; counted++) {
                    if (text[counted] == '/') {
                        index++;
                    }
                }
                visitor.name(index, start, end);
            }
            at = end + 1 + last;
        }
    }

    private boolean isNeedle(byte[] text, int at) {
        for (int i = 0; i < needle.length; i++) {
            if (text[at + i] != needle[i]) {
                return false;
            }
        }
        return true;
    }

    private boolean mayMatch(byte[] text, int from, int to) {
        for (int i = 0; i < patterns.size(); i++) {
            if (patterns.get(i).mayMatchName(text, from, to)) {
                return true;
            }
        }
        return false;
    }
}
