// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/**
 * A pattern for one name: {@code *} any run, {@code ?} one character, {@code [a-z]}, {@code [!a-z]}, {@code [^a-z]} and
 * {@code [[:alpha:]]} classes, {@code \} takes the next byte as it is. Characters are UTF-8; a byte that belongs to no character counts as one, and
 * as U+FFFD in a class. Immutable.
 */
public final class NameGlob {
    /** Thrown while parsing; the reason, such as "lacks a closing ]", completes a sentence about the pattern. */
    public static final class SyntaxException extends Exception {
        private static final long serialVersionUID = 1L;

        private final String reason;

        SyntaxException(String reason) {
            super(reason);
            this.reason = reason;
        }

        public String reason() {
            return reason;
        }
    }

    private static final int ANY_RUN = -1;
    private static final int ANY_CHARACTER = -2;
    /** A class: the next two are its number of ranges, negative if excluded, and then come their ends. */
    private static final int CLASS = -3;

    private static final int REPLACEMENT = 0xFFFD;

    /** Ends of ranges, two characters each. */
    private static final Map<String, String> CLASSES = Map.ofEntries(
            Map.entry("alnum", "09AZaz"),
            Map.entry("alpha", "AZaz"),
            Map.entry("blank", "  \t\t"),
            Map.entry("cntrl", "\0\u001f\u007f\u007f"),
            Map.entry("digit", "09"),
            Map.entry("graph", "!~"),
            Map.entry("lower", "az"),
            Map.entry("print", " ~"),
            Map.entry("punct", "!/:@[`{~"),
            Map.entry("space", "\t\r  "),
            Map.entry("upper", "AZ"),
            Map.entry("xdigit", "09AFaf"));

    /** Literal bytes (0 to 255) and the codes above. */
    private final int[] program;

    /** The bytes themselves if there is nothing else: most patterns are plain names. */
    private final byte[] literal;

    private final boolean isLiteral;

    /** What each name that matches begins and ends with: most names are told apart by that. */
    private final byte[] head;

    private final byte[] tail;

    private NameGlob(int[] program) {
        this.program = program;
        boolean plain = true;
        byte[] bytes = new byte[program.length];
        for (int i = 0; i < program.length; i++) {
            plain &= program[i] >= 0;
            bytes[i] = (byte) program[i];
        }
        isLiteral = plain;
        literal = plain ? bytes : new byte[0];
        int headEnd = 0;
        while (headEnd < program.length && program[headEnd] >= 0) {
            headEnd++;
        }
        head = Arrays.copyOf(bytes, headEnd);
        int tailStart = headEnd;
        for (int step = headEnd; step < program.length; step = stepAfter(step)) {
            if (program[step] < 0) {
                tailStart = stepAfter(step);
            }
        }
        tail = Arrays.copyOfRange(bytes, tailStart, program.length);
    }

    public static NameGlob parse(byte[] pattern) throws SyntaxException {
        return new NameGlob(new Parser(pattern).parse());
    }

    /** Whether the name in {@code from..to} of {@code name} matches as a whole. */
    public boolean matches(byte[] name, int from, int to) {
        if (isLiteral) {
            return Arrays.equals(literal, 0, literal.length, name, from, to);
        }
        if (to - from < tail.length || !stands(tail, name, to - tail.length, to) || !stands(head, name, from, to)) {
            return false;
        }
        int at = from;
        int step = 0;
        int retryStep = -1;
        int retryAt = -1;
        while (true) {
            if (step == program.length) {
                if (at == to) {
                    return true;
                }
            } else if (program[step] == ANY_RUN) {
                retryStep = ++step;
                retryAt = at;
                if (retryStep == program.length) {
                    return true;
                }
                continue;
            } else if (at < to) {
                int next = matchOne(step, name, at, to);
                if (next > 0) {
                    at = next;
                    step = stepAfter(step);
                    continue;
                }
            }
            // The last * takes one byte more. It alone needs another try: what stood before it matched as early as can
            // be.
            if (retryStep < 0 || retryAt >= to) {
                return false;
            }
            retryAt++;
            int wanted = program[retryStep];
            if (wanted >= 0) {
                while (retryAt < to && (name[retryAt] & 0xff) != wanted) {
                    retryAt++;
                }
            }
            at = retryAt;
            step = retryStep;
        }
    }

    /** Whether all names match. */
    public boolean isAny() {
        return program.length == 1 && program[0] == ANY_RUN;
    }

    /** The longest run of bytes that all names hold which match, if each of them is followed by {@code end}. */
    public byte[] longestRun(byte end) {
        byte[] longest = {};
        int start = 0;
        for (int step = 0; step <= program.length; ) {
            boolean isEnd = step == program.length;
            if (!isEnd && program[step] >= 0) {
                step++;
                continue;
            }
            byte[] run = new byte[step - start + (isEnd ? 1 : 0)];
            for (int i = 0; i < run.length; i++) {
                run[i] = start + i < step ? (byte) program[start + i] : end;
            }
            longest = run.length > longest.length ? run : longest;
            step = isEnd ? step + 1 : stepAfter(step);
            start = step;
        }
        return longest;
    }

