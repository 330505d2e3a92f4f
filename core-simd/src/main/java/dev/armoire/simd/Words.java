// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/**
 * Words that Java code reaches as an array and machine code as a segment.
 *
 * @param bytes the memory of {@code array}
 */
record Words(int[] array, MemorySegment bytes) {
    static Words of(int... array) {
        return new Words(array, MemorySegment.ofArray(array));
    }
}
