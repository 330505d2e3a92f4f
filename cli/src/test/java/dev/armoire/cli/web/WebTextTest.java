// SPDX-License-Identifier: ISC
package dev.armoire.cli.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WebTextTest {
    private static final long SEED = 20261129;

    @Test
    void anyBytesComeBackFromAUrl() {
        Random random = new Random(SEED);
        for (int i = 0; i < 1000; i++) {
            byte[] name = new byte[random.nextInt(40)];
            random.nextBytes(name);
            assertThat(WebText.bytes(WebText.percent(name)))
                    .as("seed %d, %d", SEED, i)
                    .isEqualTo(name);
            assertThat(WebText.percent(name)).matches("[A-Za-z0-9._~%-]*");
            assertThat(WebText.bytes(WebText.percentPath(name))).isEqualTo(name);
        }
        assertThat(WebText.percentPath("/a b/ü".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("/a%20b/%C3%BC");
        assertThat(WebText.bytes("%zz%4")).isEqualTo("%zz%4".getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void namesStayNamesInAPage() {
        byte[] name = {'<', '"', '&', '>', '\n', 27, (byte) 0xff};
        assertThat(WebText.display(name)).isEqualTo("&lt;&quot;&amp;&gt;\\x0a\\x1b\\xff");
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-0, 0, 1",
        "bytes=2-5, 2, 6",
        "bytes=7-, 7, 10",
        "bytes=7-99, 7, 10",
        "bytes=-3, 7, 10",
        "bytes=-99, 0, 10",
        "bytes=10-, 10, 10",
        "bytes=5-2, 5, 3"
    })
    void rangesAreThoseOfHttp(String range, long from, long end) {
        assertThat(WebExchange.range(range, 10)).containsExactly(from, end);
    }

    @ParameterizedTest
    @CsvSource({"bytes=-", "bytes=a-b", "'bytes=0-1,4-5'", "lines=0-1", "bytes=9999999999999999999-"})
    void whatIsNoRangeOrSeveralGivesTheWhole(String range) {
        assertThat(WebExchange.range(range, 10)).isNull();
    }
}
