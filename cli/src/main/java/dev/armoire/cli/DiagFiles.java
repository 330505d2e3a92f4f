// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What {@code diag} shows of the files of one snapshot. */
final class DiagFiles {
    private static final int LARGEST_VALUE = 1 << 20;

    private final Repository repository;
    private final Snapshot snapshot;
    private final Snapshots.Name name;
    private final Report report;
    private boolean isDamaged;

    DiagFiles(Repository repository, Snapshot snapshot, Snapshots.Name name, Report report) {
        this.repository = repository;
        this.snapshot = snapshot;
        this.name = name;
        this.report = report;
    }

    boolean isDamaged() {
        return isDamaged;
    }

    /** The path that was named, or the root of the tree. */
    byte[] below() {
        return name.path().isEmpty() ? SnapshotPath.ROOT : snapshot.resolve(name.pathBytes());
    }

    private void damaged(String what, CorruptDataException problem) {
        isDamaged = true;
        report.error("diag: " + what + ": " + problem.getMessage());
    }

    // vfs

    /** Shows what the snapshot knows of a path; a link is shown as what it is. */
    void entry() {
        byte[] path = snapshot.resolve(name.pathBytes());
        Entry direct = snapshot.find(path);
        Entry entry = direct == null ? FileWalk.start(snapshot, name) : direct;
        if (!report.isJson()) {
            report.result(entry.isDirectory() ? "[DirEntry]" : "[FileEntry]", "section");
        }
        Page page = new Page(report);
        entry(entry, page);
        if (entry.isDirectory()) {
            Summary summary = snapshot.summary(entry.path());
            if (summary != null) {
                counters("Below.", summary.below(), page);
                counters("Directory.", summary.directory(), page);
                page.line("Directory.AvgEntropy", InfoCommand.entropy(summary.directory().avgEntropy));
                page.line("Directory.Children", summary.directory().children);
            }
            children(entry, page);
        }
        int[] errors = {0};
        snapshot.forEachError(entry.path(), item -> {
            page.line(
                    "Error[" + errors[0]++ + "]",
                    SnapshotPath.display(item.path()) + ": " + SnapshotPath.display(SnapshotPath.of(item.message())));
            return true;
        });
    }

