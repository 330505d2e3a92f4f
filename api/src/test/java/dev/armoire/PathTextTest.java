// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PathTextTest {
    @Test
    void anyBytesComeBack() {
        Random random = new Random(7);
        for (int i = 0; i < 5000; i++) {
            byte[] bytes = new byte[random.nextInt(12)];
            for (int j = 0; j < bytes.length; j++) {
                // Lead bytes and continuations often, so that sequences of all lengths come up, whole and broken.
                bytes[j] = (byte) (random.nextInt(3) == 0 ? 'a' : 0x80 + random.nextInt(0x80));
            }
            assertThat(PathText.bytes(PathText.of(bytes))).isEqualTo(bytes);
        }
    }

    @Test
    void textIsUtf8() {
        String text = "/a/ä/€/😀";

        assertThat(PathText.of(text.getBytes(StandardCharsets.UTF_8))).isEqualTo(text);
        assertThat(PathText.of(new byte[] {'a', (byte) 0xff})).isEqualTo("a\udcff");
    }

    @Test
    void refusesOtherSurrogates() {
        assertThatThrownBy(() -> PathText.bytes("a\ud800")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PathText.bytes("a\udc00")).isInstanceOf(IllegalArgumentException.class);
    }
}
