// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Backups that end badly at every possible point, into a store that holds an earlier snapshot. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class BackupCrashTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private Mac earlier;
    private MemorySource before;

    @BeforeEach
    void create() throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve("store"));
        before = source(0, 4);
        earlier = TestStores.backUp(store, before).header().identifier();
    }

    private static MemorySource source(int from, int to) {
        return source(from, to, 60_000);
    }

    private static MemorySource source(int from, int to, int bytes) {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = from; i < to; i++) {
            byte[] content = new byte[bytes];
            new Random(i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        return source;
    }

    private void assertRestores(Mac snapshot, MemorySource source) throws IOException {
        MemoryTarget target = TestStores.restore(store, snapshot, "/");
        assertThat(target.files).hasSameSizeAs(source.contents());
        source.contents()
                .forEach((path, content) -> assertThat(Arrays.equals(target.files.get(path.substring(1)), content))
                        .as(path)
                        .isTrue());
    }

    /** Else `repair` lists a snapshot that lacks data, if the process is killed in between. */
    @Test
    void thePackfileWithTheHeaderComesLast() throws IOException {
        store = TestStores.create(temporary.resolve("another"));
        List<Mac> written = new ArrayList<>();
        CountDownLatch anyIsWritten = new CountDownLatch(1);
        try (Repository repository = TestStores.open(store, real -> new ForwardingStorage(real) {
            @Override
            public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
                long bytes = parts.stream().mapToLong(MemorySegment::byteSize).sum();
                if (kind == ObjectKind.PACKFILE && bytes > 100_000) { // the one with contents gives way to others
                    try {
                        var _ = anyIsWritten.await(1, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
                super.write(kind, name, parts);
                if (kind == ObjectKind.PACKFILE) {
                    synchronized (written) {
                        written.add(name);
                    }
                    anyIsWritten.countDown();
                }
            }
        })) {
            Backup.run(repository, List.of(source(0, 4)), TestStores.options(store, 2), new TestStores.Events());
        }
        assertThat(written).hasSize(2);
        try (Repository repository = TestStores.open(store)) {
            repository.storage().delete(ObjectKind.PACKFILE, written.getLast());
        }
        try (Repository repository = TestStores.open(store)) {
            repository.refresh();
            assertThat(repository
                            .index()
                            .packfiles()
                            .isMissing(repository.index().packfiles().ordinal(written.getLast())))
                    .isTrue();
            Mac only = repository.snapshots().getFirst();
            assertThat(repository.index().find(ResourceType.SNAPSHOT, only)).isNull();
        }
    }

    /**
     * The walk and the workers wait for a slow store when it fails: what is told is why it did, not that they were stopped, and
     * nobody waits for ever.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aStoreThatFailsWhileAllWaitForIt(int workers) throws IOException {
        MemorySource many = source(0, 3000, 40_000);
        try (Repository repository = TestStores.open(store, real -> {
            FaultyStorage slow = new FaultyStorage(real, FaultyStorage.Fault.DEAD, 8);
            slow.beforeChange = () -> LockSupport.parkNanos(100_000_000);
            return slow;
        })) {
            assertThatThrownBy(() -> Backup.run(
                            repository, List.of(many), TestStores.options(store, workers), new TestStores.Events()))
                    .hasMessageContaining("as the test wants it");
        }
    }

    /** The store opens, the earlier snapshot is whole, and the next backup works. */
    private void assertSound(MemorySource next) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.hasMissingPackfiles()).isFalse();
            SnapshotAudit.all(repository);
        }
        assertRestores(earlier, before);
        BackupResult result = TestStores.backUp(store, next);
        assertRestores(result.header().identifier(), next);
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.hasMissingPackfiles()).isFalse();
            SnapshotAudit.all(repository);
        }
    }

    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void atEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        MemorySource source = source(3, 7);
        boolean isDone = false;
        for (int at = 1; !isDone; at++) {
            assertThat(at).isLessThan(40);
            create(at, fault);
            FaultyStorage[] storage = new FaultyStorage[1];
            int failAt = at;
            boolean failed = false;
            TestStores.Events events = new TestStores.Events();
            List<String> notices = new ArrayList<>();
            try (Repository repository =
                    TestStores.open(store, real -> storage[0] = new FaultyStorage(real, fault, failAt))) {
                repository.useNotices(notices::add);
                Backup.run(repository, List.of(source), TestStores.options(store, 2), events);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("as the test wants it");
                failed = true;
            }
            isDone = storage[0].changes.get() < at;
            if (!failed) {
                // The one thing that may fail without harm is the removal of the lock.
                assertThat(isDone || notices.toString().contains("lock")).isTrue();
            }
            try (Repository repository = TestStores.open(store)) {
                boolean isThere = repository.snapshots().contains(events.snapshot);
                boolean answerLost = fault == FaultyStorage.Fault.DONE_BUT_DEAD;
                assertThat(isThere).as("change %s", at).isEqualTo(!failed || answerLost && isThere);
            }
            if (fault == FaultyStorage.Fault.ONCE && failed && at > 1) {
                try (Repository repository = TestStores.open(store)) {
                    assertThat(repository.storage().list(ObjectKind.LOCK)).isEmpty();
                }
            }
            assertSound(source);
        }
    }

    private void create(int round, FaultyStorage.Fault fault) throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve("store-" + fault + round));
        earlier = TestStores.backUp(store, before).header().identifier();
    }

    @Test
    void theImporterFailsInItsScan() throws IOException {
        MemorySource source = source(0, 7);
        MemorySource broken = new MemorySource("/s");
        broken.items().addAll(source.items());
        broken.file("/s/last", 1, () -> {
            throw new IllegalArgumentException("a bug");
        });
        assertThatThrownBy(() -> TestStores.backUp(store, broken)).isInstanceOf(IllegalArgumentException.class);
        assertNoLock();
        assertNoThread();
        assertSound(source);
    }

    private void assertNoLock() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.storage().list(ObjectKind.LOCK)).isEmpty();
        }
    }

    private static void assertNoThread() {
        assertThat(Thread.getAllStackTraces().keySet().stream()
                        .map(Thread::getName)
                        .filter(name -> name.matches("(encode|pack|tree)-\\d+"))
                        .toList())
                .isEmpty();
    }

    /** At any moment: while files are read, while packfiles are written, while trees are built. */
    @Test
    void interruptedAtRandomMoments() throws Exception {
        MemorySource source = source(3, 40);
        for (int i = 0; i < 2_000; i++) {
            source.file("/s/d" + i % 50 + "/f" + i, "content " + i);
        }
        Random random = new Random(5);
        int stopped = 0;
        for (int round = 0; round < 12; round++) {
            create(round, FaultyStorage.Fault.ONCE);
            AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
            AtomicReference<@Nullable BackupResult> done = new AtomicReference<>();
            CountDownLatch begun = new CountDownLatch(1);
            TestStores.Events events = new TestStores.Events();
            Thread backup = Thread.ofPlatform().start(() -> {
                try (Repository repository = TestStores.open(store)) {
                    begun.countDown();
                    done.set(Backup.run(repository, List.of(source), TestStores.options(store, 2), events));
                } catch (Throwable e) {
                    thrown.set(e);
                }
            });
            begun.await();
            TimeUnit.MICROSECONDS.sleep(random.nextInt(150_000));
            backup.interrupt();
            assertThat(backup.join(Duration.ofSeconds(20))).as("it ends").isTrue();
            Throwable failure = thrown.get();
            if (failure != null) {
                stopped++;
                assertThat(failure)
                        .isNotInstanceOfAny(IllegalStateException.class, NullPointerException.class, Error.class);
            }
            assertNoThread();
            assertNoLock();
            try (Repository repository = TestStores.open(store)) {
                assertThat(repository.snapshots().contains(events.snapshot)).isEqualTo(done.get() != null);
            }
            if (round % 8 == 0) {
                assertSound(source);
            }
        }
        assertThat(stopped).isPositive();
    }

    /** A store that takes its time stops the reading: what is under way stays bounded, and nothing waits for ever. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aSlowStore(int workers) throws Exception {
        Path slow = TestStores.create(temporary.resolve("slow"));
        MemorySource source = new MemorySource("/s").directory("/s");
        int files = 50;
        int size = 5 << 20;
        AtomicInteger given = new AtomicInteger();
        for (int i = 0; i < files; i++) {
            int seed = i;
            source.file("/s/f" + i, size, () -> new Generated(seed, size, given));
        }
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        AtomicReference<@Nullable BackupResult> done = new AtomicReference<>();
        Thread backup = Thread.ofPlatform().start(() -> {
            try (Repository repository = TestStores.open(slow, real -> {
                FaultyStorage storage = new FaultyStorage(real, FaultyStorage.Fault.ONCE, Integer.MAX_VALUE);
                AtomicInteger changes = new AtomicInteger();
                storage.beforeChange = () -> {
                    if (changes.incrementAndGet() > 1) { // the lock goes through
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }
                };
                return storage;
            })) {
                done.set(Backup.run(
                        repository, List.of(source), TestStores.options(slow, workers), new TestStores.Events()));
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        int last = -1;
        for (int still = 0; still < 4; ) {
            Thread.sleep(150);
            still = given.get() == last ? still + 1 : 0;
            last = given.get();
        }
        assertThat((long) last * (1 << 20))
                .as("bytes read while nothing was written")
                .isLessThan(200L << 20);
        assertThat(backup.isAlive()).isTrue();
        goOn.countDown();
        assertThat(backup.join(Duration.ofSeconds(60))).isTrue();
        assertThat(thrown.get()).isNull();
        BackupResult result = done.get();
        assertThat(result).isNotNull();
        assertThat(result.sourceBytes()).isEqualTo((long) files * size);
        MemoryTarget target = TestStores.restore(slow, result.header().identifier(), "/s");
        assertThat(target.files).hasSize(files);
        for (int i = 0; i < files; i += 20) {
            byte[] expected = new byte[size];
            new Generated(i, size, given).read(MemorySegment.ofArray(expected));
            assertThat(Arrays.equals(target.files.get("f" + i), expected)).isTrue();
        }
    }

    /** Random bytes that are made as they are read; counts MiB. */
    private static final class Generated implements ImportRecord.Content {
        private final Random random;
        private final AtomicInteger given;
        private long left;

        Generated(int seed, long size, AtomicInteger given) {
            this.random = new Random(seed);
            this.left = size;
            this.given = given;
        }

        @Override
        public long read(MemorySegment into) {
            long done = 0;
            byte[] piece = new byte[1 << 20];
            while (left > 0 && done + piece.length <= into.byteSize()) {
                random.nextBytes(piece);
                MemorySegment.copy(MemorySegment.ofArray(piece), 0, into, done, piece.length);
                done += piece.length;
                left -= piece.length;
                given.incrementAndGet();
            }
            if (left > 0) {
                byte[] rest = new byte[(int) (into.byteSize() - done)];
                if (rest.length > 0) {
                    throw new IllegalStateException("read in other pieces than MiB");
                }
            }
            return done;
        }

        @Override
        public void close() {}
    }

    @Test
    void twoBackupsAtOnce() throws Exception {
        MemorySource one = source(0, 25);
        MemorySource two = source(15, 40);
        List<BackupResult> results = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (MemorySource source : List.of(one, two)) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    BackupResult result = TestStores.backUp(store, source);
                    synchronized (results) {
                        results.add(result);
                    }
                } catch (Throwable e) {
                    synchronized (results) {
                        failures.add(e);
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(results).hasSize(2);
        for (BackupResult result : results) {
            MemoryTarget target = TestStores.restore(store, result.header().identifier(), "/s");
            assertThat(target.files).hasSize(25);
        }
        assertNoLock();
        assertSound(one);
    }
}
