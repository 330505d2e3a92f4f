// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.engine.exclude.NameGlob;
import dev.armoire.engine.query.PathPattern;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A scan must find each name that its patterns let pass, with its number, however it looks for them. */
class NameScanTest {
    private static final List<String> PATTERNS = List.of(
            "*",
            "ab",
            "a",
            "*ab",
            "ab*",
            "*ab*",
            "*a*b*",
            "b?a",
            "*aab*",
            "abab",
            "[ab]a*ba",
            "*.b",
            "\\*a",
            "**",
            "/a/ab*",
            "**/bab",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "*ä",
            "ä*");

    private static PathPattern pattern(String text) {
        try {
            return PathPattern.parse(text.getBytes(StandardCharsets.UTF_8));
        } catch (NameGlob.SyntaxException e) {
            throw new AssertionError(text, e);
        }
    }

    private static String name(Random random) {
        StringBuilder name = new StringBuilder();
        for (int left = random.nextInt(7); left > 0; left--) {
            name.append("aaabbb.*ä".charAt(random.nextInt(9)));
        }
        return name.toString();
    }

    @Test
    void findsWhatLookingAtEachNameFinds() {
        Random random = new Random(3);
        int found = 0;
        for (int round = 0; round < 2_000; round++) {
            List<PathPattern> patterns = new ArrayList<>();
            for (int count = random.nextInt(4) == 0 ? 2 : 1; count > 0; count--) {
                patterns.add(pattern(PATTERNS.get(random.nextInt(PATTERNS.size()))));
            }
            List<String> expected = new ArrayList<>();
            StringBuilder text = new StringBuilder("ab/"); // in front of where the scan begins
            int from = 3;
            int count = random.nextInt(20);
            for (int i = 0; i < count; i++) {
                String name = name(random);
                text.append(name).append('/');
                byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
                if (patterns.stream().anyMatch(pattern -> pattern.mayMatchName(bytes, 0, bytes.length))) {
                    expected.add(i + " " + name);
                }
            }
            int to = text.toString().getBytes(StandardCharsets.UTF_8).length;
            byte[] bytes = text.append("ab/").toString().getBytes(StandardCharsets.UTF_8);
            List<String> actual = new ArrayList<>();
            new NameScan(patterns)
                    .scan(
                            bytes,
                            from,
                            to,
                            (index, start, end) -> actual.add(
                                    index + " " + new String(bytes, start, end - start, StandardCharsets.UTF_8)));
            assertThat(actual).as("round %d, %s", round, text).isEqualTo(expected);
            found += actual.size();
        }
        assertThat(found).isGreaterThan(1_000);
    }

    @Test
    void theNeedleIsTheLongestRunThatAllNamesHold() {
        assertThat(needle("plain")).isEqualTo("plain/");
        assertThat(needle("*.txt")).isEqualTo(".txt/");
        assertThat(needle("report-*.md")).isEqualTo("report-");
        assertThat(needle("*dead*b")).isEqualTo("dead");
        assertThat(needle("[abcdef]x\\*y?")).isEqualTo("x*y");
        assertThat(needle("some/folder/*")).isEqualTo("/");
        assertThat(needle("folder/**")).isEmpty();
        assertThat(needle("/")).isEmpty();
    }

    private static String needle(String pattern) {
        return new String(pattern(pattern).needle(), StandardCharsets.UTF_8);
    }
}
