// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.UnsupportedVersionException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The stream inside a state file (format 1 §10.1), little-endian.
 *
 * <pre>
 *  version 1.1.0: | parent (32) | entry* | trailer |        1.0.0: | entry* | trailer |
 *
 *  entry: | type | length (4) | body |
 *  2 LOCATIONS  (85) | blob type | version (4) | blob MAC (32) | packfile (32) | offset (8) | length (4) | flags (4) |
 *  3 COLOURED   (41) | type | MAC (32) | when (8, ns) |
 *  4 PACKFILE   (72) | packfile (32) | state (32) | when (8, ns) |
 *  5 CONFIGURATION   | key and value | created (8, ns) |       read over, never written: Plakar cannot merge it
 *  6 DELETE     (66) | entry type | blob type | blob MAC (32) | packfile (32) |
 *
 *  trailer: | 1 | version (4) | timestamp (8, ns) | serial (16) |
 * </pre>
 */
public final class StateStream {
    static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Entry types, also the first byte of a DELETE's body. */
    public static final int METADATA = 1;

    public static final int LOCATIONS = 2;
    public static final int COLOURED = 3;
    public static final int PACKFILE = 4;
    public static final int CONFIGURATION = 5;
    public static final int DELETE = 6;

    static final int ENTRY_HEADER_BYTES = 5;
    static final int LOCATIONS_BYTES = 85;
    static final int COLOURED_BYTES = 41;
    static final int PACKFILE_BYTES = 72;
    static final int DELETE_BYTES = 66;
    static final int TRAILER_BYTES = 29;
    static final int SERIAL_BYTES = 16;

    private StateStream() {}

    /**
     * Receives the entries of a state in their order. MACs come as places in the stream, to be read with
     * {@link Mac#read}: half a million entries should cost no object that nobody keeps. The stream, or the part of it that is at
     * hand, is borrowed for the call.
     */
    public interface Visitor {
        /** The state this one builds on, zero if none. Comes first, and only in version 1.1.0. */
        default void parent(Mac parent) {}

        /**
         * A blob is in a packfile.
         *
         * @param offset bytes from the start of the packfile's payload; not checked against anything
         * @param lengthBytes encoded length, 0 to 2^32 - 1
         */
        default void location(
                int blobType,
                int version,
                MemorySegment stream,
                long blobMacAt,
                long packfileMacAt,
                long offset,
                long lengthBytes) {}

        /** A snapshot is removed, or a packfile is hidden and waits for its deletion. */
        default void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {}

        /** A packfile belongs to the store. */
        default void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {}

        /** An earlier entry is taken back; {@code entryType} is LOCATIONS, COLOURED or PACKFILE. */
        default void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {}

        /** Comes last; {@code serialAt} is the place of its 16 bytes. */
        default void trailer(int version, long timestampNanos, MemorySegment stream, long serialAt) {}
    }

    /**
     * Reads a whole stream.
     *
     * @throws CorruptDataException as {@link Reader#take} does
     * @throws UnsupportedVersionException as making a {@link Reader} does
     */
    public static void read(MemorySegment stream, int version, String name, Visitor visitor) {
        var _ = new Reader(version, name, visitor).take(stream, true);
    }

    /** Reads one stream, which may come in parts. */
    public static final class Reader implements DecodedParts {
        private final boolean isCurrent;
        private final String name;
        private final Visitor visitor;
        /** Bytes of the stream that came before the part that is being read. */
        private long before;

        private boolean hasTrailer;

        /**
         * Has read nothing yet.
         *
         * @param version of the envelope the stream came in: 1.1.0 has a parent and deletions, anything older has not
         * @param name names the state in error messages
         * @throws UnsupportedVersionException when that is newer than this program
         */
        public Reader(int version, String name, Visitor visitor) {
            if (Version.isNewer(version, Version.V1_1_0)) {
                throw new UnsupportedVersionException("state " + name + " has version " + Version.toString(version)
                        + ", known up to 1.1.0; this store needs a newer program");
            }
            this.isCurrent = version == Version.V1_1_0;
            this.name = name;
            this.visitor = visitor;
        }

