// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** {@code info}: describes a store or a snapshot. */
final class InfoCommand implements Command {
    @Override
    public String usage() {
        return "info [-errors] [ID[:PATH]]";
    }

    @Override
    public String description() {
        return """
            Describes the store, or with an id a snapshot; with a PATH, its summary is that
            of the folder there. With -errors, lists what could not be read when the
            snapshot was made, or, without an id, when any of them was.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("errors", "list what could not be read");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().size() > 1) {
            throw CommandException.usage("too many arguments: info takes one ID[:PATH]");
        }
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            boolean errors = arguments.is("errors");
            if (!arguments.words().isEmpty()) {
                Snapshots.Name name = Snapshots.Name.parse(arguments.words().getFirst());
                Snapshot snapshot = Snapshot.of(snapshots.find(name), reader);
                if (errors) {
                    errors(
                            snapshot,
                            name.path().isEmpty() ? SnapshotPath.ROOT : snapshot.resolve(name.pathBytes()),
                            "",
                            report);
                } else {
                    snapshot(snapshot, name, new Page(report));
                }
            } else if (errors) {
                for (SnapshotHeader header : snapshots.all()) {
                    errors(
                            Snapshot.of(header, reader),
                            SnapshotPath.ROOT,
                            header.identifier().shortHex() + ": ",
                            report);
                }
            } else {
                store(repository, snapshots, new Page(report));
            }
            return session.exitCode(snapshots.isDamaged() ? ExitCode.DAMAGE : ExitCode.OK);
        }
    }

    /** Lists what could not be read when a snapshot was made. */
    static void errors(Snapshot snapshot, byte[] below, String head, Report report) {
        snapshot.forEachError(below, item -> {
            report.result(
                    head + SnapshotPath.display(item.path()) + ": "
                            + SnapshotPath.display(SnapshotPath.of(item.message())),
                    "unreadable",
                    "snapshot",
                    snapshot.header().identifier().hex(),
                    "path",
                    item.path(),
                    "reason",
                    item.message());
            return true;
        });
    }

    /** Describes a store. */
    static void store(Repository repository, Snapshots snapshots, Page page) throws IOException {
        StoreConfig config = repository.config();
        page.line("Version", "v1.0.0");
        page.line("Timestamp", GoFormat.fullTime(config.timestamp()));
        page.line("RepositoryID", config.repositoryId());
        page.head("Packfile");
        page.item("MaxSize", size(config.packfile().maxSize()));
        page.head("Chunking");
        page.item("Algorithm", config.chunking().algorithm());
        page.item("MinSize", size(config.chunking().minSize()));
        page.item("NormalSize", size(config.chunking().normalSize()));
        page.item("MaxSize", size(config.chunking().maxSize()));
        page.head("Hashing");
        page.item("Algorithm", config.hashing().algorithm());
        page.item("Bits", config.hashing().bits());
        StoreConfig.CompressionSettings compression = config.compression();
        if (compression != null) {
            page.head("Compression");
            page.item("Algorithm", compression.algorithm());
            page.item("Level", compression.level());
        }
        StoreConfig.EncryptionSettings encryption = config.encryption();
        if (encryption != null) {
            page.head("Encryption");
            page.item("SubkeyAlgorithm", encryption.subkeyAlgorithm());
            page.item("DataAlgorithm", encryption.dataAlgorithm());
            page.item("ChunkSize", size(encryption.segmentBytes()));
            page.item("Canary", HexFormat.of().formatHex(encryption.canary().toArray()));
            derivation(encryption.kdf(), page);
        }
        List<SnapshotHeader> all = snapshots.all();
        long logical = 0;
        for (SnapshotHeader header : all) {
            logical += total(header.source().summary());
        }
        page.line("Snapshots", repository.snapshots().size());
        page.line("Storage size", size(storageSize(repository)));
        page.line("Logical size", size(logical));
    }

    private static void derivation(KeyDerivation kdf, Page page) {
        switch (kdf) {
            case KeyDerivation.Argon2 argon2 -> {
                page.item("KDF", "ARGON2ID");
                salt(argon2.salt().toArray(), page);
                page.subItem("Time", argon2.passes());
                page.subItem("Memory", argon2.memoryKiB());
                page.subItem("Thread", argon2.lanes());
            }
            case KeyDerivation.Scrypt scrypt -> {
                page.item("KDF", "SCRYPT");
                salt(scrypt.salt().toArray(), page);
                page.subItem("N", scrypt.n());
                page.subItem("R", scrypt.r());
                page.subItem("P", scrypt.p());
            }
            case KeyDerivation.Pbkdf2 pbkdf2 -> {
                page.item("KDF", "PBKDF2");
                salt(pbkdf2.salt().toArray(), page);
                page.subItem("Iterations", pbkdf2.iterations());
                page.subItem("Hashing", pbkdf2.hashing());
            }
        }
    }

    private static void salt(byte[] salt, Page page) {
        page.subItem("Salt", HexFormat.of().formatHex(salt));
        page.subItem("SaltSize", salt.length);
        page.subItem("KeyLen", 32);
    }

    private static long storageSize(Repository repository) throws IOException {
        long bytes = 0;
        for (ObjectKind kind : List.of(ObjectKind.PACKFILE, ObjectKind.STATE)) {
            for (Mac name : repository.storage().list(kind)) {
                bytes += repository.storage().size(kind, name);
            }
        }
        return bytes;
    }

    static String size(long bytes) {
        return GoFormat.bytes(bytes) + " (" + Long.toUnsignedString(bytes) + " bytes)";
    }

    private static long total(Summary summary) {
        return summary.directory().size + summary.below().size;
    }

    /** Describes a snapshot; its summary is that of what the name leads to. */
    static void snapshot(Snapshot snapshot, Snapshots.Name name, Page page) {
        SnapshotHeader header = snapshot.header();
        SnapshotHeader.Source source = header.source();
        Summary summary = name.path().isEmpty() ? source.summary() : summary(snapshot, name);
        page.line("Version", "v1.0.0");
        page.line("SnapshotID", header.identifier().hex());
        page.line("Timestamp", GoFormat.fullTime(header.timestamp()));
        page.line("Duration", GoFormat.duration(header.durationNanos()));
        page.line("Name", header.name());
        page.line("Environment", header.environment());
        page.line("Perimeter", header.perimeter());
        page.line("Category", header.category());
        page.line("Job", header.job());
        if (!header.tags().isEmpty()) {
            page.line("Tags", String.join(", ", header.tags()));
        }
        page.head("VFS");
        page.item("Root", source.vfs().hex());
        page.item("Xattrs", source.xattrs().hex());
        page.item("Errors", source.errors().hex());
        page.head("Importer");
        page.item("Type", source.type());
        page.item("Origin", source.origin());
        page.item("Directory", SnapshotPath.display(source.directory()));
        page.head("Context");
        for (SnapshotHeader.KeyValue item : header.context()) {
            page.item(item.key(), item.value());
        }
        page.head("Summary");
        summary(summary, page);
    }

    private static Summary summary(Snapshot snapshot, Snapshots.Name name) {
        byte[] path = snapshot.resolve(name.pathBytes());
        Entry entry = snapshot.follow(path);
        Summary summary = entry == null ? null : snapshot.summary(entry.path());
        if (entry != null && summary == null && !entry.isDirectory()) {
            summary = new Summary();
            summary.addFile(entry);
            summary.finish(0);
        }
        if (summary == null) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "file does not exist: " + SnapshotPath.display(path) + " in snapshot "
                            + snapshot.header().identifier().shortHex());
        }
        return summary;
    }

    private static void summary(Summary summary, Page page) {
        Summary.Counters own = summary.directory();
        Summary.Counters below = summary.below();
        page.item("Directories", own.directories + below.directories);
        page.item("Files", own.files + below.files);
        page.item("Symlinks", own.symlinks + below.symlinks);
        page.item("Devices", own.devices + below.devices);
        page.item("Pipes", own.pipes + below.pipes);
        page.item("Sockets", own.sockets + below.sockets);
        page.item("Setuid", own.setuid + below.setuid);
        page.item("Setgid", own.setgid + below.setgid);
        page.item("Sticky", own.sticky + below.sticky);
        page.item("Objects", own.objects + below.objects);
        page.item("Chunks", own.chunks + below.chunks);
        page.item("MinSize", size(least(own.minSize, below.minSize)));
        page.item("MaxSize", size(Math.max(own.maxSize, below.maxSize)));
        page.item("Size", size(own.size + below.size));
        page.item("MinModTime", modTime(least(own.minModTime, below.minModTime)));
        page.item("MaxModTime", modTime(Math.max(own.maxModTime, below.maxModTime)));
        page.item("MinEntropy", entropy(Math.min(own.minEntropy, below.minEntropy)));
        page.item("MaxEntropy", entropy(Math.max(own.maxEntropy, below.maxEntropy)));
        page.item("HiEntropy", own.hiEntropy + below.hiEntropy);
        page.item("LoEntropy", own.loEntropy + below.loEntropy);
        page.item("MIMEAudio", own.mimeAudio + below.mimeAudio);
        page.item("MIMEVideo", own.mimeVideo + below.mimeVideo);
        page.item("MIMEImage", own.mimeImage + below.mimeImage);
        page.item("MIMEText", own.mimeText + below.mimeText);
        page.item("MIMEApplication", own.mimeApplication + below.mimeApplication);
        page.item("MIMEOther", own.mimeOther + below.mimeOther);
        page.item("Errors", own.errors + below.errors);
    }

    /** 0 stands for "none yet" in summaries. */
    private static long least(long a, long b) {
        return a == 0 ? b : b == 0 ? a : Math.min(a, b);
    }

    static String modTime(long seconds) {
        return GoFormat.fullTime(Instant.ofEpochSecond(seconds));
    }

    static String entropy(double bits) {
        return String.format(Locale.ROOT, "%f", bits);
    }
}
