// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.TestStores;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadAheadTest {
    @TempDir(factory = MemoryFolder.class)
    private Path folder;

    @Test
    void howLongAPackfileIsIsAskedOnceHoweverItIsRead() throws IOException {
        Path store = TestStores.create(folder.resolve("store"));
        AtomicInteger questions = new AtomicInteger();
        var real = new FsStorageFactory().open(Location.parse(store.toString()));
        try (var storage = new ForwardingStorage(real) {
            @Override
            public long size(ObjectKind kind, Mac name) throws IOException {
                questions.incrementAndGet();
                return super.size(kind, name);
            }
        }) {
            Random random = new Random(3);
            byte[] content = new byte[5 << 20];
            random.nextBytes(content);
            Mac packfile = new Mac(1, 2, 3, 4);
            storage.write(ObjectKind.PACKFILE, packfile, List.of(MemorySegment.ofArray(content)));
            try (ReadAhead ahead = new ReadAhead(storage)) {
                for (int i = 0; i < 200; i++) {
                    int length = 1 + random.nextInt(5000);
                    int at = random.nextInt(content.length - length);
                    MemorySegment read = ahead.read(packfile, at, length);
                    assertThat(read.toArray(ValueLayout.JAVA_BYTE))
                            .isEqualTo(java.util.Arrays.copyOfRange(content, at, at + length));
                }
            }
        }
        assertThat(questions).hasValue(1);
    }
}
