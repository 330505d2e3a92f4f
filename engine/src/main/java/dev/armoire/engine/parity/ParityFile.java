// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.simd.ReedSolomon;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a parity object says of itself: which packfiles it covers, how they are laid out in rows, and a MAC of each cell.
 *
 * <p>The packfiles lie one behind the other in cells, the last of each padded with zeros in thought. Cell v is in column
 * {@code v / rows} and row {@code v % rows}; each row has 8 parity cells. So a stretch of up to 8 columns, such as the largest
 * packfile, has no more than 8 cells in any row.
 * <pre>
 *  0      8         12        16          20     24        28
 *  | magic | version | percent | cell bytes | rows | members | cells |       little-endian
 *  32: for each member its name (32) and length (8)
 *      for each cell of data, then of parity by rows, 16 bytes of its MAC
 *      MAC (32) of all this
 *  the parity cells, by rows
 *  the same header again, and its length (8): so damage to one of the two does no harm
 * </pre>
 */
final class ParityFile {
    static final int MIN_CELL_BYTES = 4 << 10;
    static final int MAX_CELL_BYTES = 64 << 10;

    /** What is larger is not covered: a packfile that is made again is held in memory, and so is its parity. */
    static final long MAX_MEMBER_BYTES = 256L << 20;

    static final int MAX_ROWS = (int) (MAX_MEMBER_BYTES / ReedSolomon.PARITIES / MIN_CELL_BYTES) + 1;

    private static final long MAGIC = 0x5f59_5449_5241_505fL; // _PARITY_
    private static final int VERSION = 1;
    private static final int FIXED_BYTES = 32;
    private static final int MEMBER_BYTES = Mac.BYTES + Long.BYTES;
    private static final int CELL_MAC_BYTES = 16;
    private static final long MAX_HEADER_BYTES = 64 << 20;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** A packfile that is covered. */
    record Member(Mac packfile, long length) {}

    private final Mac name;
    private final int percent;
    private final int cellBytes;
    private final int rows;
    private final List<Member> members;
    /** By member, and one more: the number of its first cell. */
    private final int[] firstCells;

    private final byte[] cellMacs;

    ParityFile(Mac name, int percent, int cellBytes, int rows, List<Member> members) {
        this.name = name;
        this.percent = percent;
        this.cellBytes = cellBytes;
        this.rows = rows;
        this.members = List.copyOf(members);
        this.firstCells = new int[members.size() + 1];
        for (int i = 0; i < members.size(); i++) {
            firstCells[i + 1] = firstCells[i] + cellsOf(members.get(i).length(), cellBytes);
        }
        this.cellMacs = new byte[CELL_MAC_BYTES * (cells() + rows * ReedSolomon.PARITIES)];
    }

    static int cellsOf(long length, int cellBytes) {
        return Math.toIntExact(Math.ceilDiv(length, (long) cellBytes));
    }

    Mac name() {
        return name;
    }

    int percent() {
        return percent;
    }

    int cellBytes() {
        return cellBytes;
    }

    int rows() {
        return rows;
    }

    List<Member> members() {
        return members;
    }

    /** Cells of data. */
    int cells() {
        return firstCells[members.size()];
    }

    int columns() {
        return Math.ceilDiv(cells(), rows);
    }

    int firstCell(int member) {
        return firstCells[member];
    }

