// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hourly                | 0 * * * *           | *-*-* *:00:00",
                "daily                 | 0 0 * * *           | *-*-* 00:00:00",
                "@weekly               | 0 0 * * 0           | Sun *-*-* 00:00:00",
                "monthly               | 0 0 1 * *           | *-*-01 00:00:00",
                "daily 02:30           | 30 2 * * *          | *-*-* 02:30:00",
                "Mon-Fri 19:05         | 5 19 * * mon-fri    | Mon,Tue,Wed,Thu,Fri *-*-* 19:05:00",
                "sun,wed 9:00          | 0 9 * * sun,wed     | Sun,Wed *-*-* 09:00:00",
                "monthly 15 04:00      | 0 4 15 * *          | *-*-15 04:00:00",
                "*/20 8-18/5 * * *     | */20 8-18/5 * * *   | *-*-* 08,13,18:00,20,40:00",
                "0 3 1,15 jan,7 *      | 0 3 1,15 jan,7 *    | *-01,07-01,15 03:00:00",
                "5 4 * * 5-7           | 5 4 * * 5-7         | Sun,Fri,Sat *-*-* 04:05:00",
            })
    void isToldToCronAndToSystemd(String text, String cron, String systemd) {
        Schedule schedule = Schedule.parse(text);

        assertThat(schedule.cron()).isEqualTo(cron);
        assertThat(schedule.systemd()).isEqualTo(systemd);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "daly",
                "daily 24:00",
                "daily 2",
                "fry 10:00",
                "* * * *",
                "* * * * * *",
                "60 * * * *",
                "* 24 * * *",
                "0 0 0 * *",
                "0 0 * 13 *",
                "0 0 * * 8",
                "5/10 * * * *",
                "9-3 * * * *",
                "*/0 * * * *",
                "1,,2 * * * *",
                "0 0 1 * mon",
                "monthly 32 04:00",
                "mon 3 10:00",
                "-1 * * * *"
            })
    void nonsenseIsRefused(String text) {
        assertThatThrownBy(() -> Schedule.parse(text))
                .isInstanceOf(CommandException.class)
                .hasMessageStartingWith("schedule \"" + text + "\"")
                .hasMessageMatching(".*(are wanted|give one of the two)");
    }
}
