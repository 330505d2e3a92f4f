// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import dev.armoire.index.ffi.MappedPages;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Locations in an open-addressing table that is read where it is mapped. Each part of it has a CRC-32C and is compared with that before
 * it is used for the first time, as is the head of the file when it is opened; so the file need not be durable to be named by others: what a power cut
 * left of it is noticed as damage is.
 *
 * <pre>
 *  file: | magic (8) | locations (8) | slots (8) | CRC of these and of all sums (4) | 0 (4) | CRC of each part (4)* | 0 up to a multiple of 64 | slots |
 *  slot: | MAC (32) | type:8, offset:56 (8) | packfile (4) | length (4) |   little-endian; type 0 is an empty one
 * </pre>
 *
 * A MAC's first word says where in the table its slot is looked for first.
 */
final class LocationTable implements LocationFile {
    private static final long MAGIC = 0x3145_4c42_4154_4c41L; // ALATBLE1
    private static final int ENTRIES_AT = 8;
    private static final int SLOTS_AT = 16;
    private static final int CRC_AT = 24;
    private static final int SUMS_AT = 32;
    private static final int SLOT_BYTES = 48;
    private static final int WORD_AT = 32;
    private static final int PACKFILE_AT = 40;
    private static final int LENGTH_AT = 44;
    private static final int PART_SLOTS = 128;
    private static final int PART_BYTES = PART_SLOTS * SLOT_BYTES;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

    private final Path file;
    private final Arena arena;
    private final MemorySegment mapped;
    private final Layout layout;
    /** Of the slots alone. {@link BlobIndex} says why it is Agrona's. */
    private final UnsafeBuffer slots;
    /** Set for each part that was compared with its sum; a thread that does not see it yet compares again. */
    private final boolean[] isVerified;

    /** Where in the file the parts of a table lie. */
    private record Layout(long entries, int slots) {
        /** Four fifths of the slots are in use, so a location takes 61 bytes. */
        static Layout of(long entries) {
            return new Layout(entries, Math.toIntExact(Math.max(PART_SLOTS, entries * 5 / 4 + 1)));
        }

        int parts() {
            return (slots + PART_SLOTS - 1) / PART_SLOTS;
        }

        int slotsAt() {
            return SUMS_AT + (4 * parts() + 63) / 64 * 64 + 32;
        }

        long fileBytes() {
            return slotsAt() + (long) slots * SLOT_BYTES;
        }

        MemorySegment part(MemorySegment whole, int part) {
            long at = slotsAt() + (long) part * PART_BYTES;
            return whole.asSlice(at, Math.min(PART_BYTES, whole.byteSize() - at));
        }
    }

    private LocationTable(Path file, Arena arena, MemorySegment mapped, Layout layout) {
        this.file = file;
        this.arena = arena;
        this.mapped = mapped;
        this.layout = layout;
        MemorySegment table = mapped.asSlice(layout.slotsAt());
        this.slots = new UnsafeBuffer(table.address(), (int) table.byteSize());
        this.isVerified = new boolean[layout.parts()];
    }

    private static int crc(MemorySegment... parts) {
        CRC32C crc = new CRC32C();
        for (MemorySegment part : parts) {
            crc.update(part.asByteBuffer());
        }
        return (int) crc.getValue();
    }

    private static int crcOfHead(MemorySegment whole, Layout layout) {
        return crc(whole.asSlice(0, CRC_AT), whole.asSlice(SUMS_AT, 4L * layout.parts()));
    }

    /** Whether it begins as a table does. */
    static boolean isTable(Path file) {
        try (FileChannel in = FileChannel.open(file)) {
            ByteBuffer magic = ByteBuffer.allocate(Long.BYTES).order(ORDER);
            return in.read(magic) == Long.BYTES && magic.getLong(0) == MAGIC;
        } catch (IOException e) {
            return false;
        }
    }

    /** See {@link LocationFile#open}. */
    static LocationTable open(Path file) {
        Arena arena = Arena.ofShared();
        try (FileChannel in = FileChannel.open(file)) {
            MemorySegment mapped = in.map(FileChannel.MapMode.READ_ONLY, 0, in.size(), arena);
            return new LocationTable(file, arena, mapped, layoutOf(mapped, file));
        } catch (DamagedIndexException e) {
            arena.close();
            throw e;
        } catch (IOException | RuntimeException | InternalError e) {
            arena.close();
            throw new DamagedIndexException(file + " cannot be opened", e);
        }
    }

    private static Layout layoutOf(MemorySegment mapped, Path file) {
        long bytes = mapped.byteSize();
        long slots = bytes < SUMS_AT || mapped.get(U64, 0) != MAGIC ? 0 : mapped.get(U64, SLOTS_AT);
        if (slots <= 0 || slots > Integer.MAX_VALUE / SLOT_BYTES) {
            throw new DamagedIndexException(file + " is damaged at its head");
        }
        Layout layout = new Layout(mapped.get(U64, ENTRIES_AT), (int) slots);
        if (layout.fileBytes() != bytes || crcOfHead(mapped, layout) != mapped.get(U32, CRC_AT)) {
            throw new DamagedIndexException(file + " is damaged at its head");
        }
        return layout;
    }

    @Override
    public long size() {
        return layout.entries;
    }

