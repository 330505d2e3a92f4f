// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ContentTypesTest {
    static List<RuleCases.Case> cases() {
        return RuleCases.all();
    }

    private static String detect(byte[] input) {
        return ContentTypes.detect(MemorySegment.ofArray(input));
    }

    private static String detect(String latin1) {
        return detect(RuleCases.latin1(latin1));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void eachRuleFindsItsType(RuleCases.Case c) {
        assertThat(detect(c.input())).isEqualTo(c.type());
    }

    @Test
    void everyRuleIsTheAnswerToSomeCase() {
        Set<Rule> answers = new HashSet<>();
        Sample sample = new Sample();
        for (RuleCases.Case c : RuleCases.all()) {
            sample.fill(MemorySegment.ofArray(c.input()));
            answers.add(BinaryRules.ROOT.deepestMatch(sample));
        }
        Deque<Rule> open = new ArrayDeque<>(List.of(BinaryRules.ROOT));
        int rules = 0;
        while (!open.isEmpty()) {
            Rule rule = open.pop();
            rules++;
            assertThat(answers).as(rule.type()).contains(rule);
            open.addAll(rule.children().rules());
        }
        assertThat(rules).isGreaterThan(190);
    }

    @Test
    void nativeMemoryAndHeapGiveTheSame() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment off = arena.allocateFrom("{\"a\": 1}", StandardCharsets.US_ASCII);
            assertThat(ContentTypes.detect(off.asSlice(0, 8))).isEqualTo("application/json");
            assertThat(ContentTypes.detect(off.asSlice(0, 0))).isEqualTo("text/plain");
        }
    }

    @Test
    void nothingOfAnEarlierInputIsLeft() {
        assertThat(detect("\0asm\1\0\0\0Standard Jet DB")).isEqualTo("application/wasm");
        assertThat(detect("\0")).isEqualTo("application/octet-stream");
        assertThat(detect("ID")).isEqualTo("text/plain; charset=utf-8");
    }

    @ParameterizedTest
    @CsvSource({
        "EF BB BF 61, text/plain; charset=utf-8",
        "EF BB BF 00, text/plain; charset=utf-8",
        "00 00 FE FF 00, text/plain; charset=utf-32be",
        "FF FE 00 00 01, text/plain; charset=utf-32le",
        "FF FE 00, text/plain; charset=utf-16le",
        "FF FE 61 00, text/plain; charset=utf-16le",
        "FE FF 00 61, text/plain; charset=utf-16be",
        "63 C3 A9 61, text/plain; charset=utf-8",
        // A last character that may have been cut through does not count...
        "C3 A9 61 E2 82, text/plain; charset=utf-8",
        "C3 A9 61 F0 9F 98, text/plain; charset=utf-8",
        // ...and so alone proves nothing, even if it is whole.
        "61 C3 A9, text/plain; charset=iso-8859-1",
        "63 E9 61 61 61, text/plain; charset=iso-8859-1",
        "63 E9 85 61 61, text/plain; charset=windows-1252",
        "61 85 61, text/plain; charset=utf-8",
        "61 93 61 61 61, text/plain",
        "61 7F, text/plain",
        "61 1B 5B, text/plain; charset=utf-8",
        "61 0B, application/octet-stream",
        "C0 80 61 61 61, text/plain",
        "ED A0 80 61 61, text/plain",
        "F4 90 80 80 61 61, text/plain",
        "F4 8F BF BF 61 61, text/plain; charset=utf-8",
    })
    void charsetOfPlainText(String bytes, String type) {
        assertThat(detect(RuleCases.hex(bytes))).isEqualTo(type);
    }

    @Test
    void charsetIsLookedForInTheFirst1024Bytes() {
        assertThat(detect("a".repeat(1024) + "\u00e9 b")).isEqualTo("text/plain; charset=utf-8");
        assertThat(detect("a".repeat(1022) + "\u00e9 b")).isEqualTo("text/plain; charset=iso-8859-1");
        // The character is cut in two at the limit.
        assertThat(detect("\u00c3\u00a9" + "a".repeat(1021) + "\u00c3\u00a9")).isEqualTo("text/plain; charset=utf-8");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<html><meta charset=utf-8>|utf-8",
                "<html><META CHARSET='Shift_JIS'>|Shift_JIS",
                "<html><meta/charset = \"koi8-r\" >|koi8-r",
                "<html><meta http-equiv=Content-Type content='text/html; charset=ISO-8859-1'>|ISO-8859-1",
                "<html><meta content='text/html; charset = \"x-own\" ' http-equiv=content-type>|x-own",
                "<html><meta content='text/html; charset=ISO-8859-1'><meta charset=latin1>|latin1",
                "<html><!-- <meta charset=a> --><meta charset=b>|b",
                "<html><body><meta charset=a>|utf-8",
                "<html><meta charset=>|utf-8",
                "<html><metacharset=a>|utf-8",
                "<html><meta charset=a charset=b>|a",
            })
    void charsetOfHtml(String html, String charset) {
        assertThat(detect(html)).isEqualTo("text/html; charset=" + charset);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<?xml version='1.0' encoding='UTF-8'?><a/>|UTF-8",
                "<?xml encoding = \"x-own\"?><a/>|x-own",
                "<?xml version='1.0' encoding=''?><a/>|utf-8",
                "<?xml version='1.0'?><a/>|utf-8",
            })
    void charsetOfXml(String xml, String charset) {
        assertThat(detect(xml)).isEqualTo("text/xml; charset=" + charset);
    }

    @Test
    void commonAnswersAreConstants() {
        for (String input : List.of("plain", "<html><meta charset=utf-8>", "<?xml encoding='UTF-8'?>", "{}", "")) {
            assertThat(detect(input)).isSameAs(detect(input));
        }
    }

    @Test
    void jsonMayBeCutOffAtTheLimitOnly() {
        String item = "{\"key\": [1, 2.5e-3, \"two \\u00e9\"], \"next\": null},\n";
        String document = "[" + item.repeat(100);
        for (int length = Sample.LIMIT; length < Sample.LIMIT + item.length(); length++) {
            assertThat(detect(document.substring(0, length))).isEqualTo("application/json");
        }
        assertThat(detect(document.substring(0, Sample.LIMIT - 3))).startsWith("text/");
        // Every place at which the limit can fall within an item.
        for (int shift = 0; shift < item.length(); shift++) {
            assertThat(detect(" ".repeat(shift) + document)).isEqualTo("application/json");
        }
        String broken = document.substring(0, 3000) + "oops" + document;
        assertThat(detect(broken)).startsWith("text/");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[1,]|application/json",
                "{\"a\":1,}|application/json",
                "[{]|application/json",
                "[-.5,00]|application/json",
                "[1 2]|text/plain; charset=utf-8",
                "[\"\\q\"]|text/plain; charset=utf-8",
                "[tru]|text/plain; charset=utf-8",
                "{\"a\" 1}|text/plain; charset=utf-8",
                "{a:1}|text/plain; charset=utf-8",
                "[] []|text/plain; charset=utf-8",
                // An array that is not empty hides the keys that follow it.
                "{\"bbox\":[1],\"type\":\"Feature\"}|application/json",
                "{\"bbox\":[],\"type\":\"Feature\"}|application/geo+json",
            })
    void jsonIsReadAsForgivinglyAsPlakarDoes(String document, String type) {
        assertThat(detect(document)).isEqualTo(type);
    }

    @Test
    void deepNestingIsNoTrouble() {
        assertThat(detect("[".repeat(5000))).isEqualTo("application/json");
        assertThat(detect("{\"a\":".repeat(1000))).isEqualTo("application/json");
        assertThat(detect("[".repeat(1500) + "]".repeat(1500))).isEqualTo("application/json");
    }

    @Test
    void csvDropsTheLineThatTheLimitCuts() {
        String rows = "first,second,\"third \"\"quoted\"\"\"\n".repeat(9);
        String cut = rows + "x".repeat(Sample.LIMIT);
        assertThat(detect(cut)).isEqualTo("text/csv");
        assertThat(detect(rows + "x")).isEqualTo("text/plain; charset=utf-8");
        // Ten rows are enough, whatever follows.
        assertThat(detect(rows + "a,b,c\nno more\n")).isEqualTo("text/csv");
    }

    @Test
    void neverFailsAndRepeatsItself() {
        Random random = new Random(20_260_723);
        List<RuleCases.Case> seeds = RuleCases.all();
        String[] pieces = {
            "{",
            "}",
            "[",
            "]",
            "\"",
            ",",
            ":",
            "\n",
            "\r\n",
            "\\",
            "<",
            "<!--",
            "-->",
            "<meta ",
            "charset=",
            "='",
            "<svg ",
            "<?xml ",
            "encoding=",
            "#!/usr/bin/env ",
            "PK\3\4",
            "\u00e9",
            "\0",
            "P1\n",
            "1 ",
            "#",
            "\t"
        };
        for (int round = 0; round < 60_000; round++) {
            byte[] input = seeds.get(random.nextInt(seeds.size())).input();
            StringBuilder mutated = new StringBuilder(new String(input, StandardCharsets.ISO_8859_1));
            for (int i = random.nextInt(6); i > 0; i--) {
                int at = random.nextInt(Math.min(64, mutated.length()) + 1);
                switch (random.nextInt(4)) {
                    case 0 -> mutated.insert(at, pieces[random.nextInt(pieces.length)]);
                    case 1 -> mutated.insert(at, (char) random.nextInt(256));
                    case 2 -> mutated.delete(at, Math.min(mutated.length(), at + random.nextInt(9)));
                    default -> mutated.setLength(at + random.nextInt(mutated.length() - at + 1));
                }
            }
            byte[] bytes = RuleCases.latin1(mutated.toString());
            if (round % 50 == 0 && bytes.length > 0) {
                int length = bytes.length;
                bytes = Arrays.copyOf(bytes, Sample.LIMIT + random.nextInt(3) - 1);
                for (int i = length; i < bytes.length; i++) {
                    bytes[i] = bytes[i - length];
                }
            }
            String type = detect(bytes);
            assertThat(type).as("round %s", round).contains("/");
            assertThat(detect(bytes)).as("round %s", round).isEqualTo(type);
        }
    }

    @Test
    void randomBytesNeverFail() {
        Random random = new Random(7);
        for (int round = 0; round < 20_000; round++) {
            byte[] input = new byte[random.nextInt(700)];
            random.nextBytes(input);
            assertThat(detect(input)).as("round %s", round).contains("/");
        }
    }
}
