// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.MemoryTarget;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnreachableStoreTest {
    @TempDir
    Path temporary;

    @Test
    void whatCannotBeReadJustNowIsNoDamage() throws IOException {
        byte[] large = new byte[300_000];
        new Random(1).nextBytes(large);
        Path store = TestStores.create(temporary.resolve("store"));
        BackupResult made = TestStores.backUp(
                store,
                new MemorySource("/src")
                        .directory("/")
                        .directory("/src")
                        .file("/src/large", large)
                        .file("/src/small", "here"));
        var failures = new TestStores.Losses();
        MemoryTarget target = new MemoryTarget();
        try (Repository repository = TestStores.open(store, real -> new ForwardingStorage(real) {
            @Override
            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
                if (kind == ObjectKind.PACKFILE && into.byteSize() > 200_000) {
                    throw new IOException("the line is dead");
                }
                super.read(kind, name, offset, into);
            }
        })) {
            RestoreResult result =
                    Restore.run(repository, made.header().identifier(), SnapshotPath.of("/src"), target, failures, 2);

            assertThat(result.failed()).isOne();
            assertThat(result.isDamaged()).isFalse();
        }
        assertThat(failures.all).containsExactly("/src/large: the line is dead");
        assertThat(target.files.keySet()).containsExactly("small");
    }
}
