// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.packfile.StoreConfig;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * The file of the search index. It only grows, at its end, by one who has the lock; what is to be rid of is left behind in a
 * new file that takes the old one's place by a rename. So readers need no lock.
 *
 * <pre>
 *  head:   | magic (8) | repository id (16) | MAC of these (32) |
 *  record: | type, of one that is compressed more by 256 (4) | length of the payload (4) | CRC-32C of type, length and payload (4) | payload |
 *  payload of a group: names of {@link ChangeBlock}s one after the other, of one snapshot or of several, or details of them
 *  payload of a table: | MAC (32) | where the first group begins (8) | groups of names (4) | of details (4) | snapshots (4) | CRC-32C of the rest (4) |
 *    for each group:     | length of its payload (4) | its CRC (4) |       those of names first
 *    for each snapshot:  | id (32) | seconds (8) | nanoseconds (4) | chain (4) | position in the chain (4) | blocks (4) |
 *    for each block:     | which group of names (4) | offset in it (4) | length (4) | the same of details (12) |
 * </pre>
 *
 * Payloads are encrypted in an encrypted store, and compressed from some size of the file on ({@link IndexCodec}). A table stands
 * behind its groups and completes them; its MAC, under the store's key, is over the numbers that follow it. What stands behind the last table was
 * being written when its writer died. Things stand together because decoding something costs more than
 * the something, in a process that has just begun.
 */
final class IndexFile {
    static final int HEAD_BYTES = 8 + 16 + Mac.BYTES;

    private static final long MAGIC = 0x41524d5352434836L; // ARMSRCH6
    private static final int NAMES = 1;
    private static final int TABLE = 2;
    private static final int DETAILS = 3;
    private static final int PACKED = 0x100;
    private static final int RECORD_HEAD_BYTES = 12;
    /** Of a table, what its MAC is over. */
    private static final int NUMBERS_BYTES = 24;
    /** What stands behind this many bytes is compressed: an index that is larger takes longer to read than its decoder to load. */
    private static final long PACKED_FROM_BYTES = 16 << 20;
    /** Plain bytes from which on a group is full. */
    private static final int FULL_GROUP_BYTES = 256 << 10;
    /** What an interrupted build loses at most. */
    private static final int FULL_TABLE_SNAPSHOTS = 256;
    /** A group is some 300 KiB of plain text; only a path of that length makes it larger. */
    private static final int MAX_PAYLOAD_BYTES = 64 << 20;

    private final Path file;
    private final StoreConfig config;
    private final StoreKeys keys;

    IndexFile(Path file, StoreConfig config, StoreKeys keys) {
        this.file = file;
        this.config = config;
        this.keys = keys;
    }

    /** For one thread, which closes it. */
    IndexCodec newCodec() {
        return new IndexCodec(config, keys);
    }

    /** Where the payload of a group is. */
    record Group(int type, long position, int length, int crc, boolean isPacked) {}

    /** A part of a group's plain bytes. */
    record Part(Group group, int offset, int length) {}

    /** Where a {@link ChangeBlock} is. */
    record Block(Part names, Part details) {}

    /** Snapshots, and where in the file what is told of them ends. */
    record Table(long end, List<Indexed> snapshots) {}

    /** A snapshot in the index. */
    static final class Indexed {
        private final Mac id;
        private final Instant timestamp;
        private final int chain;
        private final int position;
        private final List<Block> blocks;

        private Indexed(Mac id, Instant timestamp, int chain, int position, List<Block> blocks) {
            this.id = id;
            this.timestamp = timestamp;
            this.chain = chain;
            this.position = position;
            this.blocks = blocks;
        }

        Mac id() {
            return id;
        }

        Instant timestamp() {
            return timestamp;
        }

        /** Which row of snapshots it is in, each one told by its difference to the one before. */
        int chain() {
            return chain;
        }

        /** Where in the chain, from 0 on. */
        int position() {
            return position;
        }

        List<Block> blocks() {
            return blocks;
        }
    }

