// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The snapshots of an open store, and how words on the command line name them. */
final class Snapshots {
    private final Repository repository;
    private final Report report;
    private @Nullable List<SnapshotHeader> headers;
    private boolean isDamaged;

    Snapshots(Repository repository, Report report) {
        this.repository = repository;
        this.report = report;
    }

    /**
     * An argument {@code ID[:PATH]}, taken apart.
     *
     * @param prefix hexadecimal digits in lower case; empty for the latest snapshot
     * @param path as written; empty for the root of the source
     */
    record Name(String prefix, String path) {
        /** Takes a word apart. One that begins with a slash is a path. */
        static Name parse(String word) {
            int colon = word.indexOf(':');
            if (word.startsWith("/")) {
                return new Name("", word);
            }
            return colon < 0
                    ? new Name(word.toLowerCase(Locale.ROOT), "")
                    : new Name(word.substring(0, colon).toLowerCase(Locale.ROOT), word.substring(colon + 1));
        }

        byte[] pathBytes() {
            return SnapshotPath.of(path);
        }
    }

    /** Refuses words that name a path in a snapshot. */
    static void requireWhole(String command, List<String> words) {
        for (String word : words) {
            if (word.contains(":") || word.contains("/")) {
                throw CommandException.usage(command + " takes whole snapshots, not " + word);
            }
        }
    }

    /** Whether a header could not be read. */
    boolean isDamaged() {
        return isDamaged;
    }

    /** All that can be read, newest first; the others are told once. */
    List<SnapshotHeader> all() {
        List<SnapshotHeader> known = headers;
        if (known == null) {
            known = Snapshot.headers(repository, (id, problem) -> {
                isDamaged = true;
                report.error(problem);
            });
            headers = known;
            tellOfLostStates(known);
        }
        return known;
    }

    /** A store without states looks like one without snapshots. */
    private void tellOfLostStates(List<SnapshotHeader> known) {
        if (!known.isEmpty() || !repository.states().isEmpty()) {
            return;
        }
        try {
            int packfiles = repository.storage().list(ObjectKind.PACKFILE).size();
            if (packfiles > 0) {
                report.warn("no state tells what is in the " + packfiles + " packfiles of this store: its first backup"
                        + " goes on or was killed, or states are gone; `armoire check` tells more, `armoire repair`"
                        + " lists again what is there");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Those that pass, newest first. */
    List<SnapshotHeader> matching(SnapshotFilter filter) {
        return filter.select(all(), FilterFlags::fields);
    }

    /** Those that pass and are kept, newest first. */
    List<SnapshotHeader> matching(SnapshotQuery query) {
        return query.select(all(), FilterFlags::fields, Instant.now());
    }

    /** The newest one. */
    SnapshotHeader latest() {
        List<SnapshotHeader> all = all();
        if (all.isEmpty()) {
            throw none();
        }
        return all.getFirst();
    }

    static CommandException none() {
        return new CommandException(ExitCode.ERROR, "no snapshots found");
    }

    /** The one that a name means; the latest when it has no id, which is said. */
    SnapshotHeader find(Name name) {
        if (name.prefix.isEmpty()) {
            SnapshotHeader latest = latest();
            report.notice("no snapshot named, taking the latest: " + describe(latest));
            return latest;
        }
        return find(name.prefix);
    }

    /** The one whose id begins so. */
    private SnapshotHeader find(String prefix) {
        Mac id = resolve(prefix);
        try (BlobReader reader = repository.newReader()) {
            return Snapshot.header(reader, id);
        } catch (CorruptDataException e) {
            throw new CorruptDataException("snapshot " + id.shortHex() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** The id that begins so, which need not be readable. */
    Mac resolve(String prefix) {
        if (prefix.isEmpty()) {
            throw new CommandException(ExitCode.ERROR, "an empty snapshot id");
        }
        String wanted = prefix.toLowerCase(Locale.ROOT);
        List<Mac> found = repository.snapshots().stream()
                .filter(id -> id.hex().startsWith(wanted))
                .toList();
        if (found.isEmpty()) {
            throw new CommandException(ExitCode.ERROR, "no snapshot has prefix: " + prefix);
        }
        if (found.size() > 1) {
            throw ambiguous(prefix, wanted, found.size());
        }
        return found.getFirst();
    }

    private CommandException ambiguous(String prefix, String wanted, int count) {
        List<String> lines = new ArrayList<>();
        lines.add("snapshot ID is ambiguous: " + prefix + " (matches " + count + " snapshots)");
        for (SnapshotHeader header : all()) {
            if (header.identifier().hex().startsWith(wanted)) {
                lines.add("  " + describe(header));
            }
        }
        return new CommandException(ExitCode.ERROR, String.join("\n", lines));
    }

    /** Enough to recognise it by: id, time, root. */
    static String describe(SnapshotHeader header) {
        return header.identifier().hex().substring(0, 16) + " of " + GoFormat.time(header.timestamp()) + ", "
                + SnapshotPath.display(header.source().directory());
    }

    /** The line of a snapshot in lists. */
    static void print(Report report, SnapshotHeader header, boolean fullId, boolean tags) {
        long size = header.source().summary().directory().size
                + header.source().summary().below().size;
        // There may be ten thousand lines, and String.format would take longer for them than all else.
        StringBuilder line =
                new StringBuilder(128).append(GoFormat.time(header.timestamp())).append(' ');
        if (fullId) {
            line.append(header.identifier().hex());
        } else {
            GoFormat.right(line, header.identifier().shortHex(), 10);
        }
        GoFormat.right(line, GoFormat.bytes(size), 10);
        GoFormat.right(line, GoFormat.seconds(header.durationNanos()), 10);
        line.append(' ').append(SnapshotPath.display(header.source().directory()));
        if (tags && !header.tags().isEmpty()) {
            line.append(SnapshotPath.display(SnapshotPath.of(" tags=" + String.join(",", header.tags()))));
        }
        report.result(
                line.toString(),
                "snapshot",
                "snapshot",
                header.identifier().hex(),
                "timestamp",
                header.timestamp(),
                "duration_nanoseconds",
                header.durationNanos(),
                "size",
                size,
                "name",
                header.name(),
                "category",
                header.category(),
                "environment",
                header.environment(),
                "perimeter",
                header.perimeter(),
                "job",
                header.job(),
                "tags",
                header.tags(),
                "source_type",
                header.source().type(),
                "origin",
                header.source().origin(),
                "root",
                header.source().directory());
    }
}
