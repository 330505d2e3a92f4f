// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.engine.query.Retention.Rule;
import dev.armoire.engine.query.Retention.Verdict;
import java.time.Instant;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Real Plakar v1.1.4 judged alike where the two were compared on random snapshots and flags; these are the edges. */
class RetentionTest {
    /** A Thursday. */
    private static final Instant NOW = Instant.parse("2026-11-26T11:30:00Z");

    private record Fields(Instant time, String name, List<String> tags) implements SnapshotFields {
        @Override
        public long timestampSeconds() {
            return time.getEpochSecond();
        }

        @Override
        public int timestampNanos() {
            return time.get(ChronoField.NANO_OF_SECOND);
        }

        @Override
        public String category() {
            return "";
        }

        @Override
        public String environment() {
            return "";
        }

        @Override
        public String perimeter() {
            return "";
        }

        @Override
        public String job() {
            return "";
        }

        @Override
        public String dataset() {
            return "";
        }

        @Override
        public List<String> dataClasses() {
            return List.of();
        }

        @Override
        public List<String> roots() {
            return List.of("/a");
        }

        @Override
        public List<String> origins() {
            return List.of("host");
        }

        @Override
        public List<String> types() {
            return List.of("fs");
        }
    }

    private static Fields at(String time) {
        return new Fields(Instant.parse(time), "default", List.of());
    }

    private static Map<Fields, Verdict> judge(Retention retention, List<Fields> newestFirst) {
        return retention.judge(newestFirst, Function.identity(), NOW);
    }

    private static Retention rule(Period period, int window, int cap) {
        return new Retention(Map.of(period, new Rule(window, cap)), null);
    }

    @ParameterizedTest
    @CsvSource({
        "MINUTE, 1, 2026-11-26T11:30:59Z, 2026-11-26-11:30, true",
        "MINUTE, 1, 2026-11-26T11:29:59Z, '', false",
        "HOUR, 2, 2026-11-26T10:00:00Z, 2026-11-26-10, true",
        "HOUR, 2, 2026-11-26T09:59:59Z, '', false",
        "DAY, 7, 2026-11-20T00:00:00Z, 2026-11-20, true",
        "DAY, 7, 2026-11-19T23:59:59Z, '', false",
        "WEEK, 1, 2026-11-23T00:00:00Z, 2026-W48, true",
        "WEEK, 1, 2026-11-22T23:59:59Z, '', false",
        "WEEK, 60, 2025-12-29T00:00:00Z, 2026-W01, true",
        "MONTH, 2, 2026-10-01T00:00:00Z, 2026-10, true",
        "MONTH, 2, 2026-09-30T23:59:59Z, '', false",
        "YEAR, 2, 2025-01-01T00:00:00Z, 2025, true",
        "YEAR, 2, 2024-12-31T23:59:59Z, '', false",
        "FRIDAY, 1, 2026-11-20T12:00:00Z, 2026-W47-friday, true",
        "FRIDAY, 1, 2026-11-13T12:00:00Z, '', false",
        "FRIDAY, 1, 2026-11-19T12:00:00Z, '', false",
        // Made by a clock that is ahead of ours: as new as can be, so none that a prune may take.
        "DAY, 1, 2026-11-27T00:00:00Z, 2026-11-27, true",
        "HOUR, 1, 2026-11-26T12:10:00Z, 2026-11-26-12, true",
        "YEAR, 2147483647, 1970-01-01T00:00:00Z, 1970, true",
        "MINUTE, 2147483647, 2020-01-01T00:00:00Z, 2020-01-01-00:00, true",
    })
    void aWindowIsTheLastBucketsWithTheCurrentOne(
            Period period, int window, String time, String bucket, boolean keeps) {
        Fields snapshot = at(time);

        Verdict verdict = judge(rule(period, window, 0), List.of(snapshot)).get(snapshot);

        assertThat(verdict)
                .isEqualTo(
                        keeps
                                ? new Verdict(true, period, bucket, 1, 0, "within bucket")
                                : new Verdict(false, null, "", 0, 0, "outside retention windows"));
    }

    @Test
    void aCapKeepsTheNewestOfEachBucket() {
        List<Fields> snapshots =
                List.of(at("2026-11-24T09:00:00Z"), at("2026-11-23T09:00:00Z"), at("2026-11-23T08:00:00Z"));

        assertThat(judge(rule(Period.DAY, 0, 1), snapshots).values())
                .containsExactly(
                        new Verdict(true, Period.DAY, "2026-11-24", 1, 1, "within bucket"),
                        new Verdict(true, Period.DAY, "2026-11-23", 1, 1, "within bucket"),
                        new Verdict(false, Period.DAY, "2026-11-23", 2, 1, "exceeds per-bucket cap"));
    }

    @Test
    void oneRuleThatKeepsIsEnough() {
        List<Fields> snapshots = List.of(at("2026-11-23T09:00:00Z"), at("2026-11-23T08:00:00Z"));
        Retention retention = new Retention(Map.of(Period.DAY, new Rule(0, 1), Period.HOUR, new Rule(0, 1)), null);

        assertThat(judge(retention, snapshots).values()).allMatch(Verdict::keeps);
    }

    @Test
    void groupsAreCountedApartAndASnapshotOfSeveralStaysIfOneKeepsIt() {
        Fields a = new Fields(Instant.parse("2026-11-23T10:00:00Z"), "x", List.of("a"));
        Fields ab = new Fields(Instant.parse("2026-11-23T09:00:00Z"), "x", List.of("a", "b"));
        Fields none = new Fields(Instant.parse("2026-11-23T08:00:00Z"), "x", List.of());
        Map<Period, Rule> rules = Map.of(Period.DAY, new Rule(0, 1));

        assertThat(judge(new Retention(rules, GroupKey.TAG), List.of(a, ab, none))
                        .values())
                .allMatch(Verdict::keeps);
        assertThat(judge(new Retention(rules, GroupKey.NAME), List.of(a, ab, none))
                        .values())
                .extracting(Verdict::keeps)
                .containsExactly(true, false, false);
    }

    @ParameterizedTest
    @EnumSource(GroupKey.class)
    void aGroupIsFoundByItsLabel(GroupKey key) {
        assertThat(GroupKey.of(key.label())).contains(key);
        assertThat(key.groups(at("2026-11-23T10:00:00Z"))).hasSize(1);
    }

    @Test
    void withoutRulesEverythingStays() {
        assertThat(judge(Retention.NONE, List.of(at("1970-01-01T00:00:00Z"))).values())
                .containsExactly(new Verdict(true, null, "", 0, 0, "matched filters"));
    }
}
