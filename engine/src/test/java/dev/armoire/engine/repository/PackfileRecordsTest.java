// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.PackfileTail;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PackfileRecordsTest {
    private record Blob(int type, Mac mac, long offset, long length) {}

    @Test
    void recordsComeInTheOrderOfTheirOffsets() {
        Random random = new Random(1);
        for (int count = 0; count < 200; count++) {
            List<Blob> blobs = new ArrayList<>();
            try (PackfileTail tail = new PackfileTail()) {
                for (int i = 0; i < count; i++) {
                    Blob blob = new Blob(
                            ResourceType.CHUNK,
                            new Mac(random.nextLong(), i, 0, 0),
                            random.nextLong(1L << 40),
                            random.nextInt(1000));
                    blobs.add(blob);
                    tail.add(blob.type, blob.mac, blob.offset, blob.length);
                }
                PackfileRecords records = new PackfileRecords(
                        MemorySegment.ofArray(tail.index().toArray(ValueLayout.JAVA_BYTE)), Mac.ZERO, 0);
                blobs.sort(Comparator.comparingLong(Blob::offset));
                assertThat(records.count()).isEqualTo(count);
                for (int i = 0; i < count; i++) {
                    Blob blob = blobs.get(i);
                    assertThat(records.type(i)).isEqualTo(blob.type);
                    assertThat(records.mac(i)).isEqualTo(blob.mac);
                    assertThat(records.offset(i)).isEqualTo(blob.offset);
                    assertThat(records.length(i)).isEqualTo(blob.length);
                    assertThat(records.contains(blob.type, blob.mac, blob.offset, blob.length))
                            .isTrue();
                    assertThat(records.contains(blob.type, blob.mac, blob.offset, blob.length + 1))
                            .isFalse();
                    assertThat(records.contains(blob.type, blob.mac, blob.offset + 1, blob.length))
                            .isFalse();
                    assertThat(records.contains(ResourceType.OBJECT, blob.mac, blob.offset, blob.length))
                            .isFalse();
                }
            }
        }
    }
}