        /**
         * Reads all entries that are whole.
         *
         * @throws CorruptDataException when an entry has a wrong length or the trailer is missing; what the visitor was
         *     given by then is not to be used
         */
        @Override
        public long take(MemorySegment part, boolean isLast) {
            long position = 0;
            for (long next = 0; next >= 0 && !hasTrailer; ) {
                position = next;
                next = step(part, position);
            }
            if (hasTrailer) {
                return part.byteSize();
            }
            if (isLast) {
                throw cut(part, position);
            }
            before += position;
            return position;
        }

        /** Reads what is at a position, and returns the one behind it, or -1 when not all of it is there. */
        private long step(MemorySegment part, long position) {
            long left = part.byteSize() - position;
            if (isCurrent && before + position == 0) {
                if (left < Mac.BYTES) {
                    return -1;
                }
                visitor.parent(Mac.read(part, 0));
                return Mac.BYTES;
            }
            if (left < ENTRY_HEADER_BYTES) {
                return -1;
            }
            int type = part.get(JAVA_BYTE, position) & 0xff;
            if (type == METADATA) {
                if (left < TRAILER_BYTES) {
                    return -1;
                }
                hasTrailer = true;
                visitor.trailer(part.get(U32, position + 1), part.get(U64, position + 5), part, position + 13);
                return position + TRAILER_BYTES;
            }
            long size = Integer.toUnsignedLong(part.get(U32, position + 1));
            if (size > left - ENTRY_HEADER_BYTES) {
                return -1;
            }
            entry(part, type, position, size);
            return position + ENTRY_HEADER_BYTES + size;
        }

        private void entry(MemorySegment part, int type, long position, long size) {
            long body = position + ENTRY_HEADER_BYTES;
            switch (type) {
                case LOCATIONS -> {
                    check(position, "LOCATIONS", size, LOCATIONS_BYTES);
                    visitor.location(
                            part.get(JAVA_BYTE, body) & 0xff,
                            part.get(U32, body + 1),
                            part,
                            body + 5,
                            body + 37,
                            part.get(U64, body + 69),
                            Integer.toUnsignedLong(part.get(U32, body + 77)));
                }
                case COLOURED -> {
                    check(position, "COLOURED", size, COLOURED_BYTES);
                    visitor.coloured(part.get(JAVA_BYTE, body) & 0xff, part, body + 1, part.get(U64, body + 33));
                }
                case PACKFILE -> {
                    check(position, "PACKFILE", size, PACKFILE_BYTES);
                    visitor.packfile(part, body, body + 32, part.get(U64, body + 64));
                }
                case DELETE -> {
                    // A number that means nothing to version 1.0.0.
                    if (isCurrent) {
                        check(position, "DELETE", size, DELETE_BYTES);
                        int entryType = part.get(JAVA_BYTE, body) & 0xff;
                        if (entryType < LOCATIONS || entryType > PACKFILE) {
                            throw corrupt(position, "it deletes an entry of type " + entryType);
                        }
                        visitor.deleted(entryType, part.get(JAVA_BYTE, body + 1) & 0xff, part, body + 2, body + 34);
                    }
                }
                default -> {
                    // CONFIGURATION has no bearing on anything; what is unknown was meant for others.
                }
            }
        }

        private CorruptDataException cut(MemorySegment part, long position) {
            long left = part.byteSize() - position;
            if (isCurrent && before + position == 0) {
                return corrupt(position, "it ends inside the parent");
            }
            if (left == 0) {
                return corrupt(position, "it ends without a trailer");
            }
            if (part.get(JAVA_BYTE, position) == METADATA) {
                return corrupt(position, "it ends inside the trailer");
            }
            if (left < ENTRY_HEADER_BYTES) {
                return corrupt(position, "it ends inside the header of an entry");
            }
            return corrupt(
                    position,
                    "an entry of " + Integer.toUnsignedLong(part.get(U32, position + 1)) + " bytes, "
                            + (left - ENTRY_HEADER_BYTES) + " left");
        }

        private void check(long at, String entry, long found, int expected) {
            if (found != expected) {
                throw corrupt(at, "a " + entry + " entry of " + found + " bytes, expected " + expected);
            }
        }

        private CorruptDataException corrupt(long at, String problem) {
            return new CorruptDataException("state " + name + ", byte " + (before + at) + ": " + problem
                    + "; it was damaged before it was stored, or is not a state");
        }
    }
}
