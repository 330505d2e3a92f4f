// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.query.SnapshotFields;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.query.TimeExpressions;
import dev.armoire.engine.record.SnapshotHeader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.function.Function;

/** The flags that pick snapshots, and the filter they make. */
final class FilterFlags {
    private FilterFlags() {}

    private static final String[] UNITS = {"minute", "hour", "day", "week", "month", "year"};
    private static final String[] DAYS = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

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
        String reason = "windows, caps and groups of snapshots are not in this version of Armoire";
        for (String[] periods : new String[][] {UNITS, DAYS}) {
            for (String period : periods) {
                flags.absent(reason, period + "s", "per-" + period);
            }
        }
        flags.absent(reason, "group-by");
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
