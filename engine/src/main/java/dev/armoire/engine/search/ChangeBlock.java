// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Changes of one snapshot, some thousand at a time. Names stand together, so that a search that matches none of them reads
 * nothing else. All numbers are of variable length, seven bits a byte, the lowest first.
 *
 * <pre>
 *  | bytes of names | names | kinds | attributes |
 *  names:      for each folder | length, path | how many | for each name | shared with the one before | length, rest |
 *  kinds:      how many | mode | length, content type | uid | gid | length, owner | length, group |, for each
 *  attributes: for each name | 0: it is gone; else kind + 1 | size | seconds, zigzag, less those before | nanoseconds |
 * </pre>
 */
final class ChangeBlock {
    /** Plain bytes from which on a block is full. */
    private static final int FULL_BYTES = 56 << 10;

    private ChangeBlock() {}

    /** What many entries have in common. */
    private record Kind(int mode, String type, long uid, long gid, String owner, String group) {
        static Kind of(FileInfo info, String type) {
            return new Kind(info.mode(), type, info.uid(), info.gid(), info.username(), info.groupname());
        }
    }

    /** Collects changes. */
    static final class Builder {
        private final Output names = new Output();
        private final Output folderNames = new Output();
        private final Output kinds = new Output();
        private final Output attributes = new Output();
        private final Map<Kind, Integer> kindNumbers = new HashMap<>();
        private byte[] folder = {};
        private byte[] lastName = {};
        private int inFolder;
        private long lastSeconds;
        private long changes;

        boolean isEmpty() {
            return changes == 0;
        }

        boolean isFull() {
            return names.size() + folderNames.size() + kinds.size() + attributes.size() >= FULL_BYTES;
        }

        void add(byte[] inFolderPath, byte[] name, @Nullable Entry entry) {
            if (!Arrays.equals(folder, inFolderPath)) {
                endFolder();
                folder = inFolderPath;
            }
            int shared = Arrays.mismatch(lastName, name);
            shared = shared < 0 ? name.length : shared;
            folderNames.number(shared);
            folderNames.number(name.length - shared);
            folderNames.write(name, shared, name.length - shared);
            lastName = name;
            inFolder++;
            changes++;
            if (entry == null) {
                attributes.number(0);
                return;
            }
            FileInfo info = entry.info();
            String type = entry.contentType();
            attributes.number(1L
                    + kindNumbers.computeIfAbsent(Kind.of(info, type), kind -> {
                        kinds.number(Integer.toUnsignedLong(kind.mode));
                        kinds.text(kind.type);
                        kinds.number(kind.uid);
                        kinds.number(kind.gid);
                        kinds.text(kind.owner);
                        kinds.text(kind.group);
                        return kindNumbers.size();
                    }));
            attributes.number(info.size());
            long delta = info.mtimeSeconds() - lastSeconds;
            lastSeconds = info.mtimeSeconds();
            attributes.number(delta << 1 ^ delta >> 63);
            attributes.number(info.mtimeNanos());
        }

        private void endFolder() {
            if (inFolder > 0) {
                names.number(folder.length);
                names.write(folder, 0, folder.length);
                names.number(inFolder);
                folderNames.moveTo(names);
            }
            inFolder = 0;
            lastName = new byte[0];
        }

        /** The block; afterwards the builder is as new. */
        byte[] finish() {
            endFolder();
            Output whole = new Output();
            whole.number(names.size());
            names.moveTo(whole);
            whole.number(kindNumbers.size());
            kinds.moveTo(whole);
            attributes.moveTo(whole);
            kindNumbers.clear();
            folder = new byte[0];
            lastSeconds = 0;
            changes = 0;
            return whole.toByteArray();
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

    /** Receives what matches. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Takes a change.
         *
         * @param entry what is there now: path, mode, owner, size, time and content type; null where there is none any more
         */
        void change(byte[] path, @Nullable Entry entry);
    }

    /**
     * Visits the changes of paths that one of the patterns matches, as a folder or as something else.
     *
     * @throws CorruptDataException when this is no block
     */
    static void search(MemorySegment block, List<PathPattern> patterns, Visitor visitor) {
        try {
            byte[] bytes = block.toArray(JAVA_BYTE);
            Input names = new Input(bytes, 0);
            int length = names.length();
            int end = names.at + length;
            Attributes attributes = new Attributes(bytes, end);
            byte[] name = new byte[256];
            int index = 0;
            while (names.at < end) {
                byte[] folder = names.bytes(names.length());
                int left = names.length();
                // Numbers of one byte, as nearly all are, are taken here: C1 would call for each, ten million times.
                int at = names.at;
                for (; left > 0; left--) {
                    int shared = bytes[at++];
                    if (shared < 0) {
                        names.at = at - 1;
                        shared = names.length();
                        at = names.at;
                    }
                    int rest = bytes[at++];
                    if (rest < 0) {
                        names.at = at - 1;
                        rest = names.length();
                        at = names.at;
                    }
                    int whole = shared + rest;
                    if (whole > name.length) {
                        name = Arrays.copyOf(name, whole * 2);
                    }
                    System.arraycopy(bytes, at, name, shared, rest);
                    at += rest;
                    if (mayMatch(patterns, name, whole)) {
                        byte[] path = path(folder, Arrays.copyOf(name, whole));
                        if (matches(patterns, path)) {
                            visitor.change(path, attributes.entry(index, path));
                        }
                    }
                    index++;
                }
                names.at = at;
            }
        } catch (IndexOutOfBoundsException | NegativeArraySizeException e) {
            throw new CorruptDataException("a block of the search index is malformed", e);
        }
    }

