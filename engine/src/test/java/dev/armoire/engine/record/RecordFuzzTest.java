// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.armoire.crypto.CorruptDataException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged records give CorruptDataException or some value, quickly and in little memory, and nothing else. */
class RecordFuzzTest {
    private static final int ROUNDS = 20_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static Stream<RecordVectors.Vector> vectors() {
        return RecordVectors.all().stream();
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void damage(RecordVectors.Vector vector) {
        Random random = new Random(20261123 + vector.name().hashCode());
        int rejected = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = damage(vector.bytes(), random);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            try {
                use(vector.decode(damaged));
            } catch (CorruptDataException e) {
                rejected++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError(vector.name() + " of " + HexFormat.of().formatHex(damaged), e);
            }
            long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
            assertThat(allocated).as("bytes allocated for %s", damaged).isLessThan(4 << 20);
        }
        assertThat(rejected).isGreaterThan(ROUNDS / 20);
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void everyTruncation(RecordVectors.Vector vector) {
        for (int length = 0; length < vector.bytes().length; length++) {
            byte[] cut = Arrays.copyOf(vector.bytes(), length);
            try {
                use(vector.decode(cut));
                throw new AssertionError("the first " + length + " bytes of " + vector.name() + " decode");
            } catch (CorruptDataException expected) {
                assertThat(expected).hasMessageContaining(vector.name());
            }
        }
    }

    /** What compares encoded entries without decoding them must bear damage, too. */
    @Test
    void heads() {
        byte[] sound = RecordVectors.bytes("entry-regular-file");
        EntryHeads heads = new EntryHeads(RecordVectors.path("/home/alice"));
        Random random = new Random(9);
        byte[] name = RecordVectors.path("a.txt");
        assertThat(heads.contentIfSame(MemorySegment.ofArray(sound), name, RecordVectors.FILE))
                .isNotNull();
        for (int round = 0; round < 10 * ROUNDS; round++) {
            byte[] damaged = round < sound.length ? Arrays.copyOf(sound, round) : damage(sound, random);
            if (round % 3 == 0 && damaged.length > 56) {
                damaged[54 + random.nextInt(3)] = (byte) random.nextInt();
            }
            MemorySegment entry = MemorySegment.ofArray(damaged);
            try {
                MemorySegment found = heads.name(entry);
                assertThat(found == null || found.byteSize() < damaged.length).isTrue();
                EntryHeads.Content content = heads.contentIfSame(entry, name, RecordVectors.FILE);
                assertThat(content == null || content.object() != null).isTrue();
            } catch (CorruptDataException e) {
                assertThat(e).hasMessageContaining("entry");
            }
        }
    }

    private static byte[] damage(byte[] sound, Random random) {
        byte[] damaged = sound.clone();
        switch (random.nextInt(7)) {
            case 0 -> damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> {
                for (int i = random.nextInt(8); i >= 0; i--) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
                }
            }
            case 2 -> damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
            case 3 -> { // codes that announce much
                byte[] codes = {(byte) 0xdf, (byte) 0xdd, (byte) 0xdb, (byte) 0xc6, (byte) 0xde, (byte) 0xdc};
                int at = random.nextInt(damaged.length);
                damaged[at] = codes[random.nextInt(codes.length)];
                for (int i = 1; i <= 4 && at + i < damaged.length && random.nextInt(4) != 0; i++) {
                    damaged[at + i] = (byte) 0xff;
                }
            }
            case 4 -> { // something falls out
                int from = random.nextInt(damaged.length);
                int bytes = Math.min(1 + random.nextInt(12), damaged.length - from);
                byte[] rest = new byte[damaged.length - bytes];
                System.arraycopy(damaged, 0, rest, 0, from);
                System.arraycopy(damaged, from + bytes, rest, from, rest.length - from);
                damaged = rest;
            }
            case 5 -> { // numbers of another sign
                int at = random.nextInt(damaged.length);
                while (at < damaged.length && damaged[at] != (byte) 0xce && damaged[at] != (byte) 0xcf) {
                    at++;
                }
                if (at + 1 < damaged.length) {
                    damaged[at] = (byte) (damaged[at] + 4);
                    damaged[at + 1] = (byte) 0xff;
                }
            }
            default -> { // a long time, a long number
                int at = random.nextInt(damaged.length);
                byte[] longTime = HexFormat.of().parseHex("c70cff3b9ac9ff7fffffffffffffff");
                System.arraycopy(longTime, 0, damaged, at, Math.min(longTime.length, damaged.length - at));
            }
        }
        return damaged;
    }

    /** What callers do with a record without further ado. */
    private static void use(Object record) {
        switch (record) {
            case Entry entry -> {
                assertThat(entry.path()).isNotEmpty();
                assertThat(SnapshotPath.display(entry.path())).isNotEmpty();
                assertThat(entry.isDirectory() && entry.isRegular()).isFalse();
            }
            case ObjectRecord object -> {
                assertThat(object.size()).isNotNegative();
                assertThat(object.chunks()).allMatch(chunk -> chunk.length() >= 0);
            }
            case XattrItem item -> assertThat(item.key()).isNotEmpty();
            case ErrorItem item -> assertThat(SnapshotPath.display(item.path())).isNotNull();
            case SnapshotHeader header -> assertThat(header.timestamp()).isNotNull();
            default -> assertThat(record).isNotNull();
        }
        assertThat(RecordVectors.encode(record)).isNotEmpty();
    }
}
