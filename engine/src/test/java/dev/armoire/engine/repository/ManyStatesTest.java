// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.TestStores;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store with more states than are read at once, each of which removes a snapshot. */
class ManyStatesTest {
    private static final int STATES = 40;

    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private final List<Mac> states = new ArrayList<>();

    @BeforeEach
    void create() throws IOException {
        store = TestStores.create(temporary.resolve("store"));
        try (Repository repository = TestStores.open(store)) {
            for (int i = 0; i < STATES; i++) {
                Mac name = repository.random().nextMac();
                try (PendingState state = repository.newPendingState(name)) {
                    state.removeSnapshot(snapshot(i));
                    state.commit();
                }
                states.add(name);
            }
        }
    }

    private static Mac snapshot(int number) {
        return new Mac(number, 2, 3, 4);
    }

    /** A store that is far away, for all its user knows. */
    private static class Far extends ForwardingStorage {
        Far(Storage real) {
            super(real);
        }

        @Override
        public @Nullable Path localPath() {
            return null;
        }
    }

    private static void assertKnowsAll(Repository repository) {
        for (int i = 0; i < STATES; i++) {
            assertThat(repository.isRemoved(snapshot(i))).isTrue();
        }
        assertThat(repository.states()).hasSize(STATES);
    }

    @Test
    void allAreMerged() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertKnowsAll(repository);
            assertThat(repository.latestState()).isEqualTo(states.getLast());
        }
    }

    /** Each read waits until others have begun. */
    @Test
    void farAwayTheyAreReadAtOnce() throws IOException {
        CountDownLatch others = new CountDownLatch(8);
        try (Repository repository = TestStores.open(store, real -> new Far(real) {
            @Override
            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
                if (kind == ObjectKind.STATE) {
                    others.countDown();
                    try {
                        if (!others.await(30, TimeUnit.SECONDS)) {
                            throw new IOException("nobody else reads");
                        }
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
                super.read(kind, name, offset, into);
            }
        })) {
            assertKnowsAll(repository);
        }
    }

    @Test
    void oneThatCannotBeReadIsNamed() {
        Mac broken = states.get(STATES / 2);
        assertThatThrownBy(() -> TestStores.open(store, real -> new Far(real) {
                            @Override
                            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into)
                                    throws IOException {
                                super.read(kind, name, offset, into);
                                if (name.equals(broken)) {
                                    into.fill((byte) 7);
                                }
                            }
                        })
                        .close())
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining(broken.hex());
    }

    @Test
    void aStorageThatFailsEndsItWithItsReason() {
        assertThatThrownBy(() -> TestStores.open(store, real -> new Far(real) {
                            @Override
                            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into)
                                    throws IOException {
                                if (kind == ObjectKind.STATE && !name.equals(states.getFirst())) {
                                    throw new IOException("the line is dead");
                                }
                                super.read(kind, name, offset, into);
                            }
                        })
                        .close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the line is dead");
    }

    @Test
    void whoeverIsInterruptedDoesNotWaitForThem() throws Exception {
        CountDownLatch begun = new CountDownLatch(3);
        List<Throwable> ends = new ArrayList<>();
        Thread reader = Thread.ofPlatform().start(() -> {
            try {
                TestStores.open(store, real -> new Far(real) {
                            @Override
                            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into)
                                    throws IOException {
                                if (kind == ObjectKind.STATE) {
                                    begun.countDown();
                                    try {
                                        new CountDownLatch(1).await();
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                        throw new IOException("interrupted", e);
                                    }
                                }
                                super.read(kind, name, offset, into);
                            }
                        })
                        .close();
            } catch (Throwable e) {
                ends.add(e);
            }
        });
        assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
        reader.interrupt();
        assertThat(reader.join(java.time.Duration.ofSeconds(30))).isTrue();
        assertThat(ends).singleElement().isInstanceOf(IOException.class);
    }
}
