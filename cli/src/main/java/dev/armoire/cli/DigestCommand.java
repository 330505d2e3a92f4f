// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.simd.Blake3;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** {@code digest}: hashes of files in snapshots. */
final class DigestCommand implements Command {
    private long missing;
    private boolean isDamaged;

    @Override
    public String usage() {
        return "digest [-hashing SHA256|BLAKE3] ID[:PATH]...";
    }

    @Override
    public String description() {
        return """
            Prints the hashes of files in snapshots, as `sha256sum --tag` does. Folders are
            gone through; what is neither file nor folder is left out. Data is verified
            before it counts: damage is told, and the exit code is 65.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("hashing", "SHA256|BLAKE3", "which hash (default SHA256)");
    }

    /** Takes the bytes of a file, and gives the hash of what came since the last. */
    private interface Hash {
        void update(MemorySegment data);

        byte[] finish();
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().isEmpty()) {
            throw CommandException.usage("digest needs at least one ID[:PATH]");
        }
        String name = arguments.get("hashing", "SHA256").toUpperCase(Locale.ROOT);
        Hash hash = switch (name) {
            case "SHA256" -> sha256();
            case "BLAKE3" -> blake3();
            default -> throw CommandException.usage("unknown hashing algorithm: " + name + ": SHA256 or BLAKE3");
        };
        Report report = session.report();
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            for (String word : arguments.words()) {
                try {
                    Snapshots.Name what = Snapshots.Name.parse(word);
                    Snapshot snapshot = Snapshot.of(snapshots.find(what), reader);
                    FileWalk.walk(
                            snapshot,
                            FileWalk.start(snapshot, what),
                            entry -> digest(snapshot, entry, name, hash, report),
                            (path, problem) -> damaged(path, problem, report));
                } catch (CommandException e) {
                    missing++;
                    report.error("digest: " + e.getMessage());
                } catch (CorruptDataException e) {
                    isDamaged = true;
                    report.error("digest: " + word + ": " + e.getMessage());
                }
            }
        }
        if (isDamaged) {
            report.failure("damaged data was left out", ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        if (missing > 0) {
            int code = missing == arguments.words().size() ? ExitCode.ERROR : ExitCode.PARTIAL;
            report.failure("errors occurred", code);
            return code;
        }
        return session.exitCode(ExitCode.OK);
    }

    private void digest(Snapshot snapshot, Entry entry, String name, Hash hash, Report report) {
        if (!entry.isRegular()) {
            return;
        }
        try {
            ObjectRecord object = ObjectReader.record(snapshot.source(), entry.object());
            ObjectReader.forEachChunk(snapshot.source(), object, hash::update);
        } catch (CorruptDataException e) {
            hash.finish();
            damaged(entry.path(), e, report);
            return;
        }
        String hex = HexFormat.of().formatHex(hash.finish());
        report.result(
                name + " (" + SnapshotPath.display(entry.path()) + ") = " + hex,
                "digest",
                "snapshot",
                snapshot.header().identifier().hex(),
                "path",
                entry.path(),
                "algorithm",
                name,
                "digest",
                hex);
    }

    private void damaged(byte[] path, CorruptDataException problem, Report report) {
        isDamaged = true;
        report.error(SnapshotPath.display(path) + ": " + problem.getMessage());
    }

    private static Hash sha256() {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
        return new Hash() {
            @Override
            public void update(MemorySegment data) {
                digest.update(data.asByteBuffer());
            }

            @Override
            public byte[] finish() {
                return digest.digest();
            }
        };
    }

    private static Hash blake3() {
        Blake3 hasher = Blake3.plain();
        return new Hash() {
            @Override
            public void update(MemorySegment data) {
                hasher.update(data);
            }

            @Override
            public byte[] finish() {
                byte[] digest = new byte[Blake3.DIGEST_BYTES];
                hasher.digest(MemorySegment.ofArray(digest), 0);
                hasher.reset();
                return digest;
            }
        };
    }
}
