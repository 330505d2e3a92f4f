// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.StoreKeys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class LockRecordTest {
    private static final LockRecord LOCK = new LockRecord(Vectors.TIME, "myhost", false);

    @Test
    void isWrittenAndReadAsTheVectorsSay() {
        assertThat(HexFormat.of().formatHex(LOCK.encode())).isEqualTo(Vectors.named("lock-record"));
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys);
                Arena arena = Arena.ofConfined()) {
            MemorySegment object = Vectors.segment(Vectors.named("lock-object"));
            Envelope envelope = Envelope.open(object, ResourceType.LOCK, keys.newMacHasher(), "lock");
            assertThat(LockRecord.decode(codec.decode(envelope.payload(), 1000), "vector"))
                    .isEqualTo(LOCK);

            byte[] encoded = BlobCodecTest.encode(codec, MemorySegment.ofArray(LOCK.encode()));
            MemorySegment made =
                    Envelope.wrap(ResourceType.LOCK, MemorySegment.ofArray(encoded), keys.newMacHasher(), arena);
            assertThat(Vectors.hex(made)).isEqualTo(Vectors.named("lock-object"));
            made.set(ValueLayout.JAVA_BYTE, 60, (byte) 0);
            assertThatThrownBy(() -> Envelope.open(made, ResourceType.LOCK, keys.newMacHasher(), "lock 5a5a"))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("lock 5a5a has the MAC");
        }
    }

    @Test
    void damagedLocksGiveTypedErrorsOnly() {
        var exclusive = new LockRecord(Vectors.TIME, "höst", true);
        assertThat(LockRecord.decode(MemorySegment.ofArray(exclusive.encode()), "x"))
                .isEqualTo(exclusive);
        int refused = Mutations.feed(
                LOCK.encode(), 43, 5000, mutant -> LockRecord.decode(MemorySegment.ofArray(mutant), "mutant"));
        assertThat(refused).isBetween(500, 4999);
    }
}