    /**
     * Whether something has changed at a path, or directly in it.
     *
     * @throws CorruptDataException when this is no block
     */
    static boolean touches(MemorySegment block, byte[] path) {
        byte[] parent = SnapshotPath.parent(path);
        byte[] wanted = SnapshotPath.name(path);
        try {
            Input names = new Input(block.toArray(JAVA_BYTE), 0);
            int length = names.length();
            int end = names.at + length;
            byte[] name = new byte[256];
            while (names.at < end) {
                byte[] folder = names.bytes(names.length());
                int left = names.length();
                if (left > 0 && Arrays.equals(folder, path)) {
                    return true;
                }
                boolean isParent = Arrays.equals(folder, parent);
                for (; left > 0; left--) {
                    int shared = names.length();
                    int rest = names.length();
                    if (!isParent) {
                        names.skip(rest);
                        continue;
                    }
                    if (shared + rest > name.length) {
                        name = Arrays.copyOf(name, (shared + rest) * 2);
                    }
                    names.copy(rest, name, shared);
                    if (Arrays.equals(name, 0, shared + rest, wanted, 0, wanted.length)) {
                        return true;
                    }
                }
            }
            return false;
        } catch (IndexOutOfBoundsException | NegativeArraySizeException e) {
            throw new CorruptDataException("a block of the search index is malformed", e);
        }
    }

    private static boolean mayMatch(List<PathPattern> patterns, byte[] name, int length) {
        for (int i = 0; i < patterns.size(); i++) {
            if (patterns.get(i).mayMatchName(name, length)) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(List<PathPattern> patterns, byte[] path) {
        for (PathPattern pattern : patterns) {
            if (pattern.matches(path, true)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] path(byte[] folder, byte[] name) {
        return SnapshotPath.isRoot(name) ? SnapshotPath.ROOT : SnapshotPath.child(folder, name);
    }

    /** Reads what stands behind the names, in order, as far as it is asked for. */
    private static final class Attributes {
        private final Input in;
        private Kind[] kinds = {};
        private int next;
        private boolean isOpen;
        private long seconds;
        private long kind;
        private long size;
        private long nanos;

        Attributes(byte[] bytes, int from) {
            in = new Input(bytes, from);
        }

        @Nullable
        Entry entry(int index, byte[] path) {
            if (!isOpen) {
                isOpen = true;
                int count = in.length();
                kinds = new Kind[count];
                for (int i = 0; i < count; i++) {
                    kinds[i] = new Kind((int) in.number(), in.text(), in.number(), in.number(), in.text(), in.text());
                }
            }
            for (; next <= index; next++) {
                kind = in.number();
                if (kind != 0) {
                    size = in.number();
                    long delta = in.number();
                    seconds += delta >>> 1 ^ -(delta & 1);
                    nanos = in.number();
                }
            }
            if (kind == 0) {
                return null;
            }
            Kind its = kinds[Math.toIntExact(kind - 1)];
            FileInfo info = new FileInfo(
                    size, its.mode, seconds, (int) nanos, 0, 0, its.uid, its.gid, 0, its.owner, its.group, 0);
            return Entry.of(path, info, new byte[0], Mac.ZERO, its.type, 0, 0, List.of());
        }
    }

    private static final class Input {
        private final byte[] bytes;
        private int at;

        Input(byte[] bytes, int at) {
            this.bytes = bytes;
            this.at = at;
        }

        long number() {
            long value = 0;
            for (int shift = 0; ; shift += 7) {
                byte b = bytes[at++];
                value |= (b & 0x7FL) << shift;
                if (b >= 0) {
                    return value;
                }
                if (shift > 63) {
                    throw new IndexOutOfBoundsException("a number without an end");
                }
            }
        }

        /** A number that cannot be larger than what is left. */
        int length() {
            long value = number();
            if (value < 0 || value > bytes.length) {
                throw new IndexOutOfBoundsException("a length of " + value);
            }
            return (int) value;
        }

        byte[] bytes(int length) {
            if (length > bytes.length - at) {
                throw new IndexOutOfBoundsException("a length of " + length);
            }
            at += length;
            return Arrays.copyOfRange(bytes, at - length, at);
        }

        String text() {
            return new String(bytes(length()), StandardCharsets.UTF_8);
        }

        void skip(int length) {
            at += length;
        }

        void copy(int length, byte[] into, int to) {
            System.arraycopy(bytes, at, into, to, length);
            at += length;
        }
    }
}
