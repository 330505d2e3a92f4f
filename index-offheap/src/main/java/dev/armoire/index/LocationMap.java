// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import dev.armoire.index.ffi.MappedPages;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.zip.CRC32C;
import net.openhft.chronicle.bytes.RandomDataInput;
import net.openhft.chronicle.hash.Data;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import net.openhft.chronicle.map.ExternalMapQueryContext;
import net.openhft.chronicle.map.MapEntry;
import net.openhft.chronicle.map.VanillaChronicleMap;
import net.openhft.posix.PosixAPI;
import org.jspecify.annotations.Nullable;

/**
 * (resource type, MAC) → locations in a file that a {@link Builder} wrote and nobody changes afterwards: the one adapter of
 * Chronicle Map. Owns the open map. Thread-safe; several processes may read one file at once.
 *
 * <pre>
 *  key,   34 bytes: | MAC (32) | type | copy |
 *  value, 13 bytes: | offset (5) | length (4) | packfile (4), its top bit says that a further copy follows |   little-endian
 * </pre>
 *
 * <p>Chronicle Map follows whatever numbers it finds in the file, outside of the heap and unchecked. So a second file, the
 * name of the first with {@code .sums} appended, has a CRC-32C of every segment (some 150 KiB), and a segment is compared with
 * it before Chronicle reads it for the first time. Every damage of 32 bits in a row or less is found for certain, any other
 * with a probability of 1 - 2^-32. Only the locks of segments are outside, as readers change them; what is wrong with a lock
 * ends in a time-out.
 *
 * <pre>
 *  sums: | magic (8) | file bytes (8) | segment headers at (8) | bytes of one (8) | segments at (8) | bytes of one (8) |
 *        | entries (8) | bytes of the filter (8) | segments (4) | CRC of all before the segment headers (4) | CRC of these 72 bytes (4) |
 *        | CRC of each segment (4)* | CRC of each part of the filter (4)* | filter |
 * </pre>
 *
 * The filter is a {@link MacFilter} of all keys, so that a MAC which is new costs one access to memory and none to Chronicle; its parts
 * are compared with their sums as segments are.
 */
final class LocationMap implements LocationFile {
    /** Ordinals that the file cannot hold begin here. */
    static final int PACKFILE_LIMIT = Integer.MAX_VALUE;

    private static final int KEY_BYTES = Mac.BYTES + 2;
    private static final int VALUE_BYTES = 13;
    private static final int PACKFILE_AT = 9;
    private static final int MORE = 1 << 31;
    private static final int MAX_COPIES = 256;

    /**
     * Entries that a segment has on average. A table of 4096 slots takes 2730; keys are spread over the segments with a
     * deviation of the square root, so 2430 + 6 * 49 leaves one in 10^9 segments too small. Smaller segments lose more to that.
     */
    private static final int SEGMENT_ENTRIES = 2430;

    private static final int SEGMENT_DEVIATIONS = 6;
    private static final int LOCK_BYTES = 8;

    private static final long MAGIC = 0x3253_4d55_5345_4d52L; // RMESUMS2
    private static final long FILTER_PART_BYTES = 4096;
    private static final long SEGMENTS_AT = 64;
    private static final long CRC_BEFORE_HEADERS_AT = 68;
    private static final long CRC_OF_SUMS_AT = 72;
    private static final long SUMS_HEADER_BYTES = 76;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    static {
        // Chronicle would report its use to its maker, print to the terminal, and take settings from a file in the
        // working
        // directory. Its bindings of the C library are not on the class path, and their twin without effect is enough.
        System.setProperty("chronicle.analytics.disable", "true");
        System.setProperty("chronicle.announcer.disable", "true");
        System.setProperty("slf4j.internal.verbosity", "ERROR");
        System.setProperty("system.properties", "none");
        System.setProperty("net.openhft.chronicle.map.lockTimeoutSeconds", "2");
        PosixAPI.useNoOpPosixApi();
    }

