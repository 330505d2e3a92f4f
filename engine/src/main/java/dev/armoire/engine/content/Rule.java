// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A content type, the test for it, and the more special types to try when the test holds.
 *
 * @param firstBytes which first bytes an input must have to pass the test; null when any may do
 */
record Rule(String type, Test test, @Nullable BitSet firstBytes, Charset charset, Table children) {
    /** Asks one thing of the input. Must hold for no input whose first byte is not among the rule's. */
    @FunctionalInterface
    interface Test {
        boolean holds(Sample in);
    }

    /** How the charset parameter of a type is found. */
    enum Charset {
        NONE,
        PLAIN,
        HTML,
        XML
    }

    /** The input starts with one of these. */
    static Rule prefix(String type, byte[]... prefixes) {
        return at(0, type, prefixes);
    }

    /** One of these stands at {@code offset}. */
    static Rule at(int offset, String type, byte[]... wanted) {
        BitSet first = null;
        if (offset == 0) {
            first = new BitSet(256);
            for (byte[] one : wanted) {
                first.set(one[0] & 0xff);
            }
        }
        if (wanted.length == 1) {
            byte[] only = wanted[0];
            return new Rule(type, in -> in.has(offset, only), first, Charset.NONE, Table.EMPTY);
        }
        return new Rule(type, in -> in.hasAny(offset, wanted), first, Charset.NONE, Table.EMPTY);
    }

    /** A test of its own, for inputs that start with one of the characters of {@code firstBytes}. */
    static Rule when(String type, String firstBytes, Test test) {
        BitSet first = new BitSet(256);
        firstBytes.chars().forEach(first::set);
        return new Rule(type, test, first, Charset.NONE, Table.EMPTY);
    }

    /** A test of its own, for inputs of any kind. */
    static Rule when(String type, Test test) {
        return new Rule(type, test, null, Charset.NONE, Table.EMPTY);
    }

    Rule with(Rule... special) {
        return new Rule(type, test, firstBytes, charset, new Table(special));
    }

    Rule with(Charset found) {
        return new Rule(type, test, firstBytes, found, children);
    }

    /** This rule or, as deep as possible, the first of its children that holds. */
    Rule deepestMatch(Sample in) {
        Rule found = this;
        while (true) {
            Rule child = found.children.firstMatch(in);
            if (child == null) {
                return found;
            }
            found = child;
        }
    }

    /** The characters of {@code text}, one byte each. */
    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static byte[][] texts(String... texts) {
        byte[][] all = new byte[texts.length][];
        for (int i = 0; i < texts.length; i++) {
            all[i] = text(texts[i]);
        }
        return all;
    }

    /** Bytes from hexadecimal digits; blanks between bytes are dropped. */
    static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }

    /** Rules in order, and for each first byte the few of them that can hold. */
    static final class Table {
        private static final Table EMPTY = new Table();
        private static final int EMPTY_INPUT = 256;

        private final List<Rule> rules;
        private final Rule[][] byFirstByte = new Rule[EMPTY_INPUT + 1][];

        Table(Rule... rules) {
            this.rules = List.of(rules);
            for (int first = 0; first <= EMPTY_INPUT; first++) {
                List<Rule> possible = new ArrayList<>();
                for (Rule rule : rules) {
                    BitSet wanted = rule.firstBytes;
                    if (wanted == null || wanted.get(first)) {
                        possible.add(rule);
                    }
                }
                byFirstByte[first] = possible.toArray(Rule[]::new);
            }
        }

        /** All of them, in the order in which they are tried. */
        List<Rule> rules() {
            return rules;
        }

        @Nullable
        Rule firstMatch(Sample in) {
            for (Rule rule : byFirstByte[in.length == 0 ? EMPTY_INPUT : in.bytes[0] & 0xff]) {
                if (rule.test.holds(in)) {
                    return rule;
                }
            }
            return null;
        }
    }
}
