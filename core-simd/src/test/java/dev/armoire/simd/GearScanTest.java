// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** All forms against the definition, word for word. */
class GearScanTest {
    private static final long[] MASKS = {
        0, // a hit everywhere
        1L << 63,
        0x0003590703530000L, // FastCDC's of old
        0x0000D90003530000L,
        0x0000590003560000L, // JC's
        0xAAAAAAAAAAA00000L, // of 1 MiB
        0x9249249249249000L,
        0x8421084210842000L,
        -1L // never a hit
    };

    static Iterable<GearForm> forms() {
        return GearForms.available();
    }

    private static long plainLoop(byte[] data, int origin, int from, int to, long[] table, long mask) {
        long fp = 0;
        for (int i = origin; i < to; i++) {
            fp = (fp << 1) + table[data[i] & 0xFF];
            if (i >= from && (fp & mask) == 0) {
                return i;
            }
        }
        return to;
    }

    private static byte[] data(String kind, int length, long seed) {
        byte[] random = Vectors.random(length, seed);
        return switch (kind) {
            case "random" -> random;
            case "text" -> Vectors.text(length, seed);
            case "zeros" -> new byte[length];
            default -> {
                for (int i = 0; i < length; i++) {
                    random[i] = (byte) (random[i] & 1);
                }
                yield random;
            }
        };
    }

    @ParameterizedTest
    @MethodSource("forms")
    void findsTheFirstHitOfAnyStretchInAnyData(GearForm form) {
        var random = new Random(7);
        long[] keyed = GearTable.keyed(Vectors.random(32, 1));
        try (var arena = Arena.ofConfined()) {
            for (String kind : new String[] {"random", "text", "zeros", "bits"}) {
                byte[] bytes = data(kind, 150_000, 11);
                var heap = Vectors.unalignedHeap(bytes).asReadOnly();
                var offHeap = Vectors.unalignedNative(arena, bytes);
                for (long mask : MASKS) {
                    for (long[] table : new long[][] {GearTable.GEAR, keyed}) {
                        GearScan scan = form.scan(table, mask);
                        for (int round = 0; round < (GearForms.isEmulated(form) ? 3 : 20); round++) {
                            int origin = random.nextInt(1000);
                            int from = origin + random.nextInt(round % 2 == 0 ? 1 : 200);
                            int to = from + random.nextInt(1 + random.nextInt(bytes.length - from));
                            long hit = plainLoop(bytes, origin, from, to, table, mask);
                            var window = round % 3 == 0 ? heap : offHeap;
                            assertThat(scan.first(window, origin, from, to))
                                    .as("%s %x from %d (%d) to %d", kind, mask, from, origin, to)
                                    .isEqualTo(hit);
                        }
                    }
                }
            }
        }
    }

    /** A planted hit at every distance around the places where stretches meet. */
    @ParameterizedTest
    @MethodSource("forms")
    void findsAHitWhereverItLies(GearForm form) {
        long mask = 0xAAAAAAAAAAA00000L;
        byte[] hitting = hittingBytes(mask);
        GearScan scan = form.scan(GearTable.GEAR, mask);
        var random = new Random(5);
        for (int round = 0; round < (GearForms.isEmulated(form) ? 100 : 700); round++) {
            byte[] bytes = new byte[100_000];
            int at = 64 + random.nextInt(bytes.length - 64);
            System.arraycopy(hitting, 0, bytes, at - 63, 64);
            int from = random.nextInt(at - 63);
            int to = bytes.length - random.nextInt(Math.min(100, bytes.length - at));
            assertThat(scan.first(MemorySegment.ofArray(bytes), from, from, to))
                    .as("hit at %d, scan from %d to %d", at, from, to)
                    .isEqualTo(plainLoop(bytes, from, from, to, GearTable.GEAR, mask));
        }
    }

    private static byte[] hittingBytes(long mask) {
        byte[] bytes = Vectors.random(20_000_000, 99);
        int at = (int) plainLoop(bytes, 0, 64, bytes.length, GearTable.GEAR, mask);
        byte[] found = new byte[64];
        System.arraycopy(bytes, at - 63, found, 0, 64);
        return found;
    }

    @ParameterizedTest
    @MethodSource("forms")
    void looksAtNothingOutsideOfItsWindow(GearForm form) {
        byte[] bytes = Vectors.random(40_000, 3);
        GearScan scan = form.scan(GearTable.GEAR, 0xAAAAAAAAAAA00000L);
        var window = MemorySegment.ofArray(bytes).asSlice(100, 30_000);
        assertThatThrownBy(() -> scan.first(window, 0, 0, 30_001)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> scan.first(window, -1, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> scan.first(window, 2, 1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        // What lies around the window must not count.
        long hit = scan.first(window, 0, 0, 30_000);
        Arrays.fill(bytes, 0, 100, (byte) 9);
        Arrays.fill(bytes, 30_100, bytes.length, (byte) 9);
        assertThat(scan.first(window, 0, 0, 30_000)).isEqualTo(hit);
        assertThat(scan.first(window, 5, 5, 5)).isEqualTo(5);
    }

    /** A byte read too many would end the process. */
    @ParameterizedTest
    @MethodSource("forms")
    void readsNothingBehindTheEndOfMappedMemory(GearForm form, @TempDir Path directory) throws IOException {
        int end = 64 << 10;
        byte[] bytes = Vectors.random(end, 17);
        try (var arena = Arena.ofConfined();
                var file = FileChannel.open(
                        directory.resolve("window"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            var mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 2L * end, arena);
            mapped.asSlice(0, end).copyFrom(MemorySegment.ofArray(bytes));
            file.truncate(end);
            for (long mask : new long[] {-1L, 0xAAAAAAAAAAA00000L, 0x8421084210842000L}) {
                GearScan scan = form.scan(GearTable.GEAR, mask);
                for (int length :
                        new int[] {1, 7, 8, 9, 63, 64, 343, 344, 687, 688, 689, 10_672, 10_673, 50_000, end}) {
                    int from = end - length;
                    assertThat(scan.first(mapped, from, from, end))
                            .as("%x, %d bytes", mask, length)
                            .isEqualTo(plainLoop(bytes, from, from, end, GearTable.GEAR, mask));
                }
            }
        }
    }

    @Test
    void masksAreSpreadFromTheTop() {
        assertThat(GearScan.spreadMask(22)).isEqualTo(0xAAAAAAAAAAA00000L);
        assertThat(GearScan.spreadMask(18)).isEqualTo(0x9249249249249000L);
        assertThat(GearScan.spreadMask(11)).isEqualTo(0x8421084210842000L);
        assertThat(GearScan.spreadMask(0)).isZero();
        assertThat(GearScan.spreadMask(-2)).isZero();
    }
}
