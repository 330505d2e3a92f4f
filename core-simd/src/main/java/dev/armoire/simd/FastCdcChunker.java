// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/**
 * FastCDC (format 1 §17.3): the first {@code minSize} bytes are neither cut nor hashed, then a cut is where the Gear
 * fingerprint has no bit of a mask, a mask with fewer bits from {@code normalSize} on.
 */
final class FastCdcChunker extends Chunker {
    private static final long LEGACY_MASK_S = 0x0003590703530000L;
    private static final long LEGACY_MASK_L = 0x0000D90003530000L;

    private final GearScan small;
    private final GearScan large;

    FastCdcChunker(Sizes sizes, long[] table, GearForm form) {
        super(sizes);
        boolean legacyMasks = !sizes.algorithm().equals("fastcdc-v1.0.0") || sizes.areDefaults();
        long maskS = legacyMasks ? LEGACY_MASK_S : GearScan.spreadMask(sizes.normalBits() + 2);
        long maskL = legacyMasks ? LEGACY_MASK_L : GearScan.spreadMask(sizes.normalBits() - 2);
        this.small = form.scan(table, maskS);
        this.large = form.scan(table, maskL);
    }

    @Override
    public long cut(MemorySegment window) {
        long end = Math.min(window.byteSize(), maxSize);
        if (end <= minSize) {
            return end;
        }
        long normal = Math.min(normalSize, end);
        long hit = small.first(window, minSize, minSize, normal);
        return hit < normal ? hit : large.first(window, minSize, normal, end);
    }

    /** Which mask counts at a position does not depend on where the stream ends, so one fingerprint decides. */
    @Override
    boolean stillCutsAt(MemorySegment window, long length, long end) {
        if (length < minSize) {
            return false;
        }
        GearScan scan = length < normalSize ? small : large;
        return scan.first(window, minSize, length, length + 1) == length;
    }
}
