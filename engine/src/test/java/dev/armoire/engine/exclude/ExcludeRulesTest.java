// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExcludeRulesTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ExcludeRules rules(String... patterns) {
        ExcludeRules.Builder builder = ExcludeRules.builder().sourceRoot(bytes("/data/t"));
        for (String pattern : patterns) {
            builder.pattern(pattern);
        }
        return builder.build();
    }

    /** A path ending in / is a folder. */
    private static boolean excluded(ExcludeRules rules, String path) {
        for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
            if (rules.isExcluded(bytes(path.substring(0, slash)), true)) {
                return true;
            }
        }
        return !path.endsWith("/") && rules.isExcluded(bytes(path), false);
    }

    @ParameterizedTest
    @CsvSource({
        "*.log, /data/t/a.log, true",
        "*.log, /data/t/deep/er/a.log, true",
        "*.log, /data/t/x.log/inside, true",
        "*.log, /data/t/a.LOG, false",
        "top.txt, /data/t/sub/top.txt, true",
        "sp*, /data/t/sparse, true",
        ".*, /data/t/.git/, true",
        "build, /data/t/x/build, true",
        "build, /data/t/x/build/, true",
        "build/, /data/t/x/build, false",
        "build/, /data/t/x/build/, true",
        "build/, /data/t/build/x, true",
        "**/b/*.log, /data/t/a/b/1.log, true",
        "**/b/*.log, /data/t/a/c/1.log, false",
        "/data/t/logs, /data/t/logs/, true",
        "/data/t/logs, /data/t/logs/x, true",
        "/data/t/a/, /data/t/a/, true",
        "/data/t/a/, /data/t/a, false",
        "/data/*/logs, /data/t/logs, true",
        "data/t/logs, /data/t/logs, true",
        "A/, /data/t/a/, false",
        // Relative to the source root, which Plakar does not do:
        "/logs, /data/t/logs/, true",
        "/top.txt, /data/t/top.txt, true",
        "/top.txt, /data/t/sub/top.txt, false",
        "a/b, /data/t/a/b/c, true",
        "a/b, /data/t/x/a/b, false",
        "a/*.log, /data/t/a/1.log, true",
        "c/**, /data/t/c/x, true",
        "t/a, /data/t/a, false",
        "t/a, /data/t/t/a, true",
        "data/t/x, /data/t/data/t/x, true",
        // Only relative:
        "./top.txt, /data/t/top.txt, true",
        "./top.txt, /data/t/sub/top.txt, false",
        "./data/t/x, /data/t/x, false",
        "./build/, /data/t/build/, true",
        "./build/, /data/t/build, false",
        "./a/b, /data/t/a/b, true",
        "./a/b, /data/tt/a/b, false",
        "./a/b, /elsewhere/a/b, false",
        // ** and its corners:
        "/data/**/x, /data/t/u/x, true",
        "/data/**/x, /data/x, true",
        "/data/**/x, /data/t/u/y, false",
        "/data/**/x/z, /data/a/x/z, true",
        "/data/**/x/z, /data/x/y/x/z, true",
        "/data/**, /data/t, true",
        "**, /data/t/x, true",
        "c/**, /data/t/c, false",
        "/**, /data, true",
        "./**/**, /data/t/x, true",
        "./**/**, /data/t, false",
        "a**/b, /data/t/ax/b, true",
        "x/b**, /data/t/x/bc, true",
        "a//b, /data/t/a/b, true",
    })
    void patternsMatchAsDescribed(String pattern, String path, boolean expected) {
        ExcludeRules rules = rules(pattern);
        assertThat(rules.brokenPatterns()).isEmpty();
        assertThat(excluded(rules, path)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "?, a, true",
        "?, é, true",
        "?, 日, true",
        "??, é, false",
        "*, x, true",
        "a*b*c, aXbYbc, true",
        "a*b*c, aXbYb, false",
        "[abc], b, true",
        "[a-c]x, cx, true",
        "[^a-c], d, true",
        "[^a-c], b, false",
        "[é-ü], ö, true",
        "[\\]], ], true",
        "[a\\-c], -, true",
        "[!a], a, false",
        "[!a], b, true",
        "[]a], ], true",
        "[!]a], b, true",
        "[a-], -, true",
        "[-a], -, true",
        "[[:digit:]x]*, 7up, true",
        "[[:digit:]x]*, up, false",
        "[a*]b, *b, true",
        "\\*, *, true",
        "\\*, a, false",
        "\\a, a, true",
        "a?c, aéc, true",
        "*[0-9], log7, true",
    })
    void namesMatchByCharacters(String pattern, String name, boolean expected) {
        assertThat(excluded(rules(pattern), "/" + name)).isEqualTo(expected);
    }

    @Test
    void bytesThatAreNoCharacterCountAsOneEach() {
        byte[] name = {'/', (byte) 0xE6, (byte) 0x97, 'x'};
        assertThat(rules("???").isExcluded(name, false)).isTrue();
        assertThat(rules("??").isExcluded(name, false)).isFalse();
        assertThat(rules("[^a][^a]x").isExcluded(name, false)).isTrue();
        assertThat(rules("[\ufffd]?x").isExcluded(name, false)).isTrue();
    }

    @Test
    void theLastMatchWins() {
        ExcludeRules rules = rules("*.log", "!keep.log", "/data/t/x/*");
        assertThat(excluded(rules, "/data/t/a.log")).isTrue();
        assertThat(excluded(rules, "/data/t/keep.log")).isFalse();
        assertThat(excluded(rules, "/data/t/x/keep.log")).isTrue();
        assertThat(excluded(rules("!keep.log", "*.log"), "/data/t/keep.log")).isTrue();
    }

    @Test
    void theTopIsNeverExcluded() {
        assertThat(excluded(rules("*", "**", "/*", "/"), "/")).isFalse();
        assertThat(excluded(rules("*"), "/data/")).isTrue();
    }

    @Test
    void noRulesExcludeNothing() {
        assertThat(ExcludeRules.none().isEmpty()).isTrue();
        assertThat(excluded(ExcludeRules.none(), "/data/t/x")).isFalse();
        assertThat(rules("x").isEmpty()).isFalse();
    }

    @Test
    void ignoreFilesComeFirstAndNameTheirLines() {
        String file = "# comment\r\n\r\n*.log  \r\n   \n\\#odd\n!both\n[\nlast";
        ExcludeRules rules = ExcludeRules.builder()
                .pattern("both")
                .ignoreFile("my.ignore", bytes(file))
                .build();
        assertThat(excluded(rules, "/a.log")).isTrue();
        assertThat(excluded(rules, "/#odd")).isTrue();
        assertThat(excluded(rules, "/# comment")).isFalse();
        assertThat(excluded(rules, "/both")).isTrue();
        assertThat(rules.brokenPatterns())
                .extracting(Object::toString)
                .containsExactly("pattern \"[\" (my.ignore:7) lacks a closing ]");
        assertThat(rules.unmatchedPatterns()).containsExactly(new ExcludePattern("last", "my.ignore:8"));
    }

    @Test
    void trailingBlanksGoUnlessEscaped() {
        assertThat(excluded(rules("a  "), "/a")).isTrue();
        assertThat(excluded(rules("a\\ "), "/a")).isFalse();
        assertThat(excluded(rules("a\\ "), "/a ")).isTrue();
        assertThat(excluded(rules("a\\\\ "), "/a\\")).isTrue();
        assertThat(excluded(rules("a/ "), "/a")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "[]", "[a", "[a-", "[^]", "[[:what:]]", "x\\", "a/[", "!", "/", "//", "./"})
    void brokenPatternsAreReportedAndMatchNothing(String pattern) {
        ExcludeRules rules = rules(pattern);
        assertThat(rules.isEmpty()).isTrue();
        assertThat(rules.brokenPatterns()).hasSize(1);
        assertThat(rules.brokenPatterns().getFirst().reason()).isNotBlank();
        assertThat(rules.brokenPatterns().getFirst().pattern()).isEqualTo(new ExcludePattern(pattern, "-ignore"));
        assertThat(excluded(rules, "/data/t/a/b")).isFalse();
    }

    @Test
    void everyPatternThatMatchesIsNotedEvenIfAnotherDecides() {
        ExcludeRules rules = rules("*.log", "a.*", "never", "!a.log");
        assertThat(rules.unmatchedPatterns()).hasSize(4);
        assertThat(excluded(rules, "/data/t/a.log")).isFalse();
        assertThat(rules.unmatchedPatterns()).extracting(ExcludePattern::text).containsExactly("never");
    }

    @Test
    void askingForTheReasonChangesNothing() {
        ExcludeRules rules = rules("*.log", "!keep.log");
        assertThat(rules.patternExcluding(bytes("/x.log"), false)).contains(new ExcludePattern("*.log", "-ignore"));
        assertThat(rules.patternExcluding(bytes("/keep.log"), false)).isEmpty();
        assertThat(rules.patternExcluding(bytes("/"), true)).isEmpty();
        assertThat(rules.unmatchedPatterns()).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource({
        "t, true",
        "t/, true",
        "data, true",
        "*, true",
        "/data/t, true",
        "/data/**, true",
        "/data, true",
        "./t, false",
        "t/x, false",
        "*.log, false",
        "./**, false"
    })
    void aPatternThatHitsTheSourceItselfIsSeen(String pattern, boolean expected) {
        assertThat(rules(pattern).excludesRoot(bytes("/data/t"))).isEqualTo(expected);
        assertThat(rules(pattern, "!t", "!data").excludesRoot(bytes("/data/t"))).isFalse();
    }

    /** A star takes bytes, not characters, so that what follows it can begin within one: as in Plakar. */
    @Test
    void aStarMayEndWithinACharacter() {
        assertThat(excluded(rules("*?"), "/日")).isTrue();
        assertThat(excluded(rules("*??"), "/日")).isTrue();
        assertThat(excluded(rules("*???"), "/日")).isFalse();
    }

    @Test
    void everySourceRootCounts() {
        ExcludeRules rules = ExcludeRules.builder()
                .sourceRoot(bytes("/a/"))
                .sourceRoot(bytes("/b/c"))
                .sourceRoot(bytes("/"))
                .pattern("./x")
                .build();
        for (String hit : List.of("/a/x", "/b/c/x", "/x")) {
            assertThat(excluded(rules, hit)).as(hit).isTrue();
        }
        for (String miss : List.of("/b/x", "/a/y/x", "/ab/x")) {
            assertThat(excluded(rules, miss)).as(miss).isFalse();
        }
    }

    @Test
    void agreesWithASlowReferenceOnRandomNames() {
        Random random = new Random(11);
        String[] parts = {"a", "b", "*", "?", "[ab]", "[^a]", "\\*", "**", "x"};
        String[] names = {"a", "b", "ab", "*", "x", "y"};
        int hits = 0;
        for (int round = 0; round < 30_000; round++) {
            StringBuilder pattern = new StringBuilder();
            for (int i = random.nextInt(5); i >= 0; i--) {
                pattern.append(parts[random.nextInt(parts.length)]);
            }
            StringBuilder name = new StringBuilder();
            for (int i = random.nextInt(6); i >= 0; i--) {
                name.append(names[random.nextInt(names.length)]);
            }
            boolean expected = slowMatch(pattern.toString(), name.toString());
            assertThat(excluded(rules(pattern.toString()), "/" + name))
                    .as("%s on %s", pattern, name)
                    .isEqualTo(expected);
            hits += expected ? 1 : 0;
        }
        assertThat(hits).isBetween(2_000, 28_000);
    }

    private static boolean slowMatch(String pattern, String name) {
        if (pattern.isEmpty()) {
            return name.isEmpty();
        }
        char first = pattern.charAt(0);
        if (first == '*') {
            return slowMatch(pattern.substring(1), name) || (!name.isEmpty() && slowMatch(pattern, name.substring(1)));
        }
        if (name.isEmpty()) {
            return false;
        }
        int length = 1;
        boolean matches;
        if (first == '[') {
            length = pattern.indexOf(']') + 1;
            boolean negated = pattern.charAt(1) == '^';
            matches = pattern.substring(1, length - 1).indexOf(name.charAt(0)) >= 0 != negated;
        } else if (first == '\\') {
            length = 2;
            matches = pattern.charAt(1) == name.charAt(0);
        } else {
            matches = first == '?' || first == name.charAt(0);
        }
        return matches && slowMatch(pattern.substring(length), name.substring(1));
    }

    @Test
    void manyThreadsMayAsk() throws InterruptedException {
        ExcludeRules rules = rules("*.a", "*.b", "*.c", "!*.d", "never");
        Thread[] threads = new Thread[4];
        boolean[] right = new boolean[threads.length];
        for (int t = 0; t < threads.length; t++) {
            int own = t;
            threads[t] = Thread.ofPlatform().start(() -> {
                boolean all = true;
                for (int i = 0; i < 2_000; i++) {
                    char kind = "abcd".charAt((own + i) % 4);
                    all &= excluded(rules, "/data/t/f" + i + "." + kind) == (kind != 'd');
                }
                right[own] = all;
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(Arrays.asList(right[0], right[1], right[2], right[3])).containsOnly(true);
        assertThat(rules.unmatchedPatterns()).extracting(ExcludePattern::text).containsExactly("never");
    }
}
