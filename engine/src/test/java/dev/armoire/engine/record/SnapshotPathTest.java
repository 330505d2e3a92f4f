// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SnapshotPathTest {
    @ParameterizedTest
    @CsvSource({
        "/, /",
        "//, /",
        "///, /",
        "/., /",
        "/.., /",
        "/../.., /",
        "/a, /a",
        "/a/, /a",
        "/a//, /a",
        "//a//b, /a/b",
        "/a/./b, /a/b",
        "/./a, /a",
        "/a/., /a",
        "/a/.., /",
        "/a/../b, /b",
        "/a/b/../../.., /",
        "/a/b/../../../c, /c",
        "/../a, /a",
        "/a/..., /a/...",
        "/..a, /..a",
        "/a../b, /a../b",
        "/.hidden/.x, /.hidden/.x"
    })
    void clean(String path, String expected) {
        assertThat(text(SnapshotPath.clean(bytes(path)))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"/, /, /", "/a, /, a", "/a/b, /a, b", "/a/b/c, /a/b, c", "/-x/.., /-x, .."})
    void parentAndName(String path, String parent, String name) {
        assertThat(text(SnapshotPath.parent(bytes(path)))).isEqualTo(parent);
        assertThat(text(SnapshotPath.name(bytes(path)))).isEqualTo(name);
        if (!path.equals("/")) {
            assertThat(text(SnapshotPath.child(bytes(parent), bytes(name)))).isEqualTo(path);
        }
    }

    @ParameterizedTest
    @CsvSource({"/a/b, /a, true", "/a, /a, true", "/ab, /a, false", "/a-b, /a, false", "/, /a, false", "/x, /, true"})
    void within(String path, String directory, boolean expected) {
        assertThat(SnapshotPath.isWithin(bytes(path), bytes(directory))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"/a/b, /a/c, /a", "/a, /a/b, /a", "/ab, /ac, /", "/a/b, /a/b, /a/b", "/, /a, /", "/a/bc, /a/b, /a"})
    void common(String a, String b, String expected) {
        assertThat(text(SnapshotPath.common(bytes(a), bytes(b)))).isEqualTo(expected);
        assertThat(text(SnapshotPath.common(bytes(b), bytes(a)))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"/a/b, /a, b", "/a/b/c, /a, b/c", "/a, /, a", "/a, /a, ''", "/, /, ''"})
    void relative(String path, String directory, String expected) {
        assertThat(text(SnapshotPath.relative(bytes(path), bytes(directory)))).isEqualTo(expected);
    }

    @Test
    void orderByDepth() {
        List<String> paths = new ArrayList<>(List.of("/", "/a", "/b", "/a/z", "/b/a", "/a/b/c"));
        List<String> sorted = List.copyOf(paths);
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            Collections.shuffle(paths, random);
            paths.sort((a, b) -> SnapshotPath.compareDepth(bytes(a), bytes(b)));
            assertThat(paths).isEqualTo(sorted);
        }
    }

    @Test
    void ordersAreOnUnsignedBytes() {
        byte[] high = {'/', (byte) 0xff};
        byte[] low = {'/', 0x7f};
        assertThat(SnapshotPath.compareBytes(high, low)).isPositive();
        assertThat(SnapshotPath.compareDepth(high, low)).isPositive();
        assertThat(SnapshotPath.compareBytes(bytes("/a"), bytes("/a/b"))).isNegative();
        // In UTF-16 a surrogate pair is less than U+FFFD, in bytes it is more.
        assertThat(SnapshotPath.compareBytes(bytes("/\ud83d\ude00"), bytes("/\ufffd")))
                .isPositive();
    }

    /** Against the same rules on lists of names. */
    @Test
    void cleanOfRandomPaths() {
        Random random = new Random(7);
        String[] parts = {"", ".", "..", "a", "b", "..."};
        for (int i = 0; i < 2_000; i++) {
            List<String> names = new ArrayList<>();
            StringBuilder path = new StringBuilder();
            for (int n = random.nextInt(8); n >= 0; n--) {
                String part = parts[random.nextInt(parts.length)];
                path.append('/').append(part);
                if (part.equals("..")) {
                    names = names.isEmpty() ? names : names.subList(0, names.size() - 1);
                } else if (!part.isEmpty() && !part.equals(".")) {
                    names = new ArrayList<>(names);
                    names.add(part);
                }
            }
            byte[] clean = SnapshotPath.clean(bytes(path.toString()));
            assertThat(text(clean)).isEqualTo("/" + String.join("/", names));
            assertThat(SnapshotPath.clean(clean)).isEqualTo(clean);
        }
    }

    @Test
    void displayIsSafeForATerminal() {
        assertThat(SnapshotPath.display(bytes("/a b/ünï/日本.txt"))).isEqualTo("/a b/ünï/日本.txt");
        assertThat(SnapshotPath.display(bytes("/new\nline\ttab\rret"))).isEqualTo("/new\\nline\\ttab\\rret");
        assertThat(SnapshotPath.display(bytes("/\u001b[31mred"))).isEqualTo("/\\x1b[31mred");
        assertThat(SnapshotPath.display(bytes("/\u0085\u009b"))).isEqualTo("/\\x85\\x9b");
        assertThat(SnapshotPath.display(bytes("/\u202etxt.exe"))).isEqualTo("/\\u202etxt.exe");
        assertThat(SnapshotPath.display(new byte[] {'/', 'l', (byte) 0xe9, (byte) 0xff, 'x'}))
                .isEqualTo("/l\\xe9\\xffx");
        assertThat(SnapshotPath.display(new byte[] {'/', (byte) 0xc0, (byte) 0x80}))
                .isEqualTo("/\\xc0\\x80");
    }

    @Test
    void displayNeverGivesControlCharacters() {
        Random random = new Random(3);
        for (int i = 0; i < 5_000; i++) {
            byte[] path = new byte[1 + random.nextInt(40)];
            random.nextBytes(path);
            if (i % 2 == 0) {
                path = new String(path, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
            }
            assertThat(SnapshotPath.display(path).chars().noneMatch(Character::isISOControl))
                    .as("display of %s", Arrays.toString(path))
                    .isTrue();
        }
    }

    private static byte[] bytes(String text) {
        return SnapshotPath.of(text);
    }

    private static String text(byte[] path) {
        return new String(path, StandardCharsets.UTF_8);
    }
}
