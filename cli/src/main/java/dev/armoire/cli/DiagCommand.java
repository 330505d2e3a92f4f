// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ErrorItem;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PackfileRecords;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.LockRecord;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import dev.armoire.packfile.Version;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code diag}: shows what a store is made of, down to single blobs. Changes nothing. */
final class DiagCommand implements Command {
    private static final Pattern HEX = Pattern.compile("[0-9a-fA-F]{1,64}");
    /** An ambiguous prefix is told with so many of what begins with it. */
    private static final int CANDIDATES = 8;

    private boolean isDamaged;

    @Override
    public String usage() {
        return """
            diag [repository]
            diag snapshot ID
            diag vfs|trace ID[:PATH]
            diag errors|xattr|dirpack ID[:PATH]
            diag contenttype ID[:/TYPE[/PATH]]
            diag search ID[:PATH] [TYPE,...]
            diag state|packfile [MAC...]
            diag object|blobsearch MAC
            diag blob KIND MAC
            diag locks""";
    }

    @Override
    public String description() {
        return """
            Shows what a store is made of, for those who look for the cause of something.
            It reads only. MAC is as many hexadecimal digits as make it unique.

              repository   the settings of the store, as info does (snapshot: the same)
              vfs          what a snapshot knows of a path
              trace        the blobs of a file, where each one lies, and whether it is well
              errors       what could not be read when the snapshot was made
              xattr        extended attributes; dirpack: the listings of folders
              contenttype  the index of content types; search: files of some types
              state        the states, or what one says; packfile: likewise
              object       the chunks of a content; blob: one blob of any kind
              blobsearch   looks for a blob in the index of every packfile: slow
              locks        who works on the store""";
    }

