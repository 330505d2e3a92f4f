// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.MemoryTarget;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class FarTargetTest {
    @TempDir
    Path temporary;

    /** Each of the first files waits for as many others to be on their way. */
    private static final class Far extends MemoryTarget {
        final CountDownLatch others = new CountDownLatch(20);

        @Override
        public boolean isFarAway() {
            return true;
        }

        @Override
        public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
            FileOutput out = super.createFile(path, info);
            return new FileOutput() {
                @Override
                public void write(MemorySegment data) throws IOException {
                    out.write(data);
                }

                @Override
                public void commit(List<Xattr> xattrs) throws IOException {
                    others.countDown();
                    try {
                        if (info.size() < 1000) {
                            assertThat(others.await(60, TimeUnit.SECONDS)).isTrue();
                        }
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                    if (info.size() == 77) {
                        throw new IOException("no room");
                    }
                    out.commit(xattrs);
                }

                @Override
                public void close() {
                    out.close();
                }
            };
        }
    }

    @Test
    void smallFilesAreWrittenManyAtOnce() throws IOException {
        Path store = TestStores.create(temporary.resolve("store"));
        MemorySource source = new MemorySource("/").directory("/");
        Random random = new Random(5);
        for (int i = 0; i < 200; i++) {
            byte[] content = new byte[i % 50 == 49 ? 700_000 : i == 30 ? 77 : 100 + i];
            random.nextBytes(content);
            source.file("/f" + i, content);
        }
        source.file("/empty", "");
        var result = TestStores.backUp(store, source);
        Far target = new Far();
        try (Repository repository = TestStores.open(store)) {
            var failed = new ConcurrentSkipListSet<String>();
            RestoreResult restored = Restore.run(
                    repository,
                    result.header().identifier(),
                    new byte[] {'/'},
                    target,
                    new RestoreEvents() {
                        @Override
                        public void done(byte[] path) {}

                        @Override
                        public void failed(byte[] path, String reason, boolean isDamage) {
                            failed.add(new String(path, StandardCharsets.ISO_8859_1) + ": " + reason);
                        }

                        @Override
                        public void lost(byte[] path, String what) {
                            failed.add(what);
                        }
                    },
                    2);
            assertThat(failed).containsExactly("/f30: no room");
            assertThat(restored.failed()).isEqualTo(1);
        }
        Map<String, byte[]> contents = source.contents();
        assertThat(target.files).hasSize(contents.size() - 1);
        target.files.forEach((path, content) -> assertThat(content).as(path).isEqualTo(contents.get("/" + path)));
    }
}