    private final ChronicleMap<byte[], byte[]> map;
    private final Path file;
    private final Layout layout;
    private final Arena arena;
    private final FileBytes bytes;
    private final MemorySegment sums;
    private final MemorySegment filterBits;
    private final MacFilter filter;
    /** One bit for each segment, and after them for each part of the filter, that was compared with its sum. */
    private final AtomicLongArray verified;

    private LocationMap(
            ChronicleMap<byte[], byte[]> map,
            Path file,
            Layout layout,
            Arena arena,
            FileBytes bytes,
            MemorySegment sums) {
        this.map = map;
        this.file = file;
        this.layout = layout;
        this.arena = arena;
        this.bytes = bytes;
        this.sums = sums;
        this.filterBits = sums.asSlice(layout.filterAt());
        this.filter = new MacFilter(filterBits);
        this.verified = new AtomicLongArray((layout.segments + layout.filterParts() + 63) / 64);
    }

    /** Where in the file the parts of a map lie, in bytes. */
    private record Layout(
            long fileBytes,
            long headersAt,
            long headerBytes,
            long segmentsAt,
            long segmentBytes,
            long entries,
            long filterBytes,
            int segments) {
        static Layout of(ChronicleMap<byte[], byte[]> map, long fileBytes, long filterBytes) {
            VanillaChronicleMap<?, ?, ?> inside = (VanillaChronicleMap<?, ?, ?>) map;
            long first = inside.segmentHeaderAddress(0);
            int segments = inside.segments();
            return new Layout(
                    fileBytes,
                    first - inside.bsAddress(),
                    segments == 1 ? inside.segmentBaseAddr(0) - first : inside.segmentHeaderAddress(1) - first,
                    inside.segmentBaseAddr(0) - inside.bsAddress(),
                    inside.tierSize,
                    map.longSize(),
                    filterBytes,
                    segments);
        }

        int crcBeforeHeaders(FileBytes file) throws IOException {
            CRC32C crc = new CRC32C();
            file.update(crc, 0, headersAt);
            return (int) crc.getValue();
        }

        int crcOfSegment(FileBytes file, int segment) throws IOException {
            CRC32C crc = new CRC32C();
            file.update(crc, headersAt + segment * headerBytes + LOCK_BYTES, headerBytes - LOCK_BYTES);
            file.update(crc, segmentsAt + segment * segmentBytes, segmentBytes);
            return (int) crc.getValue();
        }

        long filterSumsAt() {
            return SUMS_HEADER_BYTES + 4L * segments;
        }

        int filterParts() {
            return Math.toIntExact((filterBytes + FILTER_PART_BYTES - 1) / FILTER_PART_BYTES);
        }

        long filterAt() {
            return filterSumsAt() + 4L * filterParts();
        }

        static int crcOfFilter(MemorySegment filter, int part) {
            long at = part * FILTER_PART_BYTES;
            CRC32C crc = new CRC32C();
            crc.update(filter.asSlice(at, Math.min(FILTER_PART_BYTES, filter.byteSize() - at))
                    .asByteBuffer());
            return (int) crc.getValue();
        }

        /** All but the filter itself. */
        MemorySegment toSums(FileBytes file, MemorySegment filter, Arena arena) throws IOException {
            MemorySegment sums = arena.allocate(filterAt(), 8);
            long[] numbers = {MAGIC, fileBytes, headersAt, headerBytes, segmentsAt, segmentBytes, entries, filterBytes};
            for (int i = 0; i < numbers.length; i++) {
                sums.set(U64, 8L * i, numbers[i]);
            }
            sums.set(U32, SEGMENTS_AT, segments);
            sums.set(U32, CRC_BEFORE_HEADERS_AT, crcBeforeHeaders(file));
            sums.set(U32, CRC_OF_SUMS_AT, crcOfSums(sums));
            for (int segment = 0; segment < segments; segment++) {
                sums.set(U32, SUMS_HEADER_BYTES + 4L * segment, crcOfSegment(file, segment));
            }
            for (int part = 0; part < filterParts(); part++) {
                sums.set(U32, filterSumsAt() + 4L * part, crcOfFilter(filter, part));
            }
            return sums;
        }

        static Layout fromSums(MemorySegment sums, long fileBytes, String name) {
            if (sums.byteSize() < SUMS_HEADER_BYTES
                    || sums.get(U64, 0) != MAGIC
                    || sums.get(U32, CRC_OF_SUMS_AT) != crcOfSums(sums)) {
                throw new DamagedIndexException("the sums of " + name + " are damaged");
            }
            Layout layout = new Layout(
                    sums.get(U64, 8),
                    sums.get(U64, 16),
                    sums.get(U64, 24),
                    sums.get(U64, 32),
                    sums.get(U64, 40),
                    sums.get(U64, 48),
                    sums.get(U64, 56),
                    sums.get(U32, SEGMENTS_AT));
            long sumsBytes = layout.filterAt() + layout.filterBytes;
            if (layout.fileBytes != fileBytes || sums.byteSize() != sumsBytes) {
                throw new DamagedIndexException(name + " has " + fileBytes + " bytes, expected " + layout.fileBytes);
            }
            return layout;
        }

        private static int crcOfSums(MemorySegment sums) {
            CRC32C crc = new CRC32C();
            crc.update(sums.asSlice(0, CRC_OF_SUMS_AT).asByteBuffer());
            return (int) crc.getValue();
        }
    }

