// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;

/**
 * Finds where content is cut into chunks: FastCDC as Kloset defines it (format 1 §17.2 and §17.3). Owns a small scratch
 * array, so one thread at a time; {@link #cut} keeps nothing from call to call.
 *
 * <p>The fingerprint is {@code fp = (fp << 1) + G[byte]} modulo 2^64: a byte is shifted out after 64 steps. A stretch in
 * the middle of a scan can therefore start on its own after a warm-up of 63 bytes, and three such stretches are scanned
 * side by side, since a single one leaves the CPU waiting for its own last addition. The earliest hit is the cut, exactly
 * as if one loop had run over all bytes.
 */
public final class Chunker {
    private static final String SUPPORTED = "fastcdc, kfastcdc (without a key), fastcdc-v1.0.0";

    private static final int DEFAULT_MIN = 2048;
    private static final int DEFAULT_NORMAL = 8192;
    private static final int DEFAULT_MAX = 65536;
    private static final long LEGACY_MASK_S = 0x0003590703530000L;
    private static final long LEGACY_MASK_L = 0x0000D90003530000L;

    /** Bytes before a position that its fingerprint depends on, besides its own. */
    private static final int WARM_UP = 63;

    /** Bytes of one stretch: odd, so that three of them never collide in the cache, and half an L1 holds them. */
    private static final int LONGEST_STRETCH = 5333;

    private static final int SHORTEST_STRETCH = 341;

    private final String algorithm;
    private final int minSize;
    private final int normalSize;
    private final int maxSize;
    private final long maskS;
    private final long maskL;
    private final int stretch;
    private final byte[] scratch;
    private long fingerprint;

    private Chunker(String algorithm, int minSize, int normalSize, int maxSize, long maskS, long maskL) {
        this.algorithm = algorithm;
        this.minSize = minSize;
        this.normalSize = normalSize;
        this.maxSize = maxSize;
        this.maskS = maskS;
        this.maskL = maskL;
        // A hit wastes about one and a half stretches of work: keep that near a twentieth of a usual scan.
        long usualScan = Math.min(1L << Long.bitCount(maskS), maxSize);
        this.stretch = Math.clamp(usualScan / 32, SHORTEST_STRETCH, LONGEST_STRETCH);
        this.scratch = new byte[3 * stretch];
    }

    /**
     * A chunker for an algorithm and sizes as a repository's CONFIG names them.
     *
     * @param algorithm {@code fastcdc}, {@code kfastcdc} or {@code fastcdc-v1.0.0}, in any case
     * @param min bytes that are never cut nor hashed, 0 for the default
     * @param normal bytes after which a cut becomes more likely, 0 for the default
     * @param max most bytes of a chunk, 0 for the default
     * @throws IllegalArgumentException if the algorithm is not one of those, or not {@code 0 < min < normal < max}
     */
    public static Chunker of(String algorithm, int min, int normal, int max) {
        String name = algorithm.toLowerCase(Locale.ROOT);
        int minSize = min == 0 ? DEFAULT_MIN : min;
        int normalSize = normal == 0 ? DEFAULT_NORMAL : normal;
        int maxSize = max == 0 ? DEFAULT_MAX : max;
        boolean defaults = minSize == DEFAULT_MIN && normalSize == DEFAULT_NORMAL && maxSize == DEFAULT_MAX;
        boolean legacyMasks = switch (name) {
            case "fastcdc", "kfastcdc" -> true;
            case "fastcdc-v1.0.0" -> defaults;
            default ->
                throw new IllegalArgumentException(
                        "chunking algorithm \"" + algorithm + "\" is not supported; supported are " + SUPPORTED);
        };
        if (minSize <= 0 || minSize >= normalSize || normalSize >= maxSize) {
            throw new IllegalArgumentException("chunk sizes must be 0 < min < normal < max, found min " + minSize
                    + ", normal " + normalSize + ", max " + maxSize);
        }
        if (legacyMasks) {
            return new Chunker(name, minSize, normalSize, maxSize, LEGACY_MASK_S, LEGACY_MASK_L);
        }
        int bits = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(normalSize);
        return new Chunker(name, minSize, normalSize, maxSize, spreadMask(bits + 2), spreadMask(bits - 2));
    }

