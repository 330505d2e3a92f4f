// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.UnsupportedVersionException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What every object of a store is wrapped in (format 1 §3), little-endian.
 *
 * <pre>
 *  0          8      12        16          16+n     48+n
 *  | _KLOSET_ | type | version | payload (n) | MAC over all before |
 * </pre>
 *
 * @param type resource type of the object
 * @param version its version, not newer than this program knows
 * @param payload a slice of the object, valid as long as it
 */
public record Envelope(int type, int version, MemorySegment payload) {
    /** Bytes before the payload. */
    public static final int HEADER_BYTES = 16;

    /** Bytes of header and MAC together. */
    public static final int OVERHEAD_BYTES = HEADER_BYTES + Mac.BYTES;

    private static final ValueLayout.OfLong MAGIC = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int TYPE_AT = 8;
    private static final int VERSION_AT = 12;

    /** The letters {@code _KLOSET_}. */
    private static final long KLOSET = 0x5f4b_4c4f_5345_545fL;

    /** The letters {@code _PLAKAR_}, written by pre-releases of 2025. */
    private static final long PLAKAR = 0x5f50_4c41_4b41_525fL;

    /** Writes the 16 bytes that come before the payload, with the type's current version. */
    public static void writeHeader(MemorySegment out, int type) {
        out.set(MAGIC, 0, KLOSET);
        out.set(U32, TYPE_AT, type);
        out.set(U32, VERSION_AT, ResourceType.currentVersion(type));
    }

    /** Wraps a payload into an object allocated from {@code arena}. */
    public static MemorySegment wrap(int type, MemorySegment payload, MacHasher hasher, Arena arena) {
        MemorySegment object = arena.allocate(payload.byteSize() + OVERHEAD_BYTES);
        writeHeader(object, type);
        MemorySegment.copy(payload, 0, object, HEADER_BYTES, payload.byteSize());
        long macAt = HEADER_BYTES + payload.byteSize();
        hasher.mac(object.asSlice(0, macAt)).write(object, macAt);
        return object;
    }

    /**
     * Checks all of an object and unwraps it.
     *
     * @param name names the object in error messages, such as a file name
     * @throws CorruptDataException when it is not an object of that type or its MAC differs
     * @throws UnsupportedVersionException when it is newer than this program
     */
    public static Envelope open(MemorySegment object, int type, MacHasher hasher, String name) {
        Envelope envelope = openUnverified(object, type, name);
        long macAt = object.byteSize() - Mac.BYTES;
        verify(object, hasher.mac(object.asSlice(0, macAt)), name);
        return envelope;
    }

    /** As {@link #open}, without the MAC: for CONFIG, which holds what the key is made from. */
    static Envelope openUnverified(MemorySegment object, int type, String name) {
        if (object.byteSize() < OVERHEAD_BYTES) {
            throw new CorruptDataException(name + " has " + object.byteSize() + " bytes, a stored object at least "
                    + OVERHEAD_BYTES + ": it was cut short");
        }
        int version = checkHeader(object, type, name);
        return new Envelope(type, version, object.asSlice(HEADER_BYTES, object.byteSize() - OVERHEAD_BYTES));
    }

    /** Checks the first 16 bytes of an object of which only a part is at hand, and gives its version. */
    public static int checkHeader(MemorySegment object, int type, String name) {
        if (object.byteSize() < HEADER_BYTES) {
            throw new CorruptDataException(name + " has " + object.byteSize() + " bytes, its header alone 16");
        }
        // Through a buffer: what reads segments takes milliseconds to put together in a process that has just begun.
        ByteBuffer header = ByteBuffer.wrap(object.asSlice(0, HEADER_BYTES).toArray(JAVA_BYTE));
        long magic = header.getLong(0);
        if (magic != KLOSET && magic != PLAKAR) {
            throw new CorruptDataException(
                    name + " does not start with _KLOSET_: it is damaged, or no object of a store");
        }
        int found = header.order(ByteOrder.LITTLE_ENDIAN).getInt(TYPE_AT);
        if (found != type) {
            throw new CorruptDataException(
                    name + " is a " + ResourceType.name(found) + ", expected a " + ResourceType.name(type));
        }
        int version = header.getInt(VERSION_AT);
        int known = ResourceType.currentVersion(type);
        if (Version.isNewer(version, known)) {
            throw new UnsupportedVersionException(name + " is a " + ResourceType.name(type) + " of version "
                    + Version.toString(version) + ", known up to " + Version.toString(known)
                    + "; this store needs a newer program");
        }
        return version;
    }

    static void verify(MemorySegment object, Mac computed, String name) {
        Mac stored = Mac.read(object, object.byteSize() - Mac.BYTES);
        if (!computed.equals(stored)) {
            throw new CorruptDataException(name + " has the MAC " + computed.shortHex() + ", but says "
                    + stored.shortHex() + ": it was changed after it was written, or belongs to another store; run"
                    + " `check` to learn what depends on it");
        }
    }
}
