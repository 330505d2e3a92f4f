// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.PtarLayout.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PtarLayoutTest {
    private static PtarLayout read(byte[] file) {
        MemorySegment all = MemorySegment.ofArray(file);
        long trailerAt = Math.max(0, file.length - PtarLayout.TRAILER_BYTES);
        return PtarLayout.read(all, all.asSlice(trailerAt), file.length, "x.ptar");
    }

    private static MemorySegment part(byte[] file, Range range) {
        return MemorySegment.ofArray(file).asSlice(range.offset(), range.lengthBytes());
    }

    @Test
    void theVectorOpens() {
        byte[] file = Vectors.bytes(Vectors.named("container-ptar"));
        PtarLayout layout = read(file);
        assertThat(layout).isEqualTo(new PtarLayout(new Range(12, 299), new Range(311, 169), new Range(480, 276)));
        MemorySegment configObject = part(file, layout.config());
        StoreConfig config = StoreConfig.parse(configObject);
        assertThat(config.packfile().maxSize()).isEqualTo(-1);
        try (StoreKeys keys = config.plaintextKeys();
                BlobCodec codec = BlobCodec.of(config, keys);
                Arena arena = Arena.ofConfined()) {
            StoreConfig.verify(configObject, keys);
            MacHasher hasher = keys.newMacHasher();
            PackfileReader packfile =
                    PackfileReader.open(part(file, layout.packfile()), codec, hasher, arena, "the packfile");
            assertThat(packfile.records()).isOne();
            assertThat(packfile.mac(0)).isEqualTo(Vectors.HELLO);
            assertThat(packfile.createdNanos()).isZero();
            assertThat(Envelope.open(part(file, layout.state()), ResourceType.STATE, hasher, "the state")
                            .payload()
                            .byteSize())
                    .isEqualTo(228);
        }
    }

    @Test
    void unfinishedAndForeignFilesAreRefused() {
        byte[] file = Vectors.bytes(Vectors.named("container-ptar"));
        for (int length : new int[] {0, 11, 12, 59, 60, 400, 803}) {
            assertThatThrownBy(() -> read(Arrays.copyOf(file, length))).isInstanceOf(CorruptDataException.class);
        }
        byte[] foreign = file.clone();
        foreign[0] = 'P';
        assertThatThrownBy(() -> read(foreign))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("no .ptar");
    }

    @Test
    void hostileTrailersNeverReachOutOfTheFile() {
        byte[] file = Vectors.bytes(Vectors.named("container-ptar"));
        byte[] small = Arrays.copyOfRange(file, file.length - 48, file.length);
        MemorySegment head = MemorySegment.ofArray(Arrays.copyOf(file, 12));
        int refused = Mutations.feed(small, 47, 20_000, mutant -> {
            PtarLayout layout = PtarLayout.read(head, MemorySegment.ofArray(mutant), file.length, "mutant");
            for (Range range : new Range[] {layout.config(), layout.packfile(), layout.state()}) {
                assertThat(part(file, range).byteSize()).isEqualTo(range.lengthBytes());
            }
        });
        assertThat(refused).isBetween(10_000, 19_999);
    }
}