    @Override
    public void declare(Flags flags) {
        // It has none of its own.
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        List<String> words = arguments.words();
        String what = words.isEmpty() ? "repository" : words.getFirst();
        List<String> rest = words.isEmpty() ? List.of() : words.subList(1, words.size());
        Report report = session.report();
        switch (what) {
            case "repository", "locks" -> require(what, rest, 0, 0, "no argument");
            case "snapshot" -> require(what, rest, 1, 1, "an ID");
            case "vfs", "trace", "errors", "xattr", "contenttype", "dirpack" ->
                require(what, rest, 1, 1, "an ID[:PATH]");
            case "search" -> require(what, rest, 1, 2, "an ID[:PATH] and content types");
            case "object", "blobsearch" -> require(what, rest, 1, 1, "a MAC");
            case "blob" -> require(what, rest, 2, 2, "a KIND and a MAC");
            case "state", "packfile" -> {
                // any number of MACs
            }
            default -> throw CommandException.usage("diag " + what + "? `armoire help diag` says what there is");
        }
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            switch (what) {
                case "repository" -> InfoCommand.store(repository, snapshots, new Page(report));
                case "state" -> states(repository, rest, report);
                case "packfile" -> packfiles(repository, rest, report);
                case "locks" -> locks(repository, report);
                case "object" -> object(repository, reader, rest.getFirst(), report);
                case "blob" -> blob(repository, reader, rest.getFirst(), rest.getLast(), report);
                case "blobsearch" -> search(repository, reader, rest.getFirst(), report);
                default -> {
                    Snapshots.Name name = Snapshots.Name.parse(rest.getFirst());
                    Snapshot snapshot = Snapshot.of(snapshots.find(name), reader);
                    DiagFiles files = new DiagFiles(repository, snapshot, name, report);
                    switch (what) {
                        case "snapshot" -> InfoCommand.snapshot(snapshot, name, new Page(report));
                        case "errors" -> InfoCommand.errors(snapshot, files.below(), "", report);
                        case "vfs" -> files.entry();
                        case "trace" -> files.trace();
                        case "xattr" -> files.attributes();
                        case "contenttype" -> files.contentTypes();
                        case "dirpack" -> files.listings();
                        default -> files.search(rest.size() > 1 ? rest.getLast() : "");
                    }
                    isDamaged |= files.isDamaged();
                }
            }
            return session.exitCode(isDamaged || snapshots.isDamaged() ? ExitCode.DAMAGE : ExitCode.OK);
        }
    }

    private static void require(String what, List<String> words, int least, int most, String wanted) {
        if (words.size() < least || words.size() > most) {
            throw CommandException.usage("diag " + what + " takes " + wanted);
        }
    }

    // States

    private void states(Repository repository, List<String> macs, Report report) throws IOException {
        TreeSet<Mac> all = new TreeSet<>(repository.storage().list(ObjectKind.STATE));
        if (macs.isEmpty()) {
            all.forEach(mac -> report.result(mac.hex(), "state", "state", mac.hex()));
            return;
        }
        try (BlobCodec codec = repository.newCodec()) {
            for (String text : macs) {
                Mac state = resolve("state", text, all);
                try {
                    stateHead(repository, state, codec, report);
                    int _ = repository.readState(state, codec, new StateLines(state, report));
                } catch (CorruptDataException e) {
                    damaged(e, report);
                }
            }
        }
    }

    /** The trailer comes last, and belongs first: the state is read for it. */
    private static void stateHead(Repository repository, Mac state, BlobCodec codec, Report report) throws IOException {
        Page page = new Page(report);
        page.line("State", state.hex());
        Mac[] parents = {Mac.ZERO};
        List<Object> trailer = new ArrayList<>();
        int version = repository.readState(state, codec, new StateLines(state, null) {
            @Override
            public void parent(Mac parent) {
                parents[0] = parent;
            }

            @Override
            public void trailer(int form, long timestampNanos, MemorySegment stream, long serialAt) {
                byte[] serial = new byte[16];
                MemorySegment.copy(stream, serialAt, MemorySegment.ofArray(serial), 0, serial.length);
                trailer.add(GoFormat.fullTime(instant(timestampNanos)));
                trailer.add(uuid(serial));
            }
        });
        page.line("Version", "v" + Version.toString(version));
        page.line("Creation", trailer.get(0));
        page.line("State serial", trailer.get(1));
        page.line("Parent", parents[0].isZero() ? "none" : parents[0].hex());
    }

    private static String uuid(byte[] bytes) {
        String hex = HexFormat.of().formatHex(bytes);
        return hex.replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5");
    }

    /** The entries of a state, in their order. */
    private static class StateLines implements StateStream.Visitor {
        private final String state;
        private final @Nullable Report report;

        StateLines(Mac state, @Nullable Report report) {
            this.state = state.hex();
            this.report = report;
        }

        @Override
        public void parent(Mac parent) {
            // stands in the head
        }

        @Override
        public void location(
                int blobType,
                int version,
                MemorySegment stream,
                long blobMacAt,
                long packfileMacAt,
                long offset,
                long lengthBytes) {
            if (report == null) {
                return;
            }
            String kind = ResourceType.name(blobType);
            String mac = Mac.read(stream, blobMacAt).hex();
            String packfile = Mac.read(stream, packfileMacAt).hex();
            report.result(
                    kind + ' ' + mac + " : packfile " + packfile + ", offset " + Long.toUnsignedString(offset)
                            + ", length " + lengthBytes,
                    "state.location",
                    "state",
                    state,
                    "kind",
                    kind,
                    "mac",
                    mac,
                    "packfile",
                    packfile,
                    "offset",
                    offset,
                    "length",
                    lengthBytes);
        }

        @Override
        public void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {
            if (report == null) {
                return;
            }
            String kind = ResourceType.name(type);
            String mac = Mac.read(stream, macAt).hex();
            report.result(
                    "deleted " + kind + ": " + mac + ", when=" + GoFormat.fullTime(instant(whenNanos)),
                    "state.coloured",
                    "state",
                    state,
                    "kind",
                    kind,
                    "mac",
                    mac,
                    "when",
                    instant(whenNanos));
        }

        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            if (report == null) {
                return;
            }
            String mac = Mac.read(stream, packfileMacAt).hex();
            report.result(
                    "packfile " + mac + ", when=" + GoFormat.fullTime(instant(whenNanos)),
                    "state.packfile",
                    "state",
                    state,
                    "packfile",
                    mac,
                    "when",
                    instant(whenNanos));
        }

        @Override
        public void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {
            if (report == null) {
                return;
            }
            String entry = switch (entryType) {
                case StateStream.LOCATIONS -> "location";
                case StateStream.COLOURED -> "coloured";
                default -> "packfile";
            };
            String kind = ResourceType.name(blobType);
            String mac = Mac.read(stream, blobMacAt).hex();
            String packfile = Mac.read(stream, packfileMacAt).hex();
            report.result(
                    "taken back " + entry + ": " + kind + ' ' + mac + ", packfile " + packfile,
                    "state.taken_back",
                    "state",
                    state,
                    "entry",
                    entry,
                    "kind",
                    kind,
                    "mac",
                    mac,
                    "packfile",
                    packfile);
        }

        @Override
        public void trailer(int version, long timestampNanos, MemorySegment stream, long serialAt) {
            // stands in the head
        }
    }

    // Packfiles

    private void packfiles(Repository repository, List<String> macs, Report report) throws IOException {
        TreeSet<Mac> all = new TreeSet<>(repository.storage().list(ObjectKind.PACKFILE));
        if (macs.isEmpty()) {
            all.forEach(mac -> report.result(mac.hex(), "packfile", "packfile", mac.hex()));
            return;
        }
        try (PackfileIndexReader reader = new PackfileIndexReader(repository)) {
            for (String text : macs) {
                Mac packfile = resolve("packfile", text, all);
                PackfileRecords records = readIndex(repository, reader, packfile, report);
                if (records != null) {
                    packfile(packfile, records, report);
                }
            }
        }
    }

    private @Nullable PackfileRecords readIndex(
            Repository repository, PackfileIndexReader reader, Mac packfile, Report report) throws IOException {
        try {
            return reader.read(packfile, repository.storage().size(ObjectKind.PACKFILE, packfile));
        } catch (CorruptDataException e) {
            damaged(new CorruptDataException("packfile " + packfile.hex() + ": " + e.getMessage(), e), report);
            return null;
        }
    }

    private static void packfile(Mac packfile, PackfileRecords records, Report report) {
        Page page = new Page(report);
        page.line("Version", "v1.0.0");
        page.line("Timestamp", GoFormat.fullTime(instant(records.createdNanos())));
        page.line("Index MAC", records.indexMac().hex());
        if (!report.isJson()) {
            report.result("", "field");
        }
        for (long i = 0; i < records.count(); i++) {
            String mac = records.mac(i).hex();
            String kind = ResourceType.name(records.type(i));
            tellBlob(
                    report,
                    "blob[" + i + "]: " + mac + ' ' + records.offset(i) + ' ' + records.length(i) + " 0 " + kind,
                    packfile,
                    records,
                    i);
        }
    }

    private static void tellBlob(Report report, String line, Mac packfile, PackfileRecords records, long i) {
        report.result(
                line,
                "packfile.blob",
                "packfile",
                packfile.hex(),
                "kind",
                ResourceType.name(records.type(i)),
                "mac",
                records.mac(i).hex(),
                "offset",
                records.offset(i),
                "length",
                records.length(i));
    }

    private void search(Repository repository, BlobReader blobs, String text, Report report) throws IOException {
        String prefix = hex(text);
        boolean isFound = false;
        try (PackfileIndexReader reader = new PackfileIndexReader(repository)) {
            for (Mac packfile : new TreeSet<>(repository.storage().list(ObjectKind.PACKFILE))) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted");
                }
                PackfileRecords records = readIndex(repository, reader, packfile, report);
                for (long i = 0; records != null && i < records.count(); i++) {
                    Mac mac = records.mac(i);
                    if (records.type(i) != ResourceType.RANDOM && mac.hex().startsWith(prefix)) {
                        isFound = true;
                        found(packfile, records, i, blobs, report);
                    }
                }
            }
        }
        if (!isFound) {
            throw new CommandException(ExitCode.ERROR, "no packfile has a blob with prefix: " + text);
        }
    }

    private void found(Mac packfile, PackfileRecords records, long i, BlobReader blobs, Report report) {
        String mac = records.mac(i).hex();
        String kind = ResourceType.name(records.type(i));
        tellBlob(
                report,
                "Found candidate [" + mac + "] in packfile [" + packfile.hex() + "] at : " + records.offset(i) + ' '
                        + records.length(i) + ' ' + kind,
                packfile,
                records,
                i);
        if (records.type(i) == ResourceType.OBJECT && !report.isJson()) {
            try {
                ObjectRecord object = ObjectReader.record(blobs, records.mac(i));
                report.result("object: " + object.contentMac().hex(), "field");
                report.result("  type: " + SnapshotPath.display(SnapshotPath.of(object.contentType())), "field");
            } catch (CorruptDataException e) {
                damaged(e, report);
            }
        }
    }

    // Locks

    private void locks(Repository repository, Report report) throws IOException {
        for (Mac name : new TreeSet<>(repository.storage().list(ObjectKind.LOCK))) {
            LockRecord lock;
            try {
                lock = repository.readLock(name);
            } catch (NoSuchFileException e) {
                continue; // released while we looked
            } catch (CorruptDataException e) {
                damaged(new CorruptDataException("lock " + name.hex() + ": " + e.getMessage(), e), report);
                continue;
            }
            String access = lock.exclusive() ? "exclusive" : "shared";
            report.result(
                    "[" + name.hex() + "] Got " + access + " access on " + GoFormat.time(lock.timestamp()) + " owner "
                            + SnapshotPath.display(SnapshotPath.of(lock.hostname())),
                    "lock",
                    "lock",
                    name.hex(),
                    "access",
                    access,
                    "since",
                    lock.timestamp(),
                    "owner",
                    lock.hostname());
        }
    }

    // Blobs

    private static void object(Repository repository, BlobReader reader, String text, Report report) {
        Mac mac = resolveBlob(repository, ResourceType.OBJECT, text);
        ObjectRecord object = ObjectReader.record(reader, mac);
        if (report.isJson()) {
            Page page = new Page(report);
            page.line("Object", mac.hex());
            page.line("ContentMAC", object.contentMac().hex());
            page.line("ContentType", object.contentType());
        } else {
            report.result("object: " + object.contentMac().hex(), "field");
            report.result("  type: " + SnapshotPath.display(SnapshotPath.of(object.contentType())), "field");
            report.result("  chunks:", "field");
        }
        for (ObjectRecord.Chunk chunk : object.chunks()) {
            report.result(
                    "    MAC: " + chunk.mac().hex(),
                    "object.chunk",
                    "object",
                    mac.hex(),
                    "mac",
                    chunk.mac().hex(),
                    "length",
                    chunk.length(),
                    "entropy",
                    chunk.entropy());
        }
    }

    private static void blob(Repository repository, BlobReader reader, String kind, String text, Report report) {
        int type = ResourceType.parse(kind.toLowerCase(Locale.ROOT));
        if (type < ResourceType.SNAPSHOT || type == ResourceType.RANDOM) {
            throw CommandException.usage("diag blob: \"" + kind + "\" is no kind of blob: snapshot, object, chunk,"
                    + " vfs-entry, error-entry, xattr-entry, vfs-summary, vfs-btree, vfs-node... would be");
        }
        Mac mac = resolveBlob(repository, type, text);
        BlobLocation place = repository.index().findExpected(type, mac);
        Page page = new Page(report);
        page.line("Kind", kind.toLowerCase(Locale.ROOT));
        page.line("MAC", mac.hex());
        if (place != null) {
            page.line(
                    "Packfile",
                    repository.index().packfiles().name(place.packfile()).hex());
            page.line("Offset", place.offset());
            page.line("Length", place.length());
        }
        MemorySegment plain = reader.read(type, mac);
        page.line("Plain length", plain.byteSize());
        MsgpackReader in = new MsgpackReader(plain, kind + " " + mac.shortHex());
        switch (type) {
            case ResourceType.VFS_ENTRY -> DiagFiles.entry(Entry.decode(in), page);
            case ResourceType.ERROR_ENTRY -> {
                ErrorItem item = ErrorItem.decode(in);
                page.path("Name", item.path());
                page.line("Error", item.message());
            }
            case ResourceType.XATTR_ENTRY -> {
                XattrItem item = XattrItem.decode(in);
                page.path("Path", item.path());
                page.path("Name", item.name());
                page.line("Size", item.size());
                page.line("Type", item.type());
                page.line("Object", item.object().hex());
            }
            case ResourceType.SNAPSHOT ->
                InfoCommand.snapshot(Snapshot.open(reader, mac), Snapshots.Name.parse(mac.hex()), page);
            case ResourceType.OBJECT -> {
                ObjectRecord object = ObjectRecord.decode(in);
                page.line("ContentMAC", object.contentMac().hex());
                page.line("ContentType", object.contentType());
                page.line("Entropy", InfoCommand.entropy(object.entropy()));
                page.line("Chunks", object.chunks().size());
            }
            default -> {
                // Its size says all that is of use; that it could be read says that it is whole.
            }
        }
    }

    // Names

    private static String hex(String text) {
        if (!HEX.matcher(text).matches()) {
            throw CommandException.usage("\"" + text + "\" is no MAC: up to 64 hexadecimal digits are wanted");
        }
        return text.toLowerCase(Locale.ROOT);
    }

    private static Mac resolve(String kind, String text, Iterable<Mac> all) {
        String prefix = hex(text);
        List<Mac> found = new ArrayList<>();
        for (Mac mac : all) {
            if (mac.hex().startsWith(prefix)) {
                found.add(mac);
            }
        }
        return only(kind, text, found);
    }

    private static Mac only(String kind, String text, List<Mac> found) {
        if (found.isEmpty()) {
            throw new CommandException(ExitCode.ERROR, "no " + kind + " has prefix: " + text);
        }
        if (found.size() > 1) {
            List<String> lines = new ArrayList<>();
            lines.add(kind + " MAC is ambiguous: " + text);
            found.stream().limit(CANDIDATES).forEach(mac -> lines.add("  " + mac.hex()));
            throw new CommandException(ExitCode.ERROR, String.join("\n", lines));
        }
        return found.getFirst();
    }

    /** A whole MAC is taken as it is; fewer digits cost a look at all that the store has. */
    private static Mac resolveBlob(Repository repository, int type, String text) {
        String prefix = hex(text);
        if (prefix.length() == 64) {
            return Mac.parse(prefix);
        }
        TreeSet<Mac> found = new TreeSet<>();
        repository.index().forEach((kind, mac, packfile, offset, length) -> {
            if (kind == type && found.size() <= CANDIDATES && mac.hex().startsWith(prefix)) {
                found.add(mac);
            }
        });
        return only(ResourceType.name(type), text, List.copyOf(found));
    }

    private void damaged(CorruptDataException problem, Report report) {
        isDamaged = true;
        report.error("diag: " + problem.getMessage());
    }

    static Instant instant(long nanos) {
        return Instant.ofEpochSecond(Math.floorDiv(nanos, 1_000_000_000L), Math.floorMod(nanos, 1_000_000_000L));
    }
}
