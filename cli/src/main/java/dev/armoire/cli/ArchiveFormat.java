// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.OutputStream;

/** Kinds of files that a part of a snapshot is written into. */
enum ArchiveFormat {
    TAR(".tar", "application/x-tar"),
    TARBALL(".tar.gz", "application/gzip"),
    ZIP(".zip", "application/zip");

    private final String ending;
    private final String mediaType;

    ArchiveFormat(String ending, String mediaType) {
        this.ending = ending;
        this.mediaType = mediaType;
    }

    static ArchiveFormat of(String name) {
        return switch (name) {
            case "tar" -> TAR;
            case "tarball", "tgz", "tar.gz" -> TARBALL;
            case "zip" -> ZIP;
            default -> throw CommandException.usage("unsupported format " + name + ": tar, tarball or zip");
        };
    }

    /** Of a file's name. */
    String ending() {
        return ending;
    }

    String mediaType() {
        return mediaType;
    }

    /**
     * Writes an entry and all below it, as it is read: memory is for one chunk, and for what is in one folder.
     *
     * @param base the folder above all names in the archive; it is not among them itself
     * @param report told of what the format cannot hold
     * @throws CorruptDataException when something is damaged; the archive is of no use then
     */
    void write(Snapshot snapshot, Entry start, byte[] base, OutputStream out, Report report) throws IOException {
        ArchiveWriter writer = switch (this) {
            case TAR -> new TarWriter(out, false);
            case TARBALL -> new TarWriter(out, true);
            case ZIP -> new ZipWriter(out);
        };
        FileWalk.walk(
                snapshot,
                start,
                entry -> {
                    byte[] member = SnapshotPath.relative(entry.path(), base);
                    if (member.length > 0) {
                        String left = writer.add(snapshot, entry, member);
                        if (left != null) {
                            report.warn(SnapshotPath.display(entry.path()) + ": " + left);
                        }
                    }
                },
                (path, problem) -> {
                    throw new CorruptDataException(SnapshotPath.display(path) + ": " + problem.getMessage(), problem);
                });
        writer.finish();
    }
}
