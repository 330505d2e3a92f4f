// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;

/**
 * Writes the stream of one state, version 1.1.0 (format 1 §10.1). Entries have to come in the order deletions, locations,
 * colours, packfiles: Plakar applies them as they stand. Owns its memory. For one thread.
 */
public final class StateStreamWriter implements AutoCloseable {
    private final ScratchBuffer out = new ScratchBuffer();
    private MemorySegment segment;
    private long position;
    private int lastRank;

    /** A stream of no entries yet; {@code parent} is the newest state that was merged before, zero if none. */
    public StateStreamWriter(Mac parent) {
        segment = out.start(Mac.BYTES);
        parent.write(segment, 0);
        position = Mac.BYTES;
    }

    /** Takes back a location. */
    public void deleteLocation(int blobType, Mac blob, Mac packfile) {
        delete(StateStream.LOCATIONS, blobType, blob, packfile);
    }

    /** Takes back a colour. */
    public void deleteColoured(int type, Mac mac) {
        delete(StateStream.COLOURED, type, mac, Mac.ZERO);
    }

    /** Takes back a packfile and with it all locations in it, for ever. */
    public void deletePackfile(Mac packfile) {
        delete(StateStream.PACKFILE, 0, Mac.ZERO, packfile);
    }

    /**
     * A blob, with the current version of its type.
     *
     * @param offset bytes from the start of the packfile's payload
     * @param lengthBytes encoded length, below 2^32
     */
    public void location(int blobType, Mac blob, Mac packfile, long offset, long lengthBytes) {
        if (lengthBytes >>> 32 != 0) {
            throw new IllegalArgumentException("a blob has fewer than 2^32 bytes, not " + lengthBytes);
        }
        long body = entry(1, StateStream.LOCATIONS, StateStream.LOCATIONS_BYTES);
        segment.set(JAVA_BYTE, body, blobType(blobType));
        segment.set(StateStream.U32, body + 1, ResourceType.currentVersion(blobType));
        blob.write(segment, body + 5);
        packfile.write(segment, body + 37);
        segment.set(StateStream.U64, body + 69, offset);
        segment.set(StateStream.U32, body + 77, (int) lengthBytes);
        segment.set(StateStream.U32, body + 81, 0);
    }

    /** Removes a snapshot, or hides a packfile until it is deleted. */
    public void coloured(int type, Mac mac, long whenNanos) {
        long body = entry(2, StateStream.COLOURED, StateStream.COLOURED_BYTES);
        segment.set(JAVA_BYTE, body, blobType(type));
        mac.write(segment, body + 1);
        segment.set(StateStream.U64, body + 33, whenNanos);
    }

    /** A packfile of the store; {@code state} has to be the name this very state will be stored under. */
    public void packfile(Mac packfile, Mac state, long whenNanos) {
        long body = entry(3, StateStream.PACKFILE, StateStream.PACKFILE_BYTES);
        packfile.write(segment, body);
        state.write(segment, body + 32);
        segment.set(StateStream.U64, body + 64, whenNanos);
    }

    /**
     * Ends the stream.
     *
     * @param timestampNanos when the delta was begun, since 1970 UTC
     * @param serial 16 bytes that no reader uses; the repository id is a good choice
     * @return the whole stream, valid until this writer is closed
     */
    public MemorySegment finish(long timestampNanos, byte[] serial) {
        if (serial.length != StateStream.SERIAL_BYTES) {
            throw new IllegalArgumentException("a serial has 16 bytes, not " + serial.length);
        }
        rank(4);
        segment = out.grow(position + StateStream.TRAILER_BYTES, position);
        segment.set(JAVA_BYTE, position, (byte) StateStream.METADATA);
        segment.set(StateStream.U32, position + 1, Version.V1_1_0);
        segment.set(StateStream.U64, position + 5, timestampNanos);
        MemorySegment.copy(serial, 0, segment, JAVA_BYTE, position + 13, serial.length);
        position += StateStream.TRAILER_BYTES;
        lastRank = 5;
        return segment.asSlice(0, position).asReadOnly();
    }

    private void delete(int entryType, int blobType, Mac blob, Mac packfile) {
        long body = entry(0, StateStream.DELETE, StateStream.DELETE_BYTES);
        segment.set(JAVA_BYTE, body, (byte) entryType);
        segment.set(JAVA_BYTE, body + 1, blobType(blobType));
        blob.write(segment, body + 2);
        packfile.write(segment, body + 34);
    }

    private long entry(int rank, int type, int bytes) {
        rank(rank);
        long body = position + StateStream.ENTRY_HEADER_BYTES;
        segment = out.grow(body + bytes, position);
        segment.set(JAVA_BYTE, position, (byte) type);
        segment.set(StateStream.U32, position + 1, bytes);
        position = body + bytes;
        return body;
    }

    private void rank(int rank) {
        if (rank < lastRank) {
            throw new IllegalStateException(
                    "entries of a state come in the order deletions, locations, colours, packfiles, trailer");
        }
        lastRank = rank;
    }

    private static byte blobType(int type) {
        if (type < 0 || type > 0xff) {
            throw new IllegalArgumentException("a state has one byte for a resource type, " + type + " does not fit");
        }
        return (byte) type;
    }

    @Override
    public void close() {
        out.close();
    }
}
