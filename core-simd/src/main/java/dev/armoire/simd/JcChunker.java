// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/**
 * JC, chunking with jumps (format 1 §17.4; Jin et al., IEEE TPDS 2023): where the Gear fingerprint has no bit of the jump
 * mask, but one of the cut mask, the scan starts anew a jump further on.
 */
final class JcChunker extends Chunker {
    private static final long PAPER_MASK_C = 0x0000590003570000L;
    private static final int SMALLEST_NORMAL = 4;

    private final GearScan jumps;
    private final GearScan cuts;
    private final long jumpBytes;
    /** Longest end of a stream that is not looked at. */
    private final int wholeSize;

    JcChunker(Sizes sizes, long[] table, GearForm form) {
        super(sizes);
        if (sizes.normal() < SMALLEST_NORMAL) {
            throw new IllegalArgumentException(
                    "JC needs a normal size of " + SMALLEST_NORMAL + " bytes or more, found " + sizes.normal());
        }
        int ones = sizes.normalBits() - 1;
        boolean computedMasks = sizes.algorithm().equals("jc-v1.0.0") && !sizes.areDefaults();
        long maskC = computedMasks ? GearScan.spreadMask(ones) : PAPER_MASK_C;
        this.cuts = form.scan(table, maskC);
        this.jumps = form.scan(table, maskC & (maskC - 1));
        this.jumpBytes = 1L << ones;
        this.wholeSize = sizes.algorithm().equals("jc-v1.1.0") ? sizes.min() : sizes.normal();
    }

    @Override
    public long cut(MemorySegment window) {
        long end = Math.min(window.byteSize(), maxSize);
        if (end <= wholeSize) {
            return end;
        }
        for (long start = minSize; start < end; ) {
            long hit = jumps.first(window, start, start, end);
            if (hit == end || cuts.first(window, start, hit, hit + 1) == hit) {
                return hit;
            }
            start = hit + jumpBytes;
        }
        return end;
    }

    /**
     * The chunk was cut by its content, so its end was not jumped over, and its fingerprint decides. That has the bytes
     * since the last landing; a landing matters in the last {@link GearScan#WARM_UP} bytes only, and comes from a jump in as
     * many bytes one jump earlier. If nothing there looks like a jump, supposing no landings near them either (and so on
     * back to the first bytes), the fingerprint is that of all the bytes before. If something does, which happens once
     * in thousands of chunks with masks for large ones, a scan from the start tells.
     */
    @Override
    boolean stillCutsAt(MemorySegment window, long length, long end) {
        if (length < minSize || end <= wholeSize) {
            return false;
        }
        long reach = GearScan.WARM_UP;
        for (long last = length - jumpBytes; last >= minSize; last -= jumpBytes) {
            long from = Math.max(minSize, last - reach + 1);
            if (jumps.first(window, minSize, from, last + 1) <= last) {
                return cut(window) == length;
            }
            reach += GearScan.WARM_UP;
        }
        return cuts.first(window, minSize, length, length + 1) == length;
    }
}
