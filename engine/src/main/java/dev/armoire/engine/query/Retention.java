// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which snapshots are to be kept: windows (the last N buckets of the calendar) and caps (at most N, the newest ones, in each
 * bucket). A snapshot stays if any rule keeps it. Without a rule all stay. Decides as Plakar does (its package locate).
 *
 * @param rules by period; the empty map keeps everything
 * @param groupBy null for one group of all
 */
public record Retention(Map<Period, Rule> rules, @Nullable GroupKey groupBy) {
    /** Keeps everything. */
    public static final Retention NONE = new Retention(Map.of(), null);

    public Retention {
        rules = Map.copyOf(rules);
    }

    /**
     * What is kept of one period.
     *
     * @param window the last so many buckets; 0 for all there are
     * @param cap at most so many in each of them; 0 for all
     */
    public record Rule(int window, int cap) {
        public Rule {
            if (window < 0 || cap < 0 || window + cap == 0) {
                throw new IllegalArgumentException("a window of " + window + " and a cap of " + cap);
            }
        }
    }

    /**
     * What becomes of a snapshot, and why.
     *
     * @param period the rule that decided, or null
     * @param bucket where that rule put it
     * @param rank its place there, the newest is 1
     * @param cap of that rule, 0 for none
     * @param note the reason in words
     */
    public record Verdict(boolean keeps, @Nullable Period period, String bucket, int rank, int cap, String note) {
        private static final Verdict MATCHED = new Verdict(true, null, "", 0, 0, "matched filters");
        private static final Verdict OUTSIDE = new Verdict(false, null, "", 0, 0, "outside retention windows");

        private boolean isBetterThan(@Nullable Verdict other) {
            return other == null
                    || other.period == null
                    || keeps && !other.keeps
                    || keeps == other.keeps && rank < other.rank;
        }
    }

    public boolean isEmpty() {
        return rules.isEmpty() && groupBy == null;
    }

    /**
     * Judges snapshots.
     *
     * @param newestFirst in this order
     * @param view gives their fields
     * @return what becomes of each, in the same order
     */
    public <T> Map<T, Verdict> judge(
            List<T> newestFirst, Function<? super T, ? extends SnapshotFields> view, Instant now) {
        Map<T, Verdict> verdicts = new LinkedHashMap<>();
        if (rules.isEmpty()) {
            newestFirst.forEach(snapshot -> verdicts.put(snapshot, Verdict.MATCHED));
            return verdicts;
        }
        newestFirst.forEach(snapshot -> verdicts.put(snapshot, Verdict.OUTSIDE));
        Map<String, List<T>> groups = new LinkedHashMap<>();
        for (T snapshot : newestFirst) {
            List<String> names = groupBy == null ? List.of("") : groupBy.groups(view.apply(snapshot));
            names.forEach(name ->
                    groups.computeIfAbsent(name, key -> new ArrayList<>()).add(snapshot));
        }
        OffsetDateTime today = now.atOffset(ZoneOffset.UTC);
        for (List<T> group : groups.values()) {
            new EnumMap<>(rules).forEach((period, rule) -> apply(period, rule, group, view, today, verdicts));
        }
        return verdicts;
    }

    private static <T> void apply(
            Period period,
            Rule rule,
            List<T> group,
            Function<? super T, ? extends SnapshotFields> view,
            OffsetDateTime now,
            Map<T, Verdict> verdicts) {
        Map<String, Integer> ranks = new HashMap<>();
        for (T snapshot : group) {
            SnapshotFields fields = view.apply(snapshot);
            OffsetDateTime time = Instant.ofEpochSecond(fields.timestampSeconds(), fields.timestampNanos())
                    .atOffset(ZoneOffset.UTC);
            String bucket = period.bucket(time).orElse(null);
            if (bucket == null || rule.window > 0 && !period.isInLast(rule.window, time, now)) {
                continue;
            }
            int rank = ranks.merge(bucket, 1, Integer::sum);
            boolean keeps = rule.cap == 0 || rank <= rule.cap;
            Verdict verdict = new Verdict(
                    keeps, period, bucket, rank, rule.cap, keeps ? "within bucket" : "exceeds per-bucket cap");
            Verdict before = verdicts.get(snapshot);
            if (verdict.isBetterThan(before)) {
                verdicts.put(snapshot, verdict);
            }
        }
    }
}
