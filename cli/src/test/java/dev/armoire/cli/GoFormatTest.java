// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileMode;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoFormatTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "9, 9 B",
        "10, 10 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "1075, 1.0 KiB",
        "1076, 1.1 KiB",
        "10188, 9.9 KiB",
        "10189, 10 KiB",
        "67108864, 64 MiB",
        "11120048, 11 MiB",
        "1048575, 1024 KiB",
        "1048576, 1.0 MiB",
        "9223372036854775807, 8.0 EiB",
        "-1, 16 EiB",
    })
    void sizesAreInBinaryUnits(long bytes, String text) {
        assertThat(GoFormat.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0s",
        "1, 1ns",
        "999, 999ns",
        "1000, 1µs",
        "198745, 198.745µs",
        "145487035, 145.487035ms",
        "1000000, 1ms",
        "1200000000, 1.2s",
        "60000000000, 1m0s",
        "65000000000, 1m5s",
        "3600000000000, 1h0m0s",
        "3723500000000, 1h2m3.5s",
        "-1500000000, -1.5s",
        "9223372036854775807, 2562047h47m16.854775807s",
    })
    void durationsAreAsGoPrintsThem(long nanos, String text) {
        assertThat(GoFormat.duration(nanos)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0, 0s", "499999999, 0s", "500000000, 1s", "1499999999, 1s", "64500000000, 1m5s", "-600000000, -1s"})
    void secondsAreRoundedAwayFromZero(long nanos, String text) {
        assertThat(GoFormat.seconds(nanos)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0100644, -rw-r--r--",
        "0040755, drwxr-xr-x",
        "0041777, dtrwxrwxrwx",
        "0120777, Lrwxrwxrwx",
        "0010600, prw-------",
        "0140755, Srwxr-xr-x",
        "0060660, Drw-rw----",
        "0020660, Dcrw-rw----",
        "0104755, urwxr-xr-x",
        "0102755, grwxr-xr-x",
        "0106000, ug---------",
    })
    void modesAreAsGoPrintsThem(String unix, String text) {
        assertThat(GoFormat.mode(FileMode.fromUnix(Integer.parseInt(unix, 8)))).isEqualTo(text);
    }

    @Test
    void timesAreInUtc() {
        Instant time = Instant.parse("2026-11-23T09:24:18.120Z");
        assertThat(GoFormat.time(time)).isEqualTo("2026-11-23T09:24:18Z");
        assertThat(GoFormat.fullTime(time)).isEqualTo("2026-11-23 09:24:18.12 +0000 UTC");
        assertThat(GoFormat.fullTime(Instant.EPOCH)).isEqualTo("1970-01-01 00:00:00 +0000 UTC");
    }

    @ParameterizedTest
    @CsvSource({
        "0, PT0S",
        "0s, PT0S",
        "90s, PT90S",
        "1h30m, PT90M",
        "7d, P7D",
        "168h, P7D",
        "1.5h, PT90M",
        "10ms, PT0.01S",
    })
    void readsDurationsAsGoDoes(String text, Duration expected) {
        assertThat(GoFormat.parseDuration(text, "here")).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1", "s", "-1s", "1x", "1h 30m", "a week", "99999999999999999999d", "1s1"})
    void refusesWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> GoFormat.parseDuration(text, "here"))
                .isInstanceOf(CommandException.class)
                .hasMessageContaining("here: \"" + text + "\" is no duration");
    }

    @ParameterizedTest
    @CsvSource({"PT0S, 0s", "P7D, 7d", "PT36H, 36h", "PT90M, 90m", "PT90S, 90s"})
    void saysDurationsInTheLargestUnit(Duration duration, String expected) {
        assertThat(GoFormat.shortDuration(duration)).isEqualTo(expected);
    }
}
