// SPDX-License-Identifier: ISC
package dev.armoire.simd.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LargeMemoryTest {
    /** Below and above a huge page, and not a number of pages. */
    @ParameterizedTest
    @ValueSource(longs = {1, 5000, 2 << 20, (9 << 20) + 1})
    void isZeroAndWritableToItsLastByteUntilItIsClosed(long bytes) {
        MemorySegment segment;
        try (var memory = new LargeMemory(bytes)) {
            segment = memory.segment();
            assertThat(segment.byteSize()).isEqualTo(bytes);
            assertThat(segment.mismatch(MemorySegment.ofArray(new byte[(int) bytes])))
                    .isEqualTo(-1);
            segment.fill((byte) 1);
        }
        assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void canBeClosedWhilePagesAreStillTouched() {
        for (int i = 0; i < 20; i++) {
            try (var memory = new LargeMemory(64 << 20)) {
                memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            }
        }
    }
}