    /** The member that a cell belongs to. */
    int memberOf(int cell) {
        int low = 0;
        int high = members.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (firstCells[middle] <= cell) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** Bytes of a data cell that are there, and not only thought of. */
    int lengthOf(int cell, int member) {
        long from = (long) (cell - firstCells[member]) * cellBytes;
        return (int) Math.min(cellBytes, members.get(member).length() - from);
    }

    /** The place of a parity cell among all cells. */
    int parityCell(int row, int parity) {
        return cells() + row * ReedSolomon.PARITIES + parity;
    }

    long parityBytes() {
        return (long) rows * ReedSolomon.PARITIES * cellBytes;
    }

    long headerBytes() {
        return headerBytes(members.size(), cells(), rows);
    }

    private static long headerBytes(long members, long cells, long rows) {
        return FIXED_BYTES
                + members * MEMBER_BYTES
                + (cells + rows * ReedSolomon.PARITIES) * CELL_MAC_BYTES
                + Mac.BYTES;
    }

    /** Bytes of the object. */
    long objectBytes() {
        return 2 * headerBytes() + parityBytes() + Long.BYTES;
    }

    long parityAt(int row, int parity) {
        return headerBytes() + (long) (row * ReedSolomon.PARITIES + parity) * cellBytes;
    }

    void setMac(int cell, Mac mac) {
        MemorySegment macs = MemorySegment.ofArray(cellMacs);
        macs.set(U64, (long) cell * CELL_MAC_BYTES, mac.w0());
        macs.set(U64, (long) cell * CELL_MAC_BYTES + Long.BYTES, mac.w1());
    }

    boolean hasMac(int cell, Mac mac) {
        MemorySegment macs = MemorySegment.ofArray(cellMacs);
        return macs.get(U64, (long) cell * CELL_MAC_BYTES) == mac.w0()
                && macs.get(U64, (long) cell * CELL_MAC_BYTES + Long.BYTES) == mac.w1();
    }

    /** The MAC of what is in a cell, at this place of this object and no other. */
    Mac macOf(int cell, MemorySegment content, MacHasher hasher) {
        byte[] place = new byte[Long.BYTES + Mac.BYTES + Integer.BYTES];
        MemorySegment segment = MemorySegment.ofArray(place);
        segment.set(U64, 0, MAGIC);
        name.write(segment, Long.BYTES);
        segment.set(U32, Long.BYTES + Mac.BYTES, cell);
        hasher.update(segment);
        hasher.update(content);
        return hasher.finish();
    }

    byte[] encodeHeader(MacHasher hasher) {
        byte[] header = new byte[Math.toIntExact(headerBytes())];
        MemorySegment out = MemorySegment.ofArray(header);
        out.set(U64, 0, MAGIC);
        out.set(U32, 8, VERSION);
        out.set(U32, 12, percent);
        out.set(U32, 16, cellBytes);
        out.set(U32, 20, rows);
        out.set(U32, 24, members.size());
        out.set(U32, 28, cells());
        long at = FIXED_BYTES;
        for (Member member : members) {
            member.packfile().write(out, at);
            out.set(U64, at + Mac.BYTES, member.length());
            at += MEMBER_BYTES;
        }
        MemorySegment.copy(cellMacs, 0, out, ValueLayout.JAVA_BYTE, at, cellMacs.length);
        headerMac(name, out, hasher).write(out, at + cellMacs.length);
        return header;
    }

    static Mac headerMac(Mac name, MemorySegment header, MacHasher hasher) {
        byte[] own = name.toBytes();
        hasher.update(MemorySegment.ofArray(own));
        hasher.update(header.asSlice(0, header.byteSize() - Mac.BYTES));
        return hasher.finish();
    }

    /** The last eight bytes of the object. */
    byte[] encodeTrailer() {
        byte[] trailer = new byte[Long.BYTES];
        MemorySegment.ofArray(trailer).set(U64, 0, headerBytes());
        return trailer;
    }

    /**
     * Reads and verifies the header of a parity object, or the second copy of it.
     *
     * @throws CorruptDataException when neither can be used
     * @throws UnsupportedVersionException when it was made by a newer program
     */
    static ParityFile load(Repository repository, Mac name) throws IOException {
        Storage storage = repository.storage();
        long size = storage.size(ObjectKind.PARITY, name);
        if (size < 2 * FIXED_BYTES) {
            throw new CorruptDataException("it has " + size + " bytes only");
        }
        byte[] fixed = new byte[FIXED_BYTES];
        MacHasher hasher = repository.keys().newMacHasher();
        boolean isNewer = false;
        String problem;
        try {
            storage.read(ObjectKind.PARITY, name, 0, MemorySegment.ofArray(fixed));
            MemorySegment first = MemorySegment.ofArray(fixed);
            isNewer = first.get(U64, 0) == MAGIC && Integer.compareUnsigned(first.get(U32, 8), VERSION) > 0;
            long length = headerBytes(
                    Integer.toUnsignedLong(first.get(U32, 24)),
                    Integer.toUnsignedLong(first.get(U32, 28)),
                    Integer.toUnsignedLong(first.get(U32, 20)));
            return read(storage, name, 0, length, size, hasher);
        } catch (CorruptDataException e) {
            problem = String.valueOf(e.getMessage());
        }
        try {
            byte[] trailer = new byte[Long.BYTES];
            storage.read(ObjectKind.PARITY, name, size - Long.BYTES, MemorySegment.ofArray(trailer));
            long length = MemorySegment.ofArray(trailer).get(U64, 0);
            return read(storage, name, size - Long.BYTES - length, length, size, hasher);
        } catch (CorruptDataException e) {
            if (isNewer) {
                throw new UnsupportedVersionException(
                        "parity " + name.hex() + " was made by a newer version of Armoire, and is left alone");
            }
            throw new CorruptDataException("both copies of its header are damaged: " + problem, e);
        }
    }

    /** Whether both copies of the header, of which {@link #load} asks for one, are what they were, and the length behind them. */
    boolean isHeaderWhole(Storage storage) throws IOException {
        byte[] first = new byte[Math.toIntExact(headerBytes())];
        byte[] second = new byte[first.length + Long.BYTES];
        try {
            storage.read(ObjectKind.PARITY, name, 0, MemorySegment.ofArray(first));
            storage.read(ObjectKind.PARITY, name, objectBytes() - second.length, MemorySegment.ofArray(second));
        } catch (EOFException e) {
            return false;
        }
        return Arrays.equals(first, 0, first.length, second, 0, first.length)
                && MemorySegment.ofArray(second).get(U64, first.length) == first.length;
    }

    private static ParityFile read(Storage storage, Mac name, long at, long length, long size, MacHasher hasher)
            throws IOException {
        if (length < FIXED_BYTES + Mac.BYTES || length > MAX_HEADER_BYTES || length > size / 2 || at < 0) {
            throw new CorruptDataException("a header of " + Long.toUnsignedString(length) + " bytes cannot be");
        }
        byte[] bytes = new byte[(int) length];
        MemorySegment header = MemorySegment.ofArray(bytes);
        try {
            storage.read(ObjectKind.PARITY, name, at, header);
        } catch (EOFException e) {
            throw new CorruptDataException("it was cut short", e);
        }
        if (!headerMac(name, header, hasher).equals(Mac.read(header, length - Mac.BYTES))) {
            throw new CorruptDataException("the MAC of its header differs");
        }
        ParityFile file = parse(name, header);
        if (file.headerBytes() != length || file.objectBytes() != size) {
            throw new CorruptDataException("it has " + size + " bytes, expected " + file.objectBytes());
        }
        return file;
    }

    /** In a store without encryption anybody can make a MAC: what it says is believed no further than it can be so. */
    private static ParityFile parse(Mac name, MemorySegment header) {
        int version = header.get(U32, 8);
        if (header.get(U64, 0) != MAGIC || version != VERSION) {
            throw new CorruptDataException("it is no parity of version " + VERSION);
        }
        int percent = header.get(U32, 12);
        int cellBytes = header.get(U32, 16);
        int rows = header.get(U32, 20);
        int count = header.get(U32, 24);
        long cells = Integer.toUnsignedLong(header.get(U32, 28));
        boolean isPossible = percent >= Parity.MIN_PERCENT
                && percent <= Parity.MAX_PERCENT
                && Integer.bitCount(cellBytes) == 1
                && cellBytes >= MIN_CELL_BYTES
                && cellBytes <= MAX_CELL_BYTES
                && rows >= 1
                && rows <= MAX_ROWS
                && count >= 1
                && cells <= (long) rows * ReedSolomon.MAX_COLUMNS
                && headerBytes(Integer.toUnsignedLong(count), cells, rows) == header.byteSize();
        if (!isPossible) {
            throw new CorruptDataException("its header says what cannot be");
        }
        List<Member> members = new ArrayList<>();
        long counted = 0;
        for (int i = 0; i < count; i++) {
            long at = FIXED_BYTES + (long) i * MEMBER_BYTES;
            long length = header.get(U64, at + Mac.BYTES);
            if (length < 1 || length > MAX_MEMBER_BYTES) {
                throw new CorruptDataException("its header says what cannot be");
            }
            members.add(new Member(Mac.read(header, at), length));
            counted += cellsOf(length, cellBytes);
        }
        if (counted != cells) {
            throw new CorruptDataException("its header says what cannot be");
        }
        ParityFile file = new ParityFile(name, percent, cellBytes, rows, members);
        MemorySegment.copy(
                header,
                ValueLayout.JAVA_BYTE,
                FIXED_BYTES + (long) count * MEMBER_BYTES,
                file.cellMacs,
                0,
                file.cellMacs.length);
        return file;
    }
}
