// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Finds where content is cut into chunks, by any algorithm of go-cdc-chunkers and with exactly its cut points (format 1
 * §17). Chunks stay where they are: a chunker only looks at them and answers with a length. It keeps nothing from call to
 * call but may own scratch memory, so one thread at a time uses it.
 */
public abstract sealed class Chunker permits FastCdcChunker, JcChunker, UltraCdcChunker, FixedChunker {
    private static final String SUPPORTED =
            "fastcdc, kfastcdc, fastcdc-v1.0.0, jc, jc-v1.0.0, jc-v1.1.0, ultracdc, ultracdc-v1.0.0, fixed-v1.0.0";

    static final int DEFAULT_MIN = 2048;
    static final int DEFAULT_NORMAL = 8192;
    static final int DEFAULT_MAX = 65536;

    private static final int DEFAULT_NORMAL_OF_ULTRACDC = 10240;
    private static final int DEFAULT_FIXED = 65536;

    private final String algorithm;
    final int minSize;
    final int normalSize;
    final int maxSize;

    Chunker(Sizes sizes) {
        this.algorithm = sizes.algorithm;
        this.minSize = sizes.min;
        this.normalSize = sizes.normal;
        this.maxSize = sizes.max;
    }

    /** What CONFIG says about chunking, with defaults filled in. */
    record Sizes(String algorithm, int min, int normal, int max) {
        /** Whether the library takes masks from a paper instead of computing them. */
        boolean areDefaults() {
            return min == DEFAULT_MIN && normal == DEFAULT_NORMAL && max == DEFAULT_MAX;
        }

        /** Number of the highest bit of the normal size. */
        int normalBits() {
            return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(normal);
        }
    }

    /**
     * A chunker for an algorithm and sizes as a repository's CONFIG names them.
     *
     * @param algorithm {@code fastcdc}, {@code kfastcdc}, {@code fastcdc-v1.0.0}, {@code jc}, {@code jc-v1.0.0},
     *     {@code jc-v1.1.0}, {@code ultracdc}, {@code ultracdc-v1.0.0} or {@code fixed-v1.0.0}, in any case
     * @param min bytes that are never cut, 0 for the default; {@code fixed-v1.0.0} ignores it
     * @param normal bytes after which a cut becomes more likely, 0 for the default; the size of {@code fixed-v1.0.0}
     * @param max most bytes of a chunk, 0 for the default; {@code fixed-v1.0.0} ignores it
     * @throws IllegalArgumentException if the algorithm is not one of those, or not {@code 0 < min < normal < max}, or the
     *     algorithm has no meaning for such sizes
     */
    public static Chunker of(String algorithm, int min, int normal, int max) {
        return of(algorithm, min, normal, max, null, GearForm.ofProcess());
    }

    /**
     * A chunker whose cuts nobody without the key can foretell (format 1 §17.6). Algorithms without a Gear table ignore it,
     * as the library does: {@code ultracdc}, {@code ultracdc-v1.0.0} and {@code fixed-v1.0.0}.
     *
     * @param key32 32 bytes, borrowed for the call; a table derived from it lives as long as the chunker
     * @throws IllegalArgumentException as {@link #of}, or if the key has another length
     */
    public static Chunker keyed(String algorithm, int min, int normal, int max, byte[] key32) {
        return of(algorithm, min, normal, max, GearTable.keyed(key32), GearForm.ofProcess());
    }

    /** A chunker with a Gear table of its own, or the library's for null, and a scan of the given form. */
    static Chunker of(String algorithm, int min, int normal, int max, long @Nullable [] keyedTable, GearForm form) {
        String name = algorithm.toLowerCase(Locale.ROOT);
        long[] table = keyedTable == null ? GearTable.GEAR : keyedTable;
        return switch (name) {
            case "fastcdc", "kfastcdc", "fastcdc-v1.0.0" ->
                new FastCdcChunker(sizes(name, min, normal, DEFAULT_NORMAL, max), table, form);
            case "jc", "jc-v1.0.0", "jc-v1.1.0" ->
                new JcChunker(sizes(name, min, normal, DEFAULT_NORMAL, max), table, form);
            case "ultracdc", "ultracdc-v1.0.0" ->
                new UltraCdcChunker(sizes(name, min, normal, DEFAULT_NORMAL_OF_ULTRACDC, max));
            case "fixed-v1.0.0" -> {
                int size = normal == 0 ? DEFAULT_FIXED : normal;
                yield new FixedChunker(new Sizes(name, size, size, size));
            }
            default ->
                throw new IllegalArgumentException(
                        "chunking algorithm \"" + algorithm + "\" is not supported; supported are " + SUPPORTED);
        };
    }

    private static Sizes sizes(String algorithm, int min, int normal, int defaultNormal, int max) {
        var sizes = new Sizes(
                algorithm,
                min == 0 ? DEFAULT_MIN : min,
                normal == 0 ? defaultNormal : normal,
                max == 0 ? DEFAULT_MAX : max);
        if (sizes.min <= 0 || sizes.min >= sizes.normal || sizes.normal >= sizes.max) {
            throw new IllegalArgumentException("chunk sizes must be 0 < min < normal < max, found min " + sizes.min
                    + ", normal " + sizes.normal + ", max " + sizes.max);
        }
        return sizes;
    }

    /** The algorithm's name, in lower case. */
    public final String algorithm() {
        return algorithm;
    }

    /** Bytes at the start of a chunk that are never cut. */
    public final int minSize() {
        return minSize;
    }

    /** Bytes after which a cut becomes more likely. */
    public final int normalSize() {
        return normalSize;
    }

    /** Most bytes of a chunk, and the bytes {@link #cut} wants to see. */
    public final int maxSize() {
        return maxSize;
    }

    /**
     * Length in bytes of the chunk that starts the window.
     *
     * @param window the next bytes of the stream, borrowed for the call: {@link #maxSize()} of them, fewer only where the
     *     stream ends; more are ignored
     */
    public abstract long cut(MemorySegment window);

    /**
     * Whether {@link #cut} of the window would give {@code length}, when the window is known to start with a chunk of that
     * length: what an equal chunker once cut out of a stream that began the same. Its bytes are proven equal by the caller
     * (same MAC), so no earlier cut is possible, and what remains to be seen is a few bytes around its end: 64 for FastCDC,
     * about 200 for JC, at most 520 for UltraCDC.
     *
     * <p>If bytes follow the chunk in the window but none did in the stream it is from, then it ended for want of bytes,
     * and only FastCDC can still tell: with the other algorithms the caller must {@link #cut}.
     *
     * @param window as for {@link #cut}
     * @param length bytes of the known chunk, at most those of the window
     * @throws IndexOutOfBoundsException if the window is shorter than the chunk
     */
    public final boolean cutsAt(MemorySegment window, long length) {
        long available = window.byteSize();
        if (length < 0 || length > available) {
            throw new IndexOutOfBoundsException("a chunk of " + length + " bytes in a window of " + available);
        }
        long end = Math.min(available, maxSize);
        return length == end || length < end && stillCutsAt(window, length, end);
    }

    /** {@link #cutsAt} where bytes follow: {@code length < end <= maxSize}. */
    abstract boolean stillCutsAt(MemorySegment window, long length, long end);
}
