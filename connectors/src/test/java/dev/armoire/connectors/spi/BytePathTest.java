// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class BytePathTest {
    private static byte[] bytes(String text) {
        return text.getBytes(ISO_8859_1);
    }

    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/a, /a",
        "/a/, /a",
        "//a///b, /a/b",
        "/a/./b, /a/b",
        "/a/../b, /b",
        "/.., /",
        "/../.., /",
        "/a/.., /",
        "/a/b/../../c, /c",
        "x, /cwd/x",
        "., /cwd",
        ".., /",
        "../x, /x",
        "/..a/.b, /..a/.b",
        "/.../x, /.../x",
        "/aa/bb/.., /aa"
    })
    void cleans(String path, String clean) {
        assertThat(BytePath.clean(bytes("/cwd"), bytes(path)))
                .asString(ISO_8859_1)
                .isEqualTo(clean);
    }

    @Test
    void anEmptyPathIsTheWorkingDirectory() {
        assertThat(BytePath.clean(bytes("/cwd"), bytes(""))).isEqualTo(bytes("/cwd"));
    }

    @ParameterizedTest
    @CsvSource({"/, /, ''", "/a, /, a", "/a/b, /a, b", "a, '', a", "a/b/c, a/b, c"})
    void splits(String path, String parent, String name) {
        assertThat(BytePath.parent(bytes(path))).isEqualTo(bytes(parent));
        assertThat(BytePath.name(bytes(path))).isEqualTo(bytes(name));
        if (!name.isEmpty()) {
            assertThat(BytePath.join(bytes(parent), bytes(name))).isEqualTo(bytes(path));
        }
    }

    @ParameterizedTest
    @CsvSource({"/a, /a, true", "/a/b, /a, true", "/ab, /a, false", "/a, /a/b, false", "/x, /, true"})
    void knowsWhatLiesBelow(String path, String directory, boolean below) {
        assertThat(BytePath.isBelow(bytes(path), bytes(directory))).isEqualTo(below);
    }

    @Test
    void nioPathsKeepTheirBytes() {
        assertThat(BytePath.of(Path.of("/nowhere/a b/%41/ü")))
                .isEqualTo("/nowhere/a b/%41/ü"
                        .getBytes(java.nio.charset.Charset.forName(System.getProperty("sun.jnu.encoding"))));
    }

    @Test
    void anyBytesBecomeTextAndBytesAgain() {
        Random random = new Random(5);
        byte[] parts = "a/é\ud83d\ude00\uffff".getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 2000; round++) {
            byte[] bytes = new byte[random.nextInt(12)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = random.nextBoolean() ? parts[random.nextInt(parts.length)] : (byte) random.nextInt();
            }
            assertThat(BytePath.bytes(BytePath.word(bytes))).isEqualTo(bytes);
        }
        assertThat(BytePath.word("é\ud83d\ude00".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("é\ud83d\ude00");
        assertThat(BytePath.word(new byte[] {'a', (byte) 0xe9, 'b'})).isEqualTo("a\udce9b");
    }
}
