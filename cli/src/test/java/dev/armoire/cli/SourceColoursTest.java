// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourceColoursTest {
    private static byte[] coloured(String name, byte[] content) throws IOException {
        SourceLanguage language = SourceLanguage.of(name, "");
        assertThat(language).as(name).isNotNull();
        var out = new ByteArrayOutputStream();
        try (SourceColours colours = new SourceColours(language, out)) {
            colours.write(content);
        }
        return out.toByteArray();
    }

    /** Colours as letters: comment, string, number, word, key. */
    private static String shown(String name, String content) throws IOException {
        String text = new String(coloured(name, content.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
        return text.replace("\u001b[0m", ">")
                .replace("\u001b[90m", "<c ")
                .replace("\u001b[32m", "<s ")
                .replace("\u001b[36m", "<n ")
                .replace("\u001b[34m", "<w ")
                .replace("\u001b[33m", "<k ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '%',
            value = {
                "a.java | int x = 7; // \"one\" | <w int> x = <n 7>; <c // \"one\">",
                "a.c | a(\"/* \\\" */\", 'c'); /* b */ c | a(<s \"/* \\\" */\">, <s 'c'>); <c /* b */> c",
                "a.c | a /* one~two */ b | a <c /* one>~<c two */> b",
                "a.c | \"not closed~int b | <s \"not closed>~<w int> b",
                "a.sh | if a#b; then # c | <w if> a#b; <w then> <c # c>",
                "a.sh | x='one~two' | x=<s 'one>~<s two'>",
                "a.txt.py | s = f'{a}' + \"\"\"b~c\"\"\" | s = f<s '{a}'> + <s \"\"\"b>~<s c\"\"\">",
                "a.rs | fn f<'a>(x: &'a str) {} | <w fn> f<'a>(x: &'a str) {}",
                "a.sql | SELECT it's -- x | <w SELECT> it's <c -- x>",
                "a.yml | - key: it's # x | - <k key>: it's <c # x>",
                "a.ini | [part]~a.b = true | [<k part>]~<k a.b> = <w true>",
                "a.html | 1 < 2 <b class=\"x\">it's</b><!-- a~b --> | 1 < 2 <w <b class=\"x\">>it's<w </b>><c <!-- a>~<c b -->>",
                "a.json | {\"a\": [1.5, null]} | {<s \"a\">: [<n 1.5>, <w null>]}",
                "Makefile | ifdef ü | <w ifdef> ü",
            })
    void commentsStringsAndWordsHaveColours(String name, String content, String shown) throws IOException {
        assertThat(shown(name, content.replace('~', '\n'))).isEqualTo(shown.replace('~', '\n'));
    }

    @Test
    void nothingButColoursIsAdded() throws IOException {
        Random random = new Random(9);
        String some = "\"'`#/*-<>!; \n\\a1=:é";
        for (String name :
                List.of("c", "java", "js", "go", "rs", "py", "rb", "lua", "sh", "sql", "xml", "css", "yml")) {
            byte[] content = new byte[50_000];
            for (int i = 0; i < content.length; i++) {
                content[i] = (byte) some.charAt(random.nextInt(some.length()));
            }
            String text = new String(coloured("x." + name, content), StandardCharsets.ISO_8859_1);
            assertThat(text.replaceAll("\u001b\\[\\d+m", ""))
                    .as(name)
                    .isEqualTo(new String(content, StandardCharsets.ISO_8859_1));
        }
        byte[] longLine = new byte[100_000];
        Arrays.fill(longLine, (byte) 'x');
        assertThat(coloured("x.c", longLine)).isEqualTo(longLine);
    }

    @Test
    void whatIsNotKnownIsNoLanguage() {
        assertThat(SourceLanguage.of("photo.jpg", "image/jpeg")).isNull();
        assertThat(SourceLanguage.of("script", "text/x-python; charset=utf-8"))
                .isEqualTo(SourceLanguage.of("a.py", ""));
    }
}
