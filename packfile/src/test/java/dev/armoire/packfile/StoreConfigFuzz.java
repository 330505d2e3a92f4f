// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.armoire.crypto.KlosetException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** CONFIG with its parameters of key derivation: refused with our typed errors, or read, and written again as it was read. */
class StoreConfigFuzz {
    static List<byte[]> seeds() {
        return Stream.of("config-by-plakar", "config-encrypted", "config-lz4", "config-uncompressed")
                .map(name -> Vectors.bytes(Vectors.named(name)))
                .toList();
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "30s")
    void onlyTypedErrors(byte[] object) {
        StoreConfig config;
        try {
            config = StoreConfig.parse(MemorySegment.ofArray(object));
        } catch (KlosetException e) {
            return;
        }
        if (!config.equals(StoreConfig.decode(MemorySegment.ofArray(config.encode())))) {
            throw new AssertionError("what was read is written otherwise: " + config);
        }
    }
}