    private static boolean stands(byte[] bytes, byte[] name, int at, int to) {
        if (bytes.length > to - at) {
            return false;
        }
        for (int i = bytes.length - 1; i >= 0; i--) {
            if (bytes[i] != name[at + i]) {
                return false;
            }
        }
        return true;
    }

    /** Where the name goes on if its character at {@code at} passes, or 0. */
    private int matchOne(int step, byte[] name, int at, int to) {
        int code = program[step];
        if (code >= 0) {
            return (name[at] & 0xff) == code ? at + 1 : 0;
        }
        int length = runeLength(name, at, to);
        if (code == ANY_CHARACTER) {
            return at + length;
        }
        int rune = rune(name, at, length);
        int ranges = program[step + 1];
        boolean found = false;
        for (int i = 0; i < Math.abs(ranges); i++) {
            found |= rune >= program[step + 2 + 2 * i] && rune <= program[step + 3 + 2 * i];
        }
        return found == (ranges > 0) ? at + length : 0;
    }

    private int stepAfter(int step) {
        return program[step] == CLASS ? step + 2 + 2 * Math.abs(program[step + 1]) : step + 1;
    }

    /** Bytes of the character at {@code at}; 1 for a byte that starts none. */
    private static int runeLength(byte[] bytes, int at, int to) {
        int first = bytes[at] & 0xff;
        if (first < 0xC2 || first > 0xF4) {
            return 1;
        }
        int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (at + length > to) {
            return 1;
        }
        int second = bytes[at + 1] & 0xff;
        int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (second < low || second > high) {
            return 1;
        }
        for (int i = 2; i < length; i++) {
            if ((bytes[at + i] & 0xC0) != 0x80) {
                return 1;
            }
        }
        return length;
    }

    private static int rune(byte[] bytes, int at, int length) {
        int first = bytes[at] & 0xff;
        if (length == 1) {
            return first < 0x80 ? first : REPLACEMENT;
        }
        int rune = first & (0xFF >> (length + 1));
        for (int i = 1; i < length; i++) {
            rune = (rune << 6) | (bytes[at + i] & 0x3F);
        }
        return rune;
    }

    @Override
    public String toString() {
        return isLiteral ? new String(literal, StandardCharsets.UTF_8) : Arrays.toString(program);
    }

    private static final class Parser {
        private final byte[] pattern;
        private int[] program;
        private int length;
        private int at;

        Parser(byte[] pattern) {
            this.pattern = pattern;
            this.program = new int[pattern.length + 8];
        }

        int[] parse() throws SyntaxException {
            while (at < pattern.length) {
                byte b = pattern[at++];
                switch (b) {
                    case '*' -> {
                        if (length == 0 || program[length - 1] != ANY_RUN) {
                            add(ANY_RUN);
                        }
                    }
                    case '?' -> add(ANY_CHARACTER);
                    case '[' -> parseClass();
                    case '\\' -> {
                        if (at == pattern.length) {
                            throw new SyntaxException("ends in a lone backslash");
                        }
                        add(pattern[at++] & 0xff);
                    }
                    default -> add(b & 0xff);
                }
            }
            return Arrays.copyOf(program, length);
        }

        private void parseClass() throws SyntaxException {
            add(CLASS);
            int countAt = length;
            add(0);
            boolean negated = at < pattern.length && (pattern[at] == '^' || pattern[at] == '!');
            if (negated) {
                at++;
            }
            int ranges = 0;
            for (int first = at; at == first || at >= pattern.length || pattern[at] != ']'; ) {
                if (startsWith("[:")) {
                    ranges += namedClass();
                    continue;
                }
                int low = classRune();
                int high = low;
                boolean isRange = at + 1 < pattern.length && pattern[at] == '-' && pattern[at + 1] != ']';
                if (isRange) {
                    at++;
                    high = classRune();
                }
                add(low);
                add(high);
                ranges++;
            }
            at++;
            program[countAt] = negated ? -ranges : ranges;
        }

        private boolean startsWith(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            return at + bytes.length <= pattern.length
                    && Arrays.equals(pattern, at, at + bytes.length, bytes, 0, bytes.length);
        }

        /** Adds the ranges of a class such as {@code [:digit:]}; returns how many. */
        private int namedClass() throws SyntaxException {
            for (var named : CLASSES.entrySet()) {
                if (startsWith("[:" + named.getKey() + ":]")) {
                    named.getValue().chars().forEach(this::add);
                    at += named.getKey().length() + 4;
                    return named.getValue().length() / 2;
                }
            }
            throw new SyntaxException("has an unknown class after [:");
        }

        /** Reads one character of a class; something always follows it. */
        private int classRune() throws SyntaxException {
            if (at < pattern.length && pattern[at] == '\\') {
                at++;
            }
            if (at >= pattern.length) {
                throw new SyntaxException("lacks a closing ]");
            }
            int width = runeLength(pattern, at, pattern.length);
            int rune = rune(pattern, at, width);
            if (width == 1 && rune == REPLACEMENT) {
                throw new SyntaxException("is not UTF-8 within [...]");
            }
            at += width;
            if (at >= pattern.length) {
                throw new SyntaxException("lacks a closing ]");
            }
            return rune;
        }

        private void add(int code) {
            if (length == program.length) {
                program = Arrays.copyOf(program, 2 * length);
            }
            program[length++] = code;
        }
    }
}
