// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
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
 *  record: | type (4) | length of the payload (4) | CRC-32C of type, length and payload (4) | payload |
 *  payload of a block:    {@link ChangeBlock}, encoded as a blob of the store is: compressed and, in an encrypted store, encrypted
 *  payload of a snapshot: | id (32) | chain (4) | position in the chain (4) | blocks (4) | MAC (32) | the snapshot's header |,
 *                         encoded likewise
 * </pre>
 *
 * A snapshot's record stands behind its blocks and completes them: its MAC, under the store's key, is over all else that is
 * in the record, over where the first block begins in the file and over the CRCs of the blocks. What stands behind the last
 * such record was being written when its writer died. The header is there so that a search reads nothing from the store.
 */
final class IndexFile {
    static final int HEAD_BYTES = 8 + 16 + Mac.BYTES;

    private static final long MAGIC = 0x41524d5352434832L; // ARMSRCH2
    private static final int BLOCK = 1;
    private static final int SNAPSHOT = 2;
    private static final int RECORD_HEAD_BYTES = 12;
    /** Of a snapshot's record: what is before its MAC, and before its header. */
    private static final int FIELD_BYTES = Mac.BYTES + 12;

    private static final int SNAPSHOT_BYTES = FIELD_BYTES + Mac.BYTES;
    /** A block is some 60 KiB of plain text; only a path of that length makes it larger. */
    private static final int MAX_PAYLOAD_BYTES = 16 << 20;

    private final Path file;
    private final StoreKeys keys;
    private final byte[] repositoryId;

    IndexFile(Path file, StoreKeys keys, byte[] repositoryId) {
        this.file = file;
        this.keys = keys;
        this.repositoryId = repositoryId;
    }

    /** Where the payload of a block is. */
    record Block(long position, int length, int crc) {}

    /**
     * A snapshot in the index.
     *
     * @param chain which row of snapshots it is in, each one told by its difference to the one before
     * @param position in the chain, from 0 on
     */
    record Indexed(Mac id, int chain, int position, List<Block> blocks, SnapshotHeader header, long end) {}

