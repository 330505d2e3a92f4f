// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.query.GroupKey;
import dev.armoire.engine.query.Period;
import dev.armoire.engine.query.Retention;
import dev.armoire.engine.query.SnapshotFields;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.query.TimeExpressions;
import dev.armoire.engine.record.SnapshotHeader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoField;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The flags that pick snapshots, and the filter they make. */
final class FilterFlags {
    private FilterFlags() {}

    /** Of those that pick single snapshots, and have no windows and caps. */
    static void declare(Flags flags) {
        flags.value("before", "TIME", "taken at TIME or before: 2026-11-23, 2026-11-23T09:24:20Z, 3d, yesterday")
                .value("since", "TIME", "taken at TIME or later")
                .value("name", "TEXT", "with this name")
                .value("category", "TEXT", "of this category")
                .value("environment", "TEXT", "of this environment")
                .value("perimeter", "TEXT", "of this perimeter")
                .value("job", "TEXT", "of this job")
                .value("dataset", "TEXT", "of this data set")
                .value("tag", "LIST", "with all of these tags; !TAG: without it")
                .value("root", "LIST", "of these source folders, exactly")
                .value("origin", "LIST", "from one of these hosts")
                .value("type", "LIST", "from a source of one of these types")
                .value("data-class", "LIST", "with one of these data classes")
                .flag("latest", "only the newest of those that match");
    }

    /** Those of {@link #declare}, and windows, caps and groups. */
    static void declareQuery(Flags flags) {
        declare(flags);
        for (Period period : Period.values()) {
            flags.value(period.label() + 's', "N", "of the last N " + period.label() + "s, this one included");
        }
        for (Period period : Period.values()) {
            flags.value("per-" + period.label(), "N", "only the newest N of each " + period.label());
        }
        flags.value("group-by", "KEY", "count for each KEY apart: " + groupKeys());
    }

    private static String groupKeys() {
        return Arrays.stream(GroupKey.values()).map(GroupKey::label).collect(Collectors.joining(", "));
    }

    /** The filter, windows and caps that the flags ask for. */
    static SnapshotQuery query(Flags.Arguments arguments, Report report) {
        return new SnapshotQuery(of(arguments, report), retention(arguments, Retention.NONE));
    }

    /** Windows, caps and group of the flags; where they are silent, those of {@code policy}. */
    static Retention retention(Flags.Arguments arguments, Retention policy) {
        Map<Period, Retention.Rule> rules = new EnumMap<>(Period.class);
        for (Period period : Period.values()) {
            Retention.Rule known = policy.rules().get(period);
            int window = arguments.number(period.label() + 's', 0, known == null ? 0 : known.window());
            int cap = arguments.number("per-" + period.label(), 0, known == null ? 0 : known.cap());
            if (window + cap != 0) {
                rules.put(period, new Retention.Rule(window, cap));
            }
        }
        String key = arguments.get("group-by");
        return new Retention(rules, key == null ? policy.groupBy() : groupKey(key));
    }

    static GroupKey groupKey(String label) {
        return GroupKey.of(label)
                .orElseThrow(() -> CommandException.usage(
                        "invalid -group-by value " + label + ": one of " + groupKeys() + " is wanted"));
    }

    /** The filter that the flags ask for. */
    static SnapshotFilter of(Flags.Arguments arguments, Report report) {
        Instant now = Instant.now();
        SnapshotFilter.Builder filter = SnapshotFilter.builder();
        time(arguments, "before", now, report, filter::before);
        time(arguments, "since", now, report, filter::since);
        last(arguments, "name", filter::name);
        last(arguments, "category", filter::category);
        last(arguments, "environment", filter::environment);
        last(arguments, "perimeter", filter::perimeter);
        last(arguments, "job", filter::job);
        last(arguments, "dataset", filter::dataset);
        arguments.all("tag").forEach(filter::tags);
        arguments.all("root").forEach(filter::roots);
        arguments.all("origin").forEach(filter::origins);
        arguments.all("type").forEach(filter::types);
        arguments.all("data-class").forEach(filter::dataClasses);
        return filter.latest(arguments.is("latest")).build();
    }

    private interface Setter<T> {
        SnapshotFilter.Builder set(T value);
    }

    private static void last(Flags.Arguments arguments, String name, Setter<String> setter) {
        String value = arguments.get(name);
        if (value != null) {
            setter.set(value);
        }
    }

    private static void time(
            Flags.Arguments arguments, String name, Instant now, Report report, Setter<Instant> setter) {
        String text = arguments.get(name);
        if (text != null) {
            setter.set(time(text, now, report));
        }
    }

    /** Reads a time, and warns of the one that surprises. */
    static Instant time(String text, Instant now, Report report) {
        TimeExpressions.PointInTime time = TimeExpressions.parse(text, now);
        if (time.monthsByM()) {
            report.warn("in \"" + text + "\" m means months of 30 days; write mi or min for minutes");
        }
        return time.instant();
    }

    /** What a filter looks at in a header. */
    static SnapshotFields fields(SnapshotHeader header) {
        return new HeaderFields(header);
    }

    /** A header as filters see it. */
    private record HeaderFields(SnapshotHeader header) implements SnapshotFields {
        private List<String> ofSources(Function<SnapshotHeader.Source, String> part) {
            return header.sources().stream().map(part).toList();
        }

        @Override
        public long timestampSeconds() {
            return header.timestamp().getEpochSecond();
        }

        @Override
        public int timestampNanos() {
            return header.timestamp().get(ChronoField.NANO_OF_SECOND);
        }

        @Override
        public String name() {
            return header.name();
        }

        @Override
        public String category() {
            return header.category();
        }

        @Override
        public String environment() {
            return header.environment();
        }

        @Override
        public String perimeter() {
            return header.perimeter();
        }

        @Override
        public String job() {
            return header.job();
        }

        @Override
        public String dataset() {
            return header.dataset();
        }

        @Override
        public List<String> tags() {
            return header.tags();
        }

        @Override
        public List<String> dataClasses() {
            return header.dataClasses();
        }

        @Override
        public List<String> roots() {
            return ofSources(source -> new String(source.directory(), StandardCharsets.UTF_8));
        }

        @Override
        public List<String> origins() {
            return ofSources(SnapshotHeader.Source::origin);
        }

        @Override
        public List<String> types() {
            return ofSources(SnapshotHeader.Source::type);
        }
    }
}