    /** The bytes that a file begins with. */
    ByteBuffer head() {
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES);
        head.putLong(0, MAGIC).put(8, config.repositoryIdBytes());
        keys.newMacHasher()
                .mac(MemorySegment.ofBuffer(head.slice(0, HEAD_BYTES - Mac.BYTES)))
                .write(MemorySegment.ofBuffer(head), HEAD_BYTES - Mac.BYTES);
        return head;
    }

    /**
     * What the file has.
     *
     * @throws CorruptDataException when it is damaged or another store's, or ends within a record in the middle
     * @throws IOException when it cannot be read, or there is none
     */
    List<Table> list(FileChannel in, IndexCodec codec) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES);
        read(in, head, 0);
        if (!head.flip().equals(head())) {
            throw new CorruptDataException("this is no search index of this store");
        }
        List<Table> tables = new ArrayList<>();
        List<Group> names = new ArrayList<>();
        List<Group> details = new ArrayList<>();
        MacHasher hasher = keys.newMacHasher();
        ByteBuffer record = ByteBuffer.allocate(RECORD_HEAD_BYTES);
        long size = in.size();
        long start = HEAD_BYTES;
        for (long at = HEAD_BYTES; size - at >= RECORD_HEAD_BYTES; ) {
            read(in, record.clear(), at);
            int type = record.getInt(0) & ~PACKED;
            int length = record.getInt(4);
            if (length < 0 || length > MAX_PAYLOAD_BYTES || type < NAMES || type > DETAILS) {
                throw new CorruptDataException("no record at byte " + at);
            }
            if (length > size - at - RECORD_HEAD_BYTES) {
                break;
            }
            Group payload =
                    new Group(type, at + RECORD_HEAD_BYTES, length, record.getInt(8), (record.getInt(0) & PACKED) != 0);
            at += RECORD_HEAD_BYTES + length;
            if (type != TABLE) {
                (type == NAMES ? names : details).add(payload);
                continue;
            }
            tables.add(new Table(at, table(read(in, payload, codec), start, names, details, hasher)));
            names.clear();
            details.clear();
            start = at;
        }
        return tables;
    }

    private static List<Indexed> table(
            MemorySegment plain, long start, List<Group> names, List<Group> details, MacHasher hasher) {
        try {
            byte[] bytes = plain.toArray(JAVA_BYTE);
            ByteBuffer in = ByteBuffer.wrap(bytes);
            Mac mac = Mac.read(bytes, 0);
            ByteBuffer rest = in.slice(Mac.BYTES + NUMBERS_BYTES, in.capacity() - Mac.BYTES - NUMBERS_BYTES);
            if (!mac.equals(hasher.mac(numbers(bytes))) || crc(rest) != in.getInt(Mac.BYTES + NUMBERS_BYTES - 4)) {
                throw new CorruptDataException("a table of the search index is not what was written");
            }
            return snapshots(in.position(Mac.BYTES), start, names, details);
        } catch (BufferUnderflowException
                | IndexOutOfBoundsException
                | NegativeArraySizeException
                | DateTimeException e) {
            throw new CorruptDataException("a table of the search index is malformed", e);
        }
    }

    private static MemorySegment numbers(byte[] table) {
        return MemorySegment.ofArray(table).asSlice(Mac.BYTES, NUMBERS_BYTES);
    }

    private static int crc(ByteBuffer bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        return (int) sum.getValue();
    }

    private static List<Indexed> snapshots(ByteBuffer in, long start, List<Group> names, List<Group> details) {
        boolean isInPlace = in.getLong() == start && in.getInt() == names.size() && in.getInt() == details.size();
        int count = in.getInt();
        in.getInt();
        for (List<Group> groups : List.of(names, details)) {
            for (Group group : groups) {
                isInPlace = isInPlace && in.getInt() == group.length && in.getInt() == group.crc;
            }
        }
        if (!isInPlace) {
            throw new CorruptDataException("a table of the search index is not for what stands before it");
        }
        List<Indexed> snapshots = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Mac id = new Mac(in.getLong(), in.getLong(), in.getLong(), in.getLong());
            Instant timestamp = Instant.ofEpochSecond(in.getLong(), in.getInt());
            int chain = in.getInt();
            int position = in.getInt();
            List<Block> blocks = new ArrayList<>(1);
            for (int left = in.getInt(); left > 0; left--) {
                blocks.add(new Block(
                        new Part(names.get(in.getInt()), in.getInt(), in.getInt()),
                        new Part(details.get(in.getInt()), in.getInt(), in.getInt())));
            }
            snapshots.add(new Indexed(id, timestamp, chain, position, blocks));
        }
        return snapshots;
    }

    /** The plain bytes of a record, valid until the codec's next use. */
    static MemorySegment read(FileChannel in, Group record, IndexCodec codec) throws IOException {
        ByteBuffer payload = codec.input(record.length);
        read(in, payload, record.position);
        int type = record.isPacked ? record.type | PACKED : record.type;
        if (crc(type, payload.flip()) != record.crc) {
            throw new CorruptDataException("a record of the search index was changed");
        }
        return codec.decode(MemorySegment.ofBuffer(payload.flip()), record.isPacked, MAX_PAYLOAD_BYTES);
    }

    private static int crc(int type, ByteBuffer payload) {
        CRC32C sum = new CRC32C();
        sum.update(
                ByteBuffer.allocate(8).putInt(type).putInt(payload.remaining()).flip());
        sum.update(payload);
        return (int) sum.getValue();
    }

    private static void read(FileChannel in, ByteBuffer into, long from) throws IOException {
        long at = from;
        while (into.hasRemaining()) {
            int count = in.read(into, at);
            if (count < 0) {
                throw new EOFException("the search index ends at byte " + at);
            }
            at += count;
        }
    }

    /** Writes one snapshot after the other. Owns the channel. What was finished is kept when it is closed. */
    final class Writer implements AutoCloseable {
        private final FileChannel out;
        private final IndexCodec codec;
        private final MacHasher hasher = keys.newMacHasher();
        private long end;

        // The table that is being made.
        private final Groups names = new Groups(NAMES);
        private final Groups details = new Groups(DETAILS);
        private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
        private long start;
        private int snapshots;

        /** The blocks of the snapshot that is being written: group, offset and length of names, and of details. */
        private final List<int[]> blocks = new ArrayList<>();

        Writer(FileChannel out, long end, IndexCodec codec) {
            this.out = out;
            this.codec = codec;
            this.end = end;
            this.start = end;
        }

        /** Groups of a type, those that are written and the one that grows. */
        private final class Groups {
            private final int type;
            private final List<Group> written = new ArrayList<>();
            private final ByteArrayOutputStream open = new ByteArrayOutputStream();
            // What stood before the snapshot that is being written.
            private int firstGroup;
            private int firstOffset;

            Groups(int type) {
                this.type = type;
            }

            /** Adds bytes, and says where: group, offset, length. */
            void add(byte[] plain, int[] place, int at) throws IOException {
                if (open.size() > 0 && open.size() + plain.length > FULL_GROUP_BYTES) {
                    end();
                }
                place[at] = written.size();
                place[at + 1] = open.size();
                place[at + 2] = plain.length;
                open.write(plain, 0, plain.length);
            }

            void mark() {
                firstGroup = written.size();
                firstOffset = open.size();
            }

            void giveUp() {
                byte[] whole = open.toByteArray();
                open.reset();
                if (written.size() == firstGroup) {
                    open.write(whole, 0, firstOffset);
                }
            }

            void end() throws IOException {
                if (open.size() > 0) {
                    written.add(append(type, open.toByteArray()));
                    open.reset();
                }
            }
        }

        void block(ChangeBlock block) throws IOException {
            int[] place = new int[6];
            names.add(block.names(), place, 0);
            details.add(block.details(), place, 3);
            blocks.add(place);
        }

        void snapshot(SnapshotHeader header, int chain, int position) throws IOException {
            snapshot(header.identifier(), header.timestamp(), chain, position);
        }

        /** Takes over a snapshot, whose blocks were written, from another table. */
        void snapshot(Indexed known) throws IOException {
            snapshot(known.id, known.timestamp, known.chain, known.position);
        }

        private void snapshot(Mac id, Instant timestamp, int chain, int position) throws IOException {
            ByteBuffer entry = ByteBuffer.allocate(Mac.BYTES + 24 + 24 * blocks.size());
            entry.putLong(id.w0()).putLong(id.w1()).putLong(id.w2()).putLong(id.w3());
            entry.putLong(timestamp.getEpochSecond()).putInt(timestamp.getNano());
            entry.putInt(chain).putInt(position).putInt(blocks.size());
            for (int[] block : blocks) {
                for (int number : block) {
                    entry.putInt(number);
                }
            }
            entries.write(entry.array(), 0, entry.capacity());
            snapshots++;
            nextSnapshot();
            if (snapshots == FULL_TABLE_SNAPSHOTS) {
                endTable();
            }
        }

        private void nextSnapshot() {
            blocks.clear();
            names.mark();
            details.mark();
        }

        /** Takes back what was written of a snapshot that cannot be finished. */
        void giveUp() {
            names.giveUp();
            details.giveUp();
            nextSnapshot();
        }

        private void endTable() throws IOException {
            if (snapshots == 0) {
                return;
            }
            names.end();
            details.end();
            int groups = names.written.size() + details.written.size();
            ByteBuffer table = ByteBuffer.allocate(Mac.BYTES + NUMBERS_BYTES + 8 * groups + entries.size());
            table.putLong(Mac.BYTES, start);
            table.position(Mac.BYTES + 8)
                    .putInt(names.written.size())
                    .putInt(details.written.size())
                    .putInt(snapshots)
                    .putInt(0);
            names.written.forEach(one -> table.putInt(one.length).putInt(one.crc));
            details.written.forEach(one -> table.putInt(one.length).putInt(one.crc));
            table.put(entries.toByteArray());
            int restAt = Mac.BYTES + NUMBERS_BYTES;
            table.putInt(restAt - 4, crc(table.slice(restAt, table.capacity() - restAt)));
            hasher.mac(numbers(table.array())).write(MemorySegment.ofArray(table.array()), 0);
            append(TABLE, table.array());
            names.written.clear();
            details.written.clear();
            entries.reset();
            snapshots = 0;
            start = end;
            nextSnapshot();
        }

        private Group append(int type, byte[] plain) throws IOException {
            boolean isPacked = end > PACKED_FROM_BYTES;
            byte[] payload = codec.encode(plain, isPacked);
            int fullType = isPacked ? type | PACKED : type;
            int crc = crc(fullType, ByteBuffer.wrap(payload));
            ByteBuffer record = ByteBuffer.allocate(RECORD_HEAD_BYTES + payload.length)
                    .putInt(fullType)
                    .putInt(payload.length)
                    .putInt(crc)
                    .put(payload)
                    .flip();
            Group written = new Group(type, end + RECORD_HEAD_BYTES, payload.length, crc, isPacked);
            while (record.hasRemaining()) {
                end += out.write(record, end);
            }
            return written;
        }

        @Override
        public void close() throws IOException {
            try (FileChannel closed = out) {
                giveUp();
                endTable();
                assert closed.isOpen();
            }
        }
    }

    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Then it is found out again.
        }
    }

    FileChannel open() throws IOException {
        return FileChannel.open(file);
    }

    /** Opens the file at {@code end} to go on there. */
    Writer append(long end, IndexCodec codec) throws IOException {
        return new Writer(FileChannel.open(file, StandardOpenOption.WRITE), end, codec);
    }

    /**
     * Puts a new file in the place of the one that is there, if any.
     *
     * @param keeps bytes of the old one to take over, at least {@link #HEAD_BYTES}; 0 for none
     */
    Writer replace(long keeps, IndexCodec codec) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(next);
        try (FileChannel out = create(next)) {
            if (keeps > 0) {
                try (FileChannel in = open()) {
                    for (long at = 0; at < keeps; ) {
                        at += in.transferTo(at, keeps - at, out);
                    }
                }
            } else {
                out.write(head(), 0);
            }
        }
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        return append(Math.max(keeps, HEAD_BYTES), codec);
    }

    /** Names of files are in it: whoever may not read the store may not read this. */
    static FileChannel create(Path path) throws IOException {
        boolean isPosix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] owner = isPosix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        return FileChannel.open(path, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), owner);
    }
}
