// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ours against lz4-java's JNI and its translation to Java, both ways. */
class Lz4BlocksTest {
    private static MemorySegment compress(Lz4Blocks blocks, MemorySegment source, Random random, Arena arena) {
        int room = Lz4Blocks.maxCompressedLength((int) source.byteSize());
        MemorySegment target = Samples.unaligned(random, room, arena);
        return target.asSlice(0, blocks.compress(source, target));
    }

    @Test
    void everyLibraryReadsWhatAnyWroteAndOursWritesWhatJniWrites() {
        var libraries = new EnumMap<Lz4Library, Lz4Blocks>(Lz4Library.class);
        for (Lz4Library library : Lz4Library.values()) {
            libraries.put(library, library.open());
        }
        var random = new Random(41);
        for (int round = 0; round < 300; round++) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment source = Samples.content(random, 200_000, arena);
                int length = (int) source.byteSize();
                var written = new EnumMap<Lz4Library, MemorySegment>(Lz4Library.class);
                for (Map.Entry<Lz4Library, Lz4Blocks> writer : libraries.entrySet()) {
                    MemorySegment block = compress(writer.getValue(), source, random, arena);
                    written.put(writer.getKey(), block);
                    for (Map.Entry<Lz4Library, Lz4Blocks> reader : libraries.entrySet()) {
                        MemorySegment back = Samples.unaligned(random, length, arena);
                        assertThat(reader.getValue().decompress(block, back)).isEqualTo(length);
                        assertThat(back.mismatch(source))
                                .as("round %s, %s bytes, %s to %s", round, length, writer.getKey(), reader.getKey())
                                .isEqualTo(-1);
                    }
                }
                assertThat(written.get(Lz4Library.FOREIGN).mismatch(written.get(Lz4Library.JNI)))
                        .as("round %s, %s bytes", round, length)
                        .isEqualTo(-1);
            }
        }
        libraries.values().forEach(Lz4Blocks::close);
    }

    @ParameterizedTest
    @EnumSource(Lz4Library.class)
    void damagedBlocksNeverWriteOutsideOfTheirTarget(Lz4Library library) {
        var random = new Random(43);
        try (Lz4Blocks blocks = library.open();
                Arena arena = Arena.ofConfined()) {
            for (int round = 0; round < 60; round++) {
                MemorySegment source = Samples.content(random, 20_000, arena);
                MemorySegment block = compress(blocks, source, random, arena);
                for (int i = 0; i < 30; i++) {
                    var guarded = new GuardedTarget(random.nextLong(source.byteSize() + 1), arena);
                    block.set(ValueLayout.JAVA_BYTE, random.nextLong(block.byteSize()), (byte)
                            (random.nextBoolean() ? -1 : random.nextInt()));
                    MemorySegment cut = block.asSlice(0, random.nextLong(block.byteSize() + 1));
                    int length = blocks.decompress(random.nextBoolean() ? block : cut, guarded.target);
                    assertThat((long) length).isLessThanOrEqualTo(guarded.target.byteSize());
                    guarded.assertGuardsHold("round " + round);
                }
            }
        }
    }

    @Test
    @SuppressWarnings("restricted")
    void theStateIsAsLongAsTheLibraryAsks() throws Throwable {
        var library = PackedLibrary.load(LZ4Factory.class, "/net/jpountz/util/", "/liblz4-java");
        assertThat(library).isPresent();
        int size = (int) Linker.nativeLinker()
                .downcallHandle(
                        library.orElseThrow().findOrThrow("LZ4_sizeofState"),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT))
                .invokeExact();
        assertThat(NativeLz4.STATE_BYTES).isEqualTo(size);
    }

    @Test
    void misuseIsAnExceptionAndNoCrash() {
        try (Arena arena = Arena.ofConfined()) {
            Lz4Blocks blocks = Lz4Library.FOREIGN.open();
            MemorySegment source = arena.allocate(1000);
            assertThatThrownBy(() -> blocks.compress(source, arena.allocate(3)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1000 bytes may need more than 3");
            assertThatThrownBy(() -> blocks.compress(MemorySegment.ofArray(new byte[10]), arena.allocate(100)))
                    .isInstanceOf(IllegalArgumentException.class);
            blocks.close();
            blocks.close();
            assertThatThrownBy(() -> blocks.compress(source, arena.allocate(2000)))
                    .isInstanceOf(IllegalStateException.class);
        }
    }
}
