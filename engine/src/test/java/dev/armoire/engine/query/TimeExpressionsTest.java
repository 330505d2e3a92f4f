// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeExpressionsTest {
    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00.5Z");

    @ParameterizedTest
    @CsvSource({
        "2026-11-23T09:24:20Z, 2026-11-23T09:24:20Z",
        "2026-11-23T09:24:20+02:00, 2026-11-23T07:24:20Z",
        "2026-11-23T09:24:20-05:30, 2026-11-23T14:54:20Z",
        "2026-11-23T09:24:20.123456789Z, 2026-11-23T09:24:20.123456789Z",
        "2026-11-23T09:24:20.1234567891234Z, 2026-11-23T09:24:20.123456789Z",
        "2026-11-23t09:24:20z, 2026-11-23T09:24:20Z",
        "2026-11-23T09:24:20, 2026-11-23T09:24:20Z",
        "2026-11-23T09:24:20.5, 2026-11-23T09:24:20.5Z",
        "2026-11-23 09:24, 2026-11-23T09:24:00Z",
        "2026-11-23 9:24, 2026-11-23T09:24:00Z",
        "2026-11-23 09:24:20, 2026-11-23T09:24:20Z",
        "2026-11-23, 2026-11-23T00:00:00Z",
        "2026/11/23, 2026-11-23T00:00:00Z",
        "2024-02-29, 2024-02-29T00:00:00Z",
        "today, 2026-11-23T00:00:00Z",
        "Yesterday, 2026-11-22T00:00:00Z",
    })
    void pointsInTime(String input, Instant expected) {
        assertThat(TimeExpressions.parse(input, NOW)).isEqualTo(new TimeExpressions.PointInTime(expected, false));
    }

    @ParameterizedTest
    @CsvSource({
        "1h, PT1H",
        "90mi, PT90M",
        "2h30m, PT2H30M",
        "2h30m15s, PT2H30M15S",
        "2h 30m, PT2H30M",
        "2hr 5m, PT2H5M",
        "2 hours 5 m, PT2H5M",
        "1.5h30m, PT2H",
        "5m30s, PT5M30S",
        "3d, P3D",
        "1w, P7D",
        "1y, P365D",
        "2 days, P2D",
        "2days, P2D",
        "1.5d, PT36H",
        ".5d, PT12H",
        "2d 3h, P2DT3H",
        "2d3h, P2DT3H",
        "3h2d, P2DT3H",
        "1mo, P30D",
        "2 Months, P60D",
        "0s, PT0S",
        "30s, PT30S",
        "30sec, PT30S",
        "1 second, PT1S",
        "30 seconds, PT30S",
        "1min, PT1M",
        "1 minute, PT1M",
        "2 minutes, PT2M",
        "1H, PT1H",
        "1 hour, PT1H",
        "1 day, P1D",
        "1 week, P7D",
        "2 weeks, P14D",
        "1 month, P30D",
        "2 years, P730D",
        "1 year, P365D",
        "half an hour, PT30M",
        "an hour and a half, PT90M",
        "Half a Day, PT12H",
        "a second, PT1S",
        "a minute, PT1M",
        "an hour, PT1H",
        "a day, P1D",
        "a week, P7D",
        "a month, P30D",
        "a year, P365D",
        "0.0000000015s, PT0.000000001S",
    })
    void timesAgo(String input, Duration expected) {
        assertThat(TimeExpressions.parse(input, NOW))
                .isEqualTo(new TimeExpressions.PointInTime(NOW.minus(expected), false));
    }

    @ParameterizedTest
    @CsvSource({"5m, P150D", "1.5m, P45D", "1d 5m, P151D", "1y2m, P425D", "5m 10 sec, PT3600H10S"})
    void aLoneMIsMonthsAndWorthAWarning(String input, Duration expected) {
        assertThat(TimeExpressions.parse(input, NOW))
                .isEqualTo(new TimeExpressions.PointInTime(NOW.minus(expected), true));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                " 1h",
                "1h ",
                "-1h",
                "2 days ago",
                "about 3d",
                "3d or so",
                "09:24",
                "20261123",
                "2h30",
                "5",
                "h",
                "1.2.3d",
                ".d",
                "3 fortnights",
                "1d,2h",
                "tomorrow",
                "now",
                "2026-11-23T09:24",
                "2026-11-23T",
                "2026-13-01",
                "2026-02-30",
                "2025-02-29",
                "2026/02/30",
                "2026-11-23 24:00",
                "2026-11-23T09:60:00Z",
                "2026-11-23T09:24:60Z",
                "2026-11-23 09:24Z",
                "2026-11-23T09:24:20+25:00",
                "2026-11-23Z",
                "26-11-23",
                "300y",
                "292y 292y",
                "99999999999999999999999999999999y",
                "2026-11-23 09:24:20 1h",
                "1h\n2h x"
            })
    void whatIsNotUnderstoodIsAnError(String input) {
        assertThatExceptionOfType(InvalidTimeException.class)
                .isThrownBy(() -> TimeExpressions.parse(input, NOW))
                .withMessageStartingWith("invalid time \"" + input + "\": ");
    }

    @Test
    void messagesSayWhatIsWrong() {
        assertThatExceptionOfType(InvalidTimeException.class)
                .isThrownBy(() -> TimeExpressions.parse("2 days ago", NOW))
                .withMessageStartingWith("invalid time \"2 days ago\": \"ago\" is not understood; write 2026-");
        assertThatExceptionOfType(InvalidTimeException.class)
                .isThrownBy(() -> TimeExpressions.parse("x".repeat(10_000), NOW))
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
    }
}