    /**
     * The file as it is read, not as it is mapped: each mapped page counts as memory of the process, and Chronicle has mapped
     * them once. Thread-safe, and an interrupt does not close it, as it does a channel.
     */
    private static final class FileBytes implements AutoCloseable {
        private final RandomAccessFile in;
        private final byte[] buffer = new byte[32 << 10];

        FileBytes(Path file) throws IOException {
            this.in = new RandomAccessFile(file.toFile(), "r");
        }

        long size() throws IOException {
            return in.length();
        }

        synchronized void update(CRC32C crc, long at, long length) throws IOException {
            in.seek(at);
            for (long left = length; left > 0; ) {
                int part = (int) Math.min(left, buffer.length);
                in.readFully(buffer, 0, part);
                crc.update(buffer, 0, part);
                left -= part;
            }
        }

        @Override
        public void close() {
            try {
                in.close();
            } catch (IOException e) {
                // Nothing was written.
            }
        }
    }

    private static Path sumsOf(Path file) {
        return file.resolveSibling(file.getFileName() + ".sums");
    }

    /**
     * Opens what a {@link Builder} wrote. Takes a fifth of a second the first time in a process, however large the file.
     *
     * @throws DamagedIndexException when it is not there, cannot be written (readers take locks in it), or is damaged
     */
    static LocationMap open(Path file) {
        Arena arena = Arena.ofShared();
        FileBytes bytes = null;
        try {
            bytes = new FileBytes(file);
            MemorySegment sums = map(sumsOf(file), arena);
            Layout layout = Layout.fromSums(sums, bytes.size(), file.toString());
            if (layout.crcBeforeHeaders(bytes) != sums.get(U32, CRC_BEFORE_HEADERS_AT)) {
                throw new DamagedIndexException(file + " is damaged at its head");
            }
            ChronicleMap<byte[], byte[]> map = builder(layout.entries).createPersistedTo(file.toFile());
            return new LocationMap(map, file, layout, arena, bytes, sums);
        } catch (DamagedIndexException e) {
            close(arena, bytes);
            throw e;
        } catch (IOException | RuntimeException | LinkageError | AssertionError e) {
            close(arena, bytes);
            throw new DamagedIndexException(file + " cannot be opened", e);
        }
    }

    private static void close(Arena arena, @Nullable FileBytes bytes) {
        arena.close();
        if (bytes != null) {
            bytes.close();
        }
    }