    /** The algorithm's name, in lower case. */
    public String algorithm() {
        return algorithm;
    }

    /** Bytes at the start of a chunk that are never cut nor hashed. */
    public int minSize() {
        return minSize;
    }

    /** Bytes after which a cut becomes more likely. */
    public int normalSize() {
        return normalSize;
    }

    /** Most bytes of a chunk, and the bytes {@link #cut} wants to see. */
    public int maxSize() {
        return maxSize;
    }

    /**
     * Length in bytes of the chunk that starts the window.
     *
     * @param window the next bytes of the stream, borrowed for the call: {@link #maxSize()} of them, fewer only where the
     *     stream ends; more are ignored
     */
    public long cut(MemorySegment window) {
        long available = window.byteSize();
        if (available <= minSize) {
            return available;
        }
        int end = (int) Math.min(available, maxSize);
        int normal = Math.min(normalSize, end);
        fingerprint = 0;
        int hit = scan(window, minSize, normal, maskS);
        if (hit < 0) {
            hit = scan(window, normal, end, maskL);
        }
        return hit < 0 ? end : hit;
    }

    /** First position of [from, to) whose fingerprint the mask accepts, or -1; goes on from {@link #fingerprint}. */
    private int scan(MemorySegment window, int from, int to, long mask) {
        int position = from;
        while (position < to) {
            int length = Math.min(scratch.length, to - position);
            // C2 keeps bounds and liveness checks of a segment inside the loop; a copy within L1 costs far less.
            MemorySegment.copy(window, ValueLayout.JAVA_BYTE, position, scratch, 0, length);
            int hit = length == scratch.length ? scanThree(mask) : scanOne(0, length, mask);
            if (hit >= 0) {
                return position + hit;
            }
            position += length;
        }
        return -1;
    }

    /** Scans the whole scratch as three stretches side by side. */
    private int scanThree(long mask) {
        byte[] bytes = scratch;
        int second = bytes.length / 3;
        int third = 2 * second;
        long f = fingerprint;
        long f2 = warmUp(second);
        long f3 = warmUp(third);
        int i = 0;
        for (; i < second; i++) {
            f = (f << 1) + GearTable.GEAR[bytes[i] & 0xFF];
            f2 = (f2 << 1) + GearTable.GEAR[bytes[i + second] & 0xFF];
            f3 = (f3 << 1) + GearTable.GEAR[bytes[i + third] & 0xFF];
            if ((f & mask) == 0) {
                return i;
            }
            if ((f2 & mask) == 0 || (f3 & mask) == 0) {
                break;
            }
        }
        if (i == second) {
            fingerprint = f3;
            return -1;
        }
        // A later stretch was hit: the earliest hit may still lie in what the earlier ones have not seen.
        fingerprint = f;
        int hit = scanOne(i + 1, second, mask);
        if (hit >= 0) {
            return hit;
        }
        if ((f2 & mask) == 0) {
            return second + i;
        }
        fingerprint = f2;
        hit = scanOne(second + i + 1, third, mask);
        return hit >= 0 ? hit : third + i;
    }

    private int scanOne(int from, int to, long mask) {
        byte[] bytes = scratch;
        long f = fingerprint;
        for (int i = from; i < to; i++) {
            // Written as a shift and an addition: C2 makes one `lea` of it, which it does not of f + f + g.
            f = (f << 1) + GearTable.GEAR[bytes[i] & 0xFF];
            if ((f & mask) == 0) {
                return i;
            }
        }
        fingerprint = f;
        return -1;
    }

    /** The fingerprint just before {@code position}, from the bytes that it still depends on. */
    private long warmUp(int position) {
        long f = 0;
        for (int i = position - WARM_UP; i < position; i++) {
            f = (f << 1) + GearTable.GEAR[scratch[i] & 0xFF];
        }
        return f;
    }

    /** {@code ones} bits spread evenly from the top. */
    private static long spreadMask(int ones) {
        int step = Long.SIZE / ones;
        long mask = 0;
        for (int i = 0; i < ones; i++) {
            mask |= 1L << (Long.SIZE - 1 - i * step);
        }
        return mask;
    }
}
