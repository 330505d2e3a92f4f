// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Changes of one snapshot, some thousand at a time: their names as a text, in which a search looks for bytes and for nothing
 * else, and what is to be known of them. All numbers are of variable length, seven bits a byte, the lowest first.
 *
 * <pre>
 *  names:   for each change | name | / |        of the root only the slash
 *  details: | changes | length of each of the following | folders | kinds | kind | size | seconds | nanoseconds |
 *    folders:     for each | length, path | how many of the changes, in their order, are in it |
 *    kinds:       how many | for each | mode | length, content type | uid | gid | length, owner | length, group |
 *    kind:        for each change | 0: it is gone; else 1 and more |
 *    size:        for each change
 *    seconds:     for each change, less those before, zigzag
 *    nanoseconds: for each change
 * </pre>
 *
 * A column stands alone, so that what asks for sizes does not go through times.
 */
record ChangeBlock(byte[] names, byte[] details) {
    /** Plain bytes from which on a block is full. */
    private static final int FULL_BYTES = 56 << 10;

    /** What many entries have in common. */
    record Kind(int mode, String type, long uid, long gid, String owner, String group) {
        static Kind of(FileInfo info, String type) {
            return new Kind(info.mode(), type, info.uid(), info.gid(), info.username(), info.groupname());
        }
    }

    /** Collects changes. */
    static final class Builder {
        private final Output names = new Output();
        private final Output folders = new Output();
        private final Output kinds = new Output();
        private final Output kind = new Output();
        private final Output size = new Output();
        private final Output seconds = new Output();
        private final Output nanos = new Output();
        private final Map<Kind, Integer> kindNumbers = new HashMap<>();
        private byte[] folder = {};
        private int inFolder;
        private long lastSeconds;
        private int changes;

        boolean isEmpty() {
            return changes == 0;
        }

        boolean isFull() {
            return names.size()
                            + folders.size()
                            + kinds.size()
                            + kind.size()
                            + size.size()
                            + seconds.size()
                            + nanos.size()
                    >= FULL_BYTES;
        }

        void add(byte[] inFolderPath, byte[] name, @Nullable Entry entry) {
            if (!Arrays.equals(folder, inFolderPath)) {
                endFolder();
                folder = inFolderPath;
            }
            if (!SnapshotPath.isRoot(name)) {
                names.write(name, 0, name.length);
            }
            names.write('/');
            inFolder++;
            changes++;
            if (entry == null) {
                kind.number(0);
                size.number(0);
                seconds.number(0);
                nanos.number(0);
                return;
            }
            FileInfo info = entry.info();
            kind.number(1L
                    + kindNumbers.computeIfAbsent(Kind.of(info, entry.contentType()), its -> {
                        kinds.number(Integer.toUnsignedLong(its.mode));
                        kinds.text(its.type);
                        kinds.number(its.uid);
                        kinds.number(its.gid);
                        kinds.text(its.owner);
                        kinds.text(its.group);
                        return kindNumbers.size();
                    }));
            size.number(info.size());
            long delta = info.mtimeSeconds() - lastSeconds;
            lastSeconds = info.mtimeSeconds();
            seconds.number(delta << 1 ^ delta >> 63);
            nanos.number(info.mtimeNanos());
        }

        private void endFolder() {
            if (inFolder > 0) {
                folders.number(folder.length);
                folders.write(folder, 0, folder.length);
                folders.number(inFolder);
            }
            inFolder = 0;
        }

        /** The block; afterwards the builder is as new. */
        ChangeBlock finish() {
            endFolder();
            Output allKinds = new Output();
            allKinds.number(kindNumbers.size());
            kinds.moveTo(allKinds);
            Output details = new Output();
            details.number(changes);
            Output[] columns = {folders, allKinds, kind, size, seconds, nanos};
            for (Output column : columns) {
                details.number(column.size());
            }
            for (Output column : columns) {
                column.moveTo(details);
            }
            byte[] text = names.toByteArray();
            names.reset();
            kindNumbers.clear();
            folder = new byte[0];
            lastSeconds = 0;
            changes = 0;
            return new ChangeBlock(text, details.toByteArray());
        }
    }

    /** Bytes, and numbers among them. */
    private static final class Output extends ByteArrayOutputStream {
        void number(long value) {
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                write((int) (rest & 0x7F | 0x80));
                rest >>>= 7;
            }
            write((int) rest);
        }

        void text(String value) {
            byte[] text = value.getBytes(StandardCharsets.UTF_8);
            number(text.length);
            write(text, 0, text.length);
        }

        void moveTo(Output other) {
            other.write(buf, 0, count);
            reset();
        }
    }
}