    private static MemorySegment map(Path file, Arena arena) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        }
    }

    private static ChronicleMapBuilder<byte[], byte[]> builder(long entries) {
        int segments = Math.toIntExact((entries + SEGMENT_ENTRIES - 1) / SEGMENT_ENTRIES);
        long average = (entries + segments - 1) / segments;
        long most = segments == 1 ? average : average + (long) (SEGMENT_DEVIATIONS * Math.sqrt((double) average));
        return ChronicleMapBuilder.of(byte[].class, byte[].class)
                .constantKeySizeBySample(new byte[KEY_BYTES])
                .constantValueSizeBySample(new byte[VALUE_BYTES])
                .entries(entries)
                .actualSegments(segments)
                .entriesPerSegment(most)
                .nonTieredSegmentsPercentile(
                        0.49) // none on top of `most` (it must be below 0.5, whatever its text says)
                .checksumEntries(false)
                .skipCloseOnExitHook(true);
    }

    @Override
    public long size() {
        return layout.entries;
    }

    @Override
    public boolean find(int type, Mac mac, Places places) {
        verifyFilter((int) (filter.block(mac) / FILTER_PART_BYTES));
        if (!filter.mayHave(mac)) {
            return true;
        }
        byte[] key = new byte[KEY_BYTES];
        byte[] value = new byte[VALUE_BYTES];
        boolean goesOn = true;
        for (int copy = 0; goesOn && copy < MAX_COPIES; copy++) {
            encodeKey(key, type, mac, copy);
            if (!read(key, value)) {
                return true;
            }
            int packfile = (int) INT.get(value, PACKFILE_AT);
            goesOn = places.place(packfile & ~MORE, offset(value), length(value));
            if ((packfile & MORE) == 0) {
                return goesOn;
            }
        }
        return goesOn;
    }

    private boolean read(byte[] key, byte[] value) {
        try (ExternalMapQueryContext<byte[], byte[], ?> context = map.queryContext(key)) {
            verify(context.segmentIndex());
            context.readLock().lock();
            MapEntry<byte[], byte[]> entry = context.entry();
            if (entry == null) {
                return false;
            }
            Data<byte[]> found = entry.value();
            RandomDataInput bytesOfFound = found.bytes();
            bytesOfFound.read(found.offset(), value, 0, VALUE_BYTES);
            return true;
        } catch (DamagedIndexException e) {
            throw e;
        } catch (RuntimeException | InternalError | AssertionError e) {
            throw new DamagedIndexException(file + " cannot be read", e);
        }
    }

    private void verify(int segment) {
        if (isVerified(segment)) {
            return;
        }
        try {
            if (layout.crcOfSegment(bytes, segment) != sums.get(U32, SUMS_HEADER_BYTES + 4L * segment)) {
                throw new DamagedIndexException(file + " is damaged in segment " + segment);
            }
        } catch (IOException e) {
            throw new DamagedIndexException(file + " cannot be read", e);
        }
        setVerified(segment);
    }

    private void verifyFilter(int part) {
        if (isVerified(layout.segments + part)) {
            return;
        }
        if (Layout.crcOfFilter(filterBits, part) != sums.get(U32, layout.filterSumsAt() + 4L * part)) {
            throw new DamagedIndexException(file + " is damaged in part " + part + " of its filter");
        }
        setVerified(layout.segments + part);
    }

    private boolean isVerified(int bit) {
        return (verified.get(bit >>> 6) & 1L << bit) != 0;
    }

    private void setVerified(int bit) {
        verified.accumulateAndGet(bit >>> 6, 1L << bit, (a, b) -> a | b);
    }

    @Override
    public void forEach(BlobIndex.Visitor visitor) {
        for (int segment = 0; segment < layout.segments; segment++) {
            verify(segment);
        }
        byte[] key = new byte[KEY_BYTES];
        byte[] value = new byte[VALUE_BYTES];
        map.forEachEntry(entry -> {
            entry.key().bytes().read(entry.key().offset(), key, 0, KEY_BYTES);
            entry.value().bytes().read(entry.value().offset(), value, 0, VALUE_BYTES);
            Mac mac = new Mac((long) WORD.get(key, 0), (long) WORD.get(key, 8), (long) WORD.get(key, 16), (long)
                    WORD.get(key, 24));
            int packfile = (int) INT.get(value, PACKFILE_AT) & ~MORE;
            visitor.location(key[Mac.BYTES] & 0xff, mac, packfile, offset(value), length(value));
        });
    }

    @Override
    public void release() {
        long from = ((VanillaChronicleMap<?, ?, ?>) map).bsAddress() + layout.segmentsAt;
        MappedPages.release(from, layout.segments * layout.segmentBytes);
    }

    @Override
    public void close() {
        map.close();
        close(arena, bytes);
    }

    private static void encodeKey(byte[] key, int type, Mac mac, int copy) {
        WORD.set(key, 0, mac.w0());
        WORD.set(key, 8, mac.w1());
        WORD.set(key, 16, mac.w2());
        WORD.set(key, 24, mac.w3());
        key[Mac.BYTES] = (byte) type;
        key[Mac.BYTES + 1] = (byte) copy;
    }

    private static void encodeValue(byte[] value, int packfile, long offset, long length) {
        LONG.set(value, 0, offset | length << 40);
        value[8] = (byte) (length >>> 24);
        INT.set(value, PACKFILE_AT, packfile);
    }

    private static long offset(byte[] value) {
        return (long) LONG.get(value, 0) & OFFSET_LIMIT - 1;
    }

    private static long length(byte[] value) {
        return (long) LONG.get(value, 0) >>> 40 | (value[8] & 0xffL) << 24;
    }

    /**
     * Writes a file and its sums. Until {@link #finish} has returned, nothing may rely on either. Several threads may add, each
     * all locations of the MACs that it adds.
     */
    static final class Builder implements AutoCloseable {
        private final Path file;
        private final ChronicleMap<byte[], byte[]> map;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment filterBits;
        private final MacFilter filter;

        /**
         * @param entries the most that will be added, at least 1
         * @throws IOException when the file cannot be made, or the file system has not twice the room it takes
         */
        Builder(Path file, long entries) throws IOException {
            this.file = file;
            // Written through memory, a full disk would be a fault of memory.
            long room = Files.getFileStore(file.toAbsolutePath().getParent()).getUsableSpace();
            if (room / 128 < entries) {
                throw new IOException("no room for an index of " + entries + " entries");
            }
            this.map = builder(entries).createPersistedTo(file.toFile());
            this.filterBits = arena.allocate(MacFilter.bytes(entries), Long.BYTES);
            this.filter = new MacFilter(filterBits);
        }

        /** Adds a location; a second one in the same packfile is ignored. */
        void add(int type, Mac mac, int packfile, long offset, long length) {
            byte[] key = new byte[KEY_BYTES];
            byte[] value = new byte[VALUE_BYTES];
            for (int copy = 0; copy < MAX_COPIES; copy++) {
                encodeKey(key, type, mac, copy);
                encodeValue(value, packfile, offset, length);
                byte[] known = map.putIfAbsent(key, value);
                if (known == null) {
                    synchronized (filter) {
                        filter.add(mac);
                    }
                    return;
                }
                int holder = (int) INT.get(known, PACKFILE_AT);
                if ((holder & ~MORE) == packfile) {
                    return;
                }
                if ((holder & MORE) == 0) {
                    INT.set(known, PACKFILE_AT, holder | MORE);
                    map.put(key, known);
                }
            }
        }

        /**
         * Makes the file durable and writes its sums, durably.
         *
         * @throws IOException when it could not be written, or when what was added did not spread as evenly as it should
         */
        void finish() throws IOException {
            Layout layout = Layout.of(map, Files.size(file), filterBits.byteSize());
            boolean hasOverflowed =
                    ((VanillaChronicleMap<?, ?, ?>) map).globalMutableState().getAllocatedExtraTierBulks() > 0;
            if (hasOverflowed) {
                throw new IOException("a segment of " + file + " was too small");
            }
            map.close();
            try (FileBytes bytes = new FileBytes(file);
                    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    FileChannel out =
                            FileChannel.open(sumsOf(file), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                channel.force(true);
                ByteBuffer[] parts = {layout.toSums(bytes, filterBits, arena).asByteBuffer(), filterBits.asByteBuffer()
                };
                while (parts[1].hasRemaining()) {
                    out.write(parts);
                }
                out.force(true);
            }
        }

        @Override
        public void close() {
            map.close();
            arena.close();
        }
    }
}