    static void entry(Entry entry, Page page) {
        FileInfo info = entry.info();
        page.line("Version", 65536);
        page.path("ParentPath", entry.parentPath());
        page.path("Name", entry.name());
        page.line("Size", InfoCommand.size(info.size()));
        page.line("Permissions", GoFormat.mode(info.mode()));
        page.line("ModTime", GoFormat.fullTime(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos())));
        page.line("DeviceID", info.dev());
        page.line("InodeID", info.ino());
        page.line("UserID", info.uid());
        page.line("GroupID", info.gid());
        page.line("Username", info.username());
        page.line("Groupname", info.groupname());
        page.line("NumLinks", info.nlink());
        page.line("ExtendedAttributes", names(entry.xattrNames()));
        if (entry.linkTarget().length > 0) {
            page.path("SymlinkTarget", entry.linkTarget());
        }
        page.line("ContentType", entry.contentType());
        page.line("Entropy", InfoCommand.entropy(entry.entropy()));
        page.line("Chunks", entry.chunks());
        page.line("Object", entry.object().isZero() ? "none" : entry.object().hex());
    }

    private static String names(List<byte[]> names) {
        return names.stream().map(SnapshotPath::display).collect(Collectors.joining(" ", "[", "]"));
    }

    private void children(Entry directory, Page page) {
        int number = 0;
        List<Entry> children =
                FileWalk.children(snapshot, directory, (path, problem) -> damaged(SnapshotPath.display(path), problem));
        for (Entry child : children) {
            String head = "Child[" + number++ + "].";
            page.path(head + "FileInfo.Name()", child.name());
            page.line(head + "FileInfo.Size()", child.info().size());
            page.line(head + "FileInfo.Mode()", GoFormat.mode(child.info().mode()));
            page.line(head + "FileInfo.Dev()", child.info().dev());
            page.line(head + "FileInfo.Ino()", child.info().ino());
            page.line(head + "FileInfo.Uid()", child.info().uid());
            page.line(head + "FileInfo.Gid()", child.info().gid());
            page.line(head + "FileInfo.Username()", child.info().username());
            page.line(head + "FileInfo.Groupname()", child.info().groupname());
            page.line(head + "FileInfo.Nlink()", child.info().nlink());
            page.line(head + "ExtendedAttributes()", names(child.xattrNames()));
        }
    }

    private static void counters(String head, Summary.Counters counters, Page page) {
        page.line(head + "Directories", counters.directories);
        page.line(head + "Files", counters.files);
        page.line(head + "Symlinks", counters.symlinks);
        page.line(head + "Devices", counters.devices);
        page.line(head + "Pipes", counters.pipes);
        page.line(head + "Sockets", counters.sockets);
        page.line(head + "Setuid", counters.setuid);
        page.line(head + "Setgid", counters.setgid);
        page.line(head + "Sticky", counters.sticky);
        page.line(head + "Objects", counters.objects);
        page.line(head + "Chunks", counters.chunks);
        page.line(head + "MinSize", InfoCommand.size(counters.minSize));
        page.line(head + "MaxSize", InfoCommand.size(counters.maxSize));
        page.line(head + "Size", InfoCommand.size(counters.size));
        page.line(head + "MinModTime", InfoCommand.modTime(counters.minModTime));
        page.line(head + "MaxModTime", InfoCommand.modTime(counters.maxModTime));
        page.line(head + "MinEntropy", InfoCommand.entropy(counters.minEntropy));
        page.line(head + "MaxEntropy", InfoCommand.entropy(counters.maxEntropy));
        page.line(head + "HiEntropy", counters.hiEntropy);
        page.line(head + "LoEntropy", counters.loEntropy);
        page.line(head + "MIMEAudio", counters.mimeAudio);
        page.line(head + "MIMEVideo", counters.mimeVideo);
        page.line(head + "MIMEImage", counters.mimeImage);
        page.line(head + "MIMEText", counters.mimeText);
        page.line(head + "MIMEApplication", counters.mimeApplication);
        page.line(head + "MIMEOther", counters.mimeOther);
        page.line(head + "Errors", counters.errors);
    }

    // trace

    /** Follows a file from its entry to its chunks, reads each blob and says where it lies. */
    void trace() {
        Entry entry = FileWalk.start(snapshot, name);
        byte[] path = entry.path();
        Mac mac = snapshot.vfs().find(path);
        if (mac != null) {
            blob(path, ResourceType.VFS_ENTRY, mac, -1, -1);
        }
        if (entry.isDirectory()) {
            Mac listing = snapshot.listing(path);
            if (listing != null) {
                content(path, listing);
            }
        } else if (entry.isRegular()) {
            content(path, entry.object());
        }
    }

    private void content(byte[] path, Mac object) {
        if (!blob(path, ResourceType.OBJECT, object, -1, -1)) {
            return;
        }
        long at = 0;
        for (ObjectRecord.Chunk chunk :
                ObjectReader.record(snapshot.source(), object).chunks()) {
            blob(path, ResourceType.CHUNK, chunk.mac(), at, chunk.length());
            at += chunk.length();
        }
    }

    /** @param at place in the content, or -1 where it is not of one */
    private boolean blob(byte[] path, int type, Mac mac, long at, long plainLength) {
        String problem = null;
        try {
            long found = snapshot.source().read(type, mac).byteSize();
            if (plainLength >= 0 && found != plainLength) {
                problem = "has " + found + " bytes, its object says " + plainLength;
            }
        } catch (CorruptDataException e) {
            problem = String.valueOf(e.getMessage());
        }
        BlobLocation place = repository.index().findExpected(type, mac);
        String packfile = place == null
                ? null
                : repository.index().packfiles().name(place.packfile()).hex();
        String kind = ResourceType.name(type);
        report.result(
                kind
                        + ' '
                        + mac.hex()
                        + (at < 0 ? "" : " bytes " + at + "-" + (at + plainLength))
                        + (place == null || packfile == null
                                ? " : in no packfile"
                                : " : packfile " + packfile + ", offset " + place.offset() + ", length "
                                        + place.length())
                        + (problem == null ? ": OK" : ": DAMAGED"),
                "trace.blob",
                "path",
                path,
                "kind",
                kind,
                "mac",
                mac.hex(),
                "content_offset",
                at < 0 ? null : at,
                "content_length",
                plainLength < 0 ? null : plainLength,
                "packfile",
                packfile,
                "offset",
                place == null ? null : place.offset(),
                "length",
                place == null ? null : place.length(),
                "damage",
                problem);
        if (problem != null) {
            isDamaged = true;
            report.error("diag: " + SnapshotPath.display(path) + ": " + problem);
        }
        return problem == null;
    }

    // Trees

    /** Attributes of a path and of all below it, with their values. */
    void attributes() {
        byte[] below = below();
        snapshot.forEachXattr(item -> {
            if (SnapshotPath.isWithin(item.path(), below)) {
                attribute(item);
            }
            return !Thread.currentThread().isInterrupted();
        });
    }

    private void attribute(XattrItem item) {
        byte[] value;
        try {
            value = ObjectReader.bytes(snapshot.source(), item.object(), LARGEST_VALUE);
        } catch (CorruptDataException e) {
            damaged(SnapshotPath.display(item.path()) + ": attribute " + SnapshotPath.display(item.name()), e);
            return;
        }
        report.result(
                SnapshotPath.display(item.path())
                        + ' '
                        + SnapshotPath.display(item.name())
                        + ' '
                        + SnapshotPath.display(value),
                "attribute",
                "path",
                item.path(),
                "name",
                item.name(),
                "value",
                value);
    }

    private TreeReader index(String index) {
        Mac root = snapshot.header().source().index(index).orElse(null);
        if (root == null) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "snapshot " + snapshot.header().identifier().shortHex() + " has no index \"" + index
                            + "\": its program made none");
        }
        return new TreeReader(TreeKind.INDEX, snapshot.source(), root);
    }

    /** The keys of the index of content types: type and path in one. */
    void contentTypes() {
        byte[] from = name.path().isEmpty() ? SnapshotPath.ROOT : SnapshotPath.clean(name.pathBytes());
        byte[] prefix = SnapshotPath.isRoot(from) ? from : Arrays.copyOf(from, from.length + 1);
        prefix[prefix.length - 1] = '/';
        index(SnapshotHeader.CONTENT_TYPE_INDEX).scan(prefix, (key, mac) -> {
            if (!startsWith(key, prefix)) {
                return false;
            }
            report.result(SnapshotPath.display(key), "content_type", "key", key, "mac", mac.hex());
            return !Thread.currentThread().isInterrupted();
        });
    }

    private static boolean startsWith(byte[] key, byte[] prefix) {
        return key.length >= prefix.length && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }

    /** The listings of a directory and of those below it, entry by entry. */
    void listings() {
        byte[] below = below();
        index(SnapshotHeader.DIRPACK_INDEX).scan(below, (directory, object) -> {
            if (!SnapshotPath.isWithin(directory, below)) {
                // Names such as "a-b" stand between "a" and "a/x".
                return Arrays.compareUnsigned(
                                directory, 0, Math.min(directory.length, below.length), below, 0, below.length)
                        <= 0;
            }
            listing(directory, object);
            return !Thread.currentThread().isInterrupted();
        });
    }

    private void listing(byte[] directory, Mac object) {
        if (!report.isJson()) {
            report.result("===============================================", "section");
            report.result(SnapshotPath.display(directory) + ' ' + object.hex(), "section");
        }
        try (Dirpack.Frames frames = Dirpack.read(snapshot.source(), object)) {
            while (frames.hasNext()) {
                Dirpack.Frame frame = frames.next();
                Entry entry = frame.entry();
                long length = frame.bytes().byteSize() + Mac.BYTES;
                int kind = entry.isDirectory() ? 1 : 2;
                report.result(
                        "vfs-entry " + frame.mac().hex() + ' ' + SnapshotPath.display(directory) + ' ' + length + ' '
                                + kind + ' ' + SnapshotPath.display(entry.name()),
                        "listing.entry",
                        "directory",
                        directory,
                        "listing",
                        object.hex(),
                        "mac",
                        frame.mac().hex(),
                        "length",
                        length,
                        "kind",
                        kind,
                        "name",
                        entry.name());
            }
        } catch (CorruptDataException e) {
            damaged(SnapshotPath.display(directory), e);
        }
    }

    /** Files of some content types; of any, when none is named. */
    void search(String types) throws IOException {
        List<String> wanted = Arrays.stream(types.split(",", -1))
                .map(String::strip)
                .filter(type -> !type.isEmpty())
                .toList();
        String id = snapshot.header().identifier().shortHex();
        FileWalk.walk(
                snapshot,
                FileWalk.start(snapshot, name),
                entry -> {
                    String type = entry.contentType().split(";", 2)[0].strip();
                    boolean isWanted = wanted.isEmpty()
                            ? entry.isRegular()
                            : wanted.stream().anyMatch(one -> type.equals(one) || type.startsWith(one + "/"));
                    if (isWanted) {
                        report.result(
                                id + ':' + SnapshotPath.display(entry.path()),
                                "search",
                                "snapshot",
                                snapshot.header().identifier().hex(),
                                "path",
                                entry.path(),
                                "content_type",
                                entry.contentType());
                    }
                },
                (path, problem) -> damaged(SnapshotPath.display(path), problem));
    }
}
