// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Memory to decompress into, between two stretches that must stay as they are. */
final class GuardedTarget {
    private static final int GUARD_BYTES = 4096;
    private static final byte GUARD = 0x5a;

    private final MemorySegment all;
    final MemorySegment target;

    GuardedTarget(long length, Arena arena) {
        all = arena.allocate(length + 2 * GUARD_BYTES).fill(GUARD);
        target = all.asSlice(GUARD_BYTES, length);
    }

    void assertGuardsHold(String what) {
        long length = target.byteSize();
        for (long i = 0; i < GUARD_BYTES; i++) {
            if (all.get(ValueLayout.JAVA_BYTE, i) != GUARD
                    || all.get(ValueLayout.JAVA_BYTE, GUARD_BYTES + length + i) != GUARD) {
                assertThat(i)
                        .as("%s: first byte written outside of the target", what)
                        .isEqualTo(GUARD_BYTES);
            }
        }
    }
}
