// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ours against zstd-jni, both ways. */
class ZstdFramesTest {
    private static final int LEVEL = 3;

    private static MemorySegment compress(ZstdFrames frames, MemorySegment source, Random random, Arena arena) {
        long room = ZstdFrames.maxCompressedLength(source.byteSize());
        MemorySegment target = Samples.unaligned(random, room, arena);
        return target.asSlice(0, frames.compress(source, target));
    }

    @Test
    void everyLibraryReadsWhatAnyWroteAndBothWriteTheSame() {
        var random = new Random(47);
        try (ZstdFrames ours = ZstdLibrary.FOREIGN.open(LEVEL);
                ZstdFrames judge = ZstdLibrary.JNI.open(LEVEL)) {
            for (int round = 0; round < 300; round++) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment source = Samples.content(random, 400_000, arena);
                    MemorySegment byUs = compress(ours, source, random, arena);
                    MemorySegment byJudge = compress(judge, source, random, arena);
                    String what = "round " + round + ", " + source.byteSize() + " bytes";
                    assertThat(byUs.mismatch(byJudge)).as(what).isEqualTo(-1);
                    for (ZstdFrames reader : new ZstdFrames[] {ours, judge}) {
                        MemorySegment back = Samples.unaligned(random, source.byteSize(), arena);
                        assertThat(reader.decompress(byUs, back)).isEqualTo(source.byteSize());
                        assertThat(back.mismatch(source)).as(what).isEqualTo(-1);
                    }
                    MemorySegment otherLevel = arena.allocateFrom(
                            ValueLayout.JAVA_BYTE, Zstd.compress(Samples.bytes(source), random.nextInt(-5, 20)));
                    MemorySegment back = arena.allocate(source.byteSize());
                    assertThat(ours.decompress(otherLevel, back)).isEqualTo(source.byteSize());
                    assertThat(back.mismatch(source)).as(what).isEqualTo(-1);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ZstdLibrary.class)
    void damagedFramesNeverWriteOutsideOfTheirTarget(ZstdLibrary library) {
        var random = new Random(53);
        try (ZstdFrames frames = library.open(LEVEL);
                Arena arena = Arena.ofConfined()) {
            for (int round = 0; round < 60; round++) {
                MemorySegment source = Samples.content(random, 20_000, arena);
                MemorySegment frame = compress(frames, source, random, arena);
                for (int i = 0; i < 30; i++) {
                    var guarded = new GuardedTarget(random.nextLong(source.byteSize() + 1), arena);
                    MemorySegment damaged = arena.allocate(frame.byteSize()).copyFrom(frame);
                    damaged.set(ValueLayout.JAVA_BYTE, random.nextLong(frame.byteSize()), (byte) random.nextInt());
                    MemorySegment cut = damaged.asSlice(0, random.nextLong(frame.byteSize() + 1));
                    long length = frames.decompress(random.nextInt(4) == 0 ? cut : damaged, guarded.target);
                    assertThat(length).isLessThanOrEqualTo(guarded.target.byteSize());
                    guarded.assertGuardsHold("round " + round);
                }
            }
        }
    }

    @Test
    void theBoundIsThatOfTheLibrary() {
        for (long length : new long[] {0, 1, 1000, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 5 << 20, 1L << 32}) {
            assertThat(ZstdFrames.maxCompressedLength(length)).isEqualTo(Zstd.compressBound(length));
        }
    }

    @Test
    void misuseIsAnExceptionAndNoCrash() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(1000);
            ZstdFrames frames = ZstdLibrary.FOREIGN.open(LEVEL);
            assertThatThrownBy(() -> frames.compress(source, arena.allocate(3)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1000 bytes do not compress into 3");
            assertThat(frames.compress(source, arena.allocate(2000))).isPositive();
            frames.close();
            frames.close();
            assertThatThrownBy(() -> frames.compress(source, arena.allocate(2000)))
                    .isInstanceOf(IllegalStateException.class);
        }
    }
}