    /** The bytes that a file begins with. */
    ByteBuffer head() {
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES);
        head.putLong(0, MAGIC).put(8, repositoryId);
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
    List<Indexed> list(FileChannel in, BlobCodec codec) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES);
        read(in, head, 0);
        if (!head.flip().equals(head())) {
            throw new CorruptDataException("this is no search index of this store");
        }
        List<Indexed> all = new ArrayList<>();
        List<Block> blocks = new ArrayList<>();
        MacHasher hasher = keys.newMacHasher();
        long size = in.size();
        long first = HEAD_BYTES;
        Window window = new Window(in, size);
        for (long at = HEAD_BYTES; size - at >= RECORD_HEAD_BYTES; ) {
            ByteBuffer record = window.get(at, RECORD_HEAD_BYTES);
            int type = record.getInt();
            int length = record.getInt();
            int crc = record.getInt();
            if (length < 0 || length > MAX_PAYLOAD_BYTES || type != BLOCK && type != SNAPSHOT) {
                throw new CorruptDataException("no record at byte " + at);
            }
            if (length > size - at - RECORD_HEAD_BYTES) {
                break;
            }
            Block block = new Block(at + RECORD_HEAD_BYTES, length, crc);
            at += RECORD_HEAD_BYTES + length;
            if (type == BLOCK) {
                blocks.add(block);
                continue;
            }
            byte[] payload = new byte[length];
            window.get(block.position, length).get(payload);
            all.add(snapshot(verified(SNAPSHOT, payload, crc), first, blocks, at, codec, hasher));
            blocks.clear();
            first = at;
        }
        return all;
    }

    private static Indexed snapshot(
            byte[] payload, long first, List<Block> blocks, long end, BlobCodec codec, MacHasher hasher) {
        MemorySegment plain = codec.decode(MemorySegment.ofArray(payload), MAX_PAYLOAD_BYTES);
        if (plain.byteSize() < SNAPSHOT_BYTES) {
            throw new CorruptDataException("a snapshot's record of " + plain.byteSize() + " bytes");
        }
        ByteBuffer record = ByteBuffer.wrap(plain.toArray(JAVA_BYTE));
        Mac id = Mac.read(plain, 0);
        if (record.getInt(Mac.BYTES + 8) != blocks.size()
                || !Mac.read(plain, FIELD_BYTES).equals(mac(record, first, blocks, hasher))) {
            throw new CorruptDataException("the record of snapshot " + id.shortHex() + " is not for these blocks");
        }
        SnapshotHeader header =
                SnapshotHeader.decode(new MsgpackReader(plain.asSlice(SNAPSHOT_BYTES), "the search index"));
        return new Indexed(
                id, record.getInt(Mac.BYTES), record.getInt(Mac.BYTES + 4), List.copyOf(blocks), header, end);
    }

    private static Mac mac(ByteBuffer record, long first, List<Block> blocks, MacHasher hasher) {
        int header = record.capacity() - SNAPSHOT_BYTES;
        ByteBuffer text = ByteBuffer.allocate(FIELD_BYTES + header + 8 + 4 * blocks.size())
                .put(record.slice(0, FIELD_BYTES))
                .put(record.slice(SNAPSHOT_BYTES, header))
                .putLong(first);
        blocks.forEach(block -> text.putInt(block.crc));
        return hasher.mac(MemorySegment.ofBuffer(text.flip()));
    }

    /** The plain bytes of a block, valid until the codec's next use. */
    static MemorySegment read(FileChannel in, Block block, BlobCodec codec) throws IOException {
        byte[] payload = new byte[block.length];
        read(in, ByteBuffer.wrap(payload), block.position);
        return codec.decode(MemorySegment.ofArray(verified(BLOCK, payload, block.crc)), MAX_PAYLOAD_BYTES);
    }

    private static byte[] verified(int type, byte[] payload, int crc) {
        if (crc(type, payload) != crc) {
            throw new CorruptDataException("a record of the search index was changed");
        }
        return payload;
    }

    private static int crc(int type, byte[] payload) {
        CRC32C sum = new CRC32C();
        sum.update(ByteBuffer.allocate(8).putInt(type).putInt(payload.length).flip());
        sum.update(payload, 0, payload.length);
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

    /** Reads small pieces of a file in larger ones. */
    private static final class Window {
        private static final int BYTES = 256 << 10;

        private final FileChannel in;
        private final long size;
        private ByteBuffer bytes = ByteBuffer.allocate(0);
        private long start;

        Window(FileChannel in, long size) {
            this.in = in;
            this.size = size;
        }

        ByteBuffer get(long at, int length) throws IOException {
            if (at < start || at + length > start + bytes.limit()) {
                bytes = ByteBuffer.allocate((int) Math.min(size - at, Math.max(BYTES, length)));
                read(in, bytes, at);
                bytes.flip();
                start = at;
            }
            return bytes.slice((int) (at - start), length);
        }
    }

    /** Writes one snapshot after the other. Owns the channel. */
    final class Writer implements AutoCloseable {
        private final FileChannel out;
        private final BlobCodec codec;
        private final MacHasher hasher = keys.newMacHasher();
        private final List<Block> blocks = new ArrayList<>();
        private long end;
        private long first;

        Writer(FileChannel out, long end, BlobCodec codec) {
            this.out = out;
            this.codec = codec;
            this.end = end;
            this.first = end;
        }

        void block(byte[] plain) throws IOException {
            blocks.add(append(BLOCK, plain));
        }

        void snapshot(SnapshotHeader header, int chain, int position) throws IOException {
            MsgpackWriter encoded = new MsgpackWriter();
            header.encode(encoded);
            byte[] bytes = encoded.toByteArray();
            ByteBuffer record = ByteBuffer.allocate(SNAPSHOT_BYTES + bytes.length);
            header.identifier().write(MemorySegment.ofBuffer(record), 0);
            record.putInt(Mac.BYTES, chain).putInt(Mac.BYTES + 4, position).putInt(Mac.BYTES + 8, blocks.size());
            record.put(SNAPSHOT_BYTES, bytes);
            mac(record, first, blocks, hasher).write(MemorySegment.ofBuffer(record), FIELD_BYTES);
            append(SNAPSHOT, record.array());
            blocks.clear();
            first = end;
        }

        /** Takes back what was written of a snapshot that cannot be finished. */
        void giveUp() throws IOException {
            blocks.clear();
            end = first;
            out.truncate(end);
        }

        private Block append(int type, byte[] plain) throws IOException {
            byte[] payload = new byte[Math.toIntExact(codec.prepare(MemorySegment.ofArray(plain)))];
            codec.writeTo(MemorySegment.ofArray(payload));
            int crc = crc(type, payload);
            ByteBuffer record = ByteBuffer.allocate(RECORD_HEAD_BYTES + payload.length)
                    .putInt(type)
                    .putInt(payload.length)
                    .putInt(crc)
                    .put(payload)
                    .flip();
            Block block = new Block(end + RECORD_HEAD_BYTES, payload.length, crc);
            while (record.hasRemaining()) {
                end += out.write(record, end);
            }
            return block;
        }

        @Override
        public void close() throws IOException {
            out.close();
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
    Writer append(long end, BlobCodec codec) throws IOException {
        return new Writer(FileChannel.open(file, StandardOpenOption.WRITE), end, codec);
    }

    /**
     * Puts a new file in the place of the one that is there, if any.
     *
     * @param keeps bytes of the old one to take over, at least {@link #HEAD_BYTES}; 0 for none
     */
    Writer replace(long keeps, BlobCodec codec) throws IOException {
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