    @Override
    public boolean find(int type, Mac mac, Places places) {
        try {
            int first = home(mac.w0(), layout.slots);
            int slot = first;
            do {
                verify(slot / PART_SLOTS);
                int at = slot * SLOT_BYTES;
                long word = getLong(at + WORD_AT);
                int found = (int) word & 0xff;
                if (found == 0) {
                    return true;
                }
                if (found == type
                        && isMac(at, mac)
                        && !places.place(getInt(at + PACKFILE_AT), word >>> 8, length(at))) {
                    return false;
                }
                slot = slot + 1 == layout.slots ? 0 : slot + 1;
            } while (slot != first);
            return true;
        } catch (InternalError e) { // the file has become shorter, or its disk does not read
            throw new DamagedIndexException(file + " cannot be read", e);
        }
    }

    private boolean isMac(int at, Mac mac) {
        return getLong(at) == mac.w0()
                && getLong(at + 8) == mac.w1()
                && getLong(at + 16) == mac.w2()
                && getLong(at + 24) == mac.w3();
    }

    private long getLong(int at) {
        return slots.getLong(at, ORDER);
    }

    private int getInt(int at) {
        return slots.getInt(at, ORDER);
    }

    private long length(int at) {
        return Integer.toUnsignedLong(getInt(at + LENGTH_AT));
    }

    private static int home(long word, int slots) {
        return (int) Math.unsignedMultiplyHigh(word, slots);
    }

    private void verify(int part) {
        if (!isVerified[part]) {
            if (crc(layout.part(mapped, part)) != mapped.get(U32, SUMS_AT + 4L * part)) {
                throw new DamagedIndexException(file + " is damaged in part " + part);
            }
            isVerified[part] = true;
        }
    }

    @Override
    public void forEach(BlobIndex.Visitor visitor) {
        try {
            for (int part = 0; part < layout.parts(); part++) {
                verify(part);
            }
            // From behind an empty slot and around the end, so that the copies of a blob come in their order.
            int first = 0;
            while (first < layout.slots && type(first) != 0) {
                first++;
            }
            for (int i = 1; i <= layout.slots; i++) {
                int slot = (first + i) % layout.slots;
                int at = slot * SLOT_BYTES;
                if (type(slot) != 0) {
                    Mac mac = new Mac(getLong(at), getLong(at + 8), getLong(at + 16), getLong(at + 24));
                    visitor.location(
                            type(slot), mac, getInt(at + PACKFILE_AT), getLong(at + WORD_AT) >>> 8, length(at));
                }
            }
        } catch (InternalError e) {
            throw new DamagedIndexException(file + " cannot be read", e);
        }
    }

    private int type(int slot) {
        return (int) getLong(slot * SLOT_BYTES + WORD_AT) & 0xff;
    }

    @Override
    public void release() {
        MappedPages.release(mapped.address(), mapped.byteSize());
    }

    /** Whoever comes too late meets the end of an empty view, not memory that is somebody else's. */
    @Override
    public void close() {
        slots.wrap(0, 0);
        arena.close();
    }

    /** Gathers locations for a new file. For one thread. */
    static final class Builder implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final MemorySegment whole;
        private final UnsafeBuffer slots;
        private final int slotCount;
        private long entries;

        /** @param most locations that will be added */
        Builder(long most) {
            Layout room = Layout.of(most);
            this.slotCount = room.slots;
            this.whole = arena.allocate(room.fileBytes(), 64);
            this.slots = new UnsafeBuffer(whole.address() + room.slotsAt(), slotCount * SLOT_BYTES);
        }

        /** Adds a location; a second one in the same packfile is ignored. */
        void add(int type, Mac mac, int packfile, long offset, long length) {
            int slot = home(mac.w0(), slotCount);
            int at = slot * SLOT_BYTES;
            for (int there; (there = (int) slots.getLong(at + WORD_AT, ORDER) & 0xff) != 0; at = slot * SLOT_BYTES) {
                if (there == type
                        && slots.getLong(at, ORDER) == mac.w0()
                        && slots.getInt(at + PACKFILE_AT, ORDER) == packfile
                        && slots.getLong(at + 8, ORDER) == mac.w1()
                        && slots.getLong(at + 16, ORDER) == mac.w2()
                        && slots.getLong(at + 24, ORDER) == mac.w3()) {
                    return;
                }
                slot = slot + 1 == slotCount ? 0 : slot + 1;
            }
            entries++;
            if (entries == slotCount) {
                throw new IllegalStateException("more locations than were announced");
            }
            slots.putLong(at, mac.w0(), ORDER);
            slots.putLong(at + 8, mac.w1(), ORDER);
            slots.putLong(at + 16, mac.w2(), ORDER);
            slots.putLong(at + 24, mac.w3(), ORDER);
            slots.putLong(at + WORD_AT, offset << 8 | type, ORDER);
            slots.putInt(at + PACKFILE_AT, packfile, ORDER);
            slots.putInt(at + LENGTH_AT, (int) length, ORDER);
        }

        /**
         * Writes the file, which must not be there yet.
         *
         * @throws IOException when it cannot be written; a part of it may be there then
         */
        void writeTo(Path file) throws IOException {
            Layout layout = new Layout(entries, slotCount);
            whole.set(U64, 0, MAGIC);
            whole.set(U64, ENTRIES_AT, entries);
            whole.set(U64, SLOTS_AT, slotCount);
            for (int part = 0; part < layout.parts(); part++) {
                whole.set(U32, SUMS_AT + 4L * part, crc(layout.part(whole, part)));
            }
            whole.set(U32, CRC_AT, crcOfHead(whole, layout));
            try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = whole.asByteBuffer();
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            }
        }

        @Override
        public void close() {
            slots.wrap(0, 0);
            arena.close();
        }
    }
}
