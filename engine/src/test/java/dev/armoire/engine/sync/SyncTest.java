// SPDX-License-Identifier: ISC
package dev.armoire.engine.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.snapshot.Fixtures;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SyncTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private final List<String> failures = new ArrayList<>();

    private final SyncEvents events = new SyncEvents() {
        @Override
        public void started(SnapshotHeader snapshot) {}

        @Override
        public void done(SnapshotHeader snapshot, BackupResult result) {}

        @Override
        public void failed(SnapshotHeader snapshot, String reason, boolean isDamage) {
            failures.add(snapshot.identifier().hex() + ": " + reason);
        }

        @Override
        public void notice(String text) {}
    };

    private Sync.Result sync(Repository from, Repository to) throws IOException {
        return Sync.run(from, to, headers(from), TestStores.options(temporary.resolve("x"), 2), events);
    }

    private static List<SnapshotHeader> headers(Repository store) {
        return Snapshot.headers(store, (id, problem) -> {
            throw new AssertionError(problem);
        });
    }

    /** Everything that a snapshot says, in a form that does not depend on keys; contents as their hash code. */
    private static List<String> told(Repository store, Mac id) {
        List<String> lines = new ArrayList<>();
        try (BlobReader reader = store.newReader()) {
            Snapshot snapshot = Snapshot.open(reader, id);
            SnapshotHeader header = snapshot.header();
            lines.add(header.timestamp() + " " + header.name() + " " + header.category() + " " + header.environment()
                    + " " + header.perimeter() + " " + header.job() + " " + header.tags() + " " + header.context() + " "
                    + header.source().type() + " " + header.source().origin() + " "
                    + SnapshotPath.display(header.source().directory()) + " "
                    + summary(header));
            snapshot.forEachError(
                    SnapshotPath.ROOT,
                    error -> lines.add(SnapshotPath.display(error.path()) + " failed: " + error.message()));
            var numbers = DeviceNumbers.fromContext(header.source().context());
            List<byte[]> directories = new ArrayList<>(List.of(SnapshotPath.ROOT));
            while (!directories.isEmpty()) {
                snapshot.forEachChild(directories.removeLast(), (entry, mac) -> {
                    lines.add(line(store, snapshot, entry)
                            + (FileMode.isDevice(entry.info().mode())
                                    ? numbers.get(DeviceNumbers.key(entry.path()))
                                    : ""));
                    if (entry.isDirectory()) {
                        directories.add(entry.path());
                    }
                    return true;
                });
            }
        }
        return lines;
    }

    private static String summary(SnapshotHeader header) {
        MsgpackWriter writer = new MsgpackWriter();
        header.source().summary().encode(writer);
        return HexFormat.of().formatHex(writer.written().toArray(ValueLayout.JAVA_BYTE));
    }

    private static String line(Repository store, Snapshot snapshot, Entry entry) {
        StringBuilder line = new StringBuilder(SnapshotPath.display(entry.path()));
        line.append(' ').append(entry.info()).append(' ').append(entry.contentType());
        line.append(' ')
                .append(SnapshotPath.display(entry.linkTarget()))
                .append(' ')
                .append(entry.entropy());
        try (BlobReader reader = store.newReader()) {
            if (entry.isRegular()) {
                line.append(' ').append(Arrays.hashCode(ObjectReader.bytes(reader, entry.object(), 1 << 24)));
            }
        }
        for (byte[] name : entry.xattrNames().stream().sorted(Arrays::compare).toList()) {
            byte[] value = snapshot.xattrValue(entry.path(), name, 1 << 16);
            if (value != null) {
                line.append(' ').append(SnapshotPath.display(name)).append('=').append(Arrays.hashCode(value));
            }
        }
        return line.toString();
    }

    record Kind(String from, Hashing hashing, Compression compression, boolean isEncrypted) {}

    static Stream<Kind> kinds() {
        Stream.Builder<Kind> kinds = Stream.builder();
        int turn = 0;
        for (String from : Fixtures.ALL) {
            kinds.add(new Kind(
                    from,
                    turn % 2 == 0 ? Hashing.SHA256 : Hashing.BLAKE3,
                    turn % 3 == 0 ? Compression.NONE : Compression.LZ4,
                    turn % 2 == 1));
            turn++;
        }
        return kinds.build();
    }

    /** Stores of real Plakar to new ones of all kinds, and from those on to another one. */
    @ParameterizedTest
    @MethodSource("kinds")
    void whatASnapshotSaysArrives(Kind kind) throws IOException {
        Path middle = TestStores.create(temporary.resolve("middle"), kind.hashing, kind.compression, kind.isEncrypted);
        Path last = TestStores.create(temporary.resolve("last"));
        try (Repository source = Fixtures.open(Fixtures.path(kind.from))) {
            source.refresh();
            try (Repository target = TestStores.open(middle)) {
                Sync.Result result = sync(source, target);
                assertThat(failures).isEmpty();
                assertThat(result.synced()).isEqualTo(source.snapshots().size()).isPositive();
                assertThat(sync(source, target).present()).isEqualTo(result.synced());
            }
            try (Repository passed = TestStores.open(middle);
                    Repository target = TestStores.open(last)) {
                sync(passed, target);
                SnapshotAudit.all(target);
            }
            try (Repository passed = TestStores.open(middle);
                    Repository target = TestStores.open(last)) {
                SnapshotAudit.all(passed);
                assertThat(target.snapshots()).containsExactlyInAnyOrderElementsOf(source.snapshots());
                for (Mac id : source.snapshots()) {
                    assertThat(told(passed, id)).isEqualTo(told(source, id));
                    assertThat(told(target, id)).isEqualTo(told(source, id));
                }
            }
        }
    }

    private static MemorySource source(int seed) {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = 0; i < 6; i++) {
            byte[] content = new byte[i < 3 ? 50_000 : 50_000 + seed];
            new Random(i < 3 ? i : seed + i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        return source;
    }

    @Test
    void aSecondSnapshotBringsOnlyWhatIsNew() throws IOException {
        Path from = TestStores.create(temporary.resolve("from"));
        Path to = TestStores.create(temporary.resolve("to"));
        TestStores.backUp(from, source(10));
        try (Repository source = TestStores.open(from);
                Repository target = TestStores.open(to)) {
            assertThat(sync(source, target).storedBytes()).isGreaterThan(300_000);
        }
        TestStores.backUp(from, source(20));
        try (Repository source = TestStores.open(from);
                Repository target = TestStores.open(to)) {
            Sync.Result result = sync(source, target);
            assertThat(result.synced()).isEqualTo(1);
            assertThat(result.storedBytes()).isBetween(150_000L, 200_000L);
        }
    }

    /** Chunks are compressed as real Plakar did it, which is not how this program does it. */
    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"LZ4", "NONE"})
    void chunksAreCompressedAgainOnlyWhenTheyMustBe(Compression compression) throws IOException {
        Path to = TestStores.create(temporary.resolve("to"), Hashing.SHA256, compression, true);
        try (Repository source = Fixtures.open(Fixtures.path("encrypted"));
                Repository target = TestStores.open(to)) {
            source.refresh();
            sync(source, target);
            SnapshotAudit.all(target);
            int alike = 0;
            int othersByUs = 0;
            int chunks = 0;
            try (BlobReader there = source.newReader();
                    BlobReader here = target.newReader();
                    BlobCodec codec = source.newCodec()) {
                for (Mac id : source.snapshots()) {
                    Snapshot original = Snapshot.open(there, id);
                    Snapshot copy = Snapshot.open(here, id);
                    for (Entry entry : files(original)) {
                        var from = ObjectReader.record(there, entry.object()).chunks();
                        var into = ObjectReader.record(
                                        here,
                                        Objects.requireNonNull(copy.find(entry.path()))
                                                .object())
                                .chunks();
                        assertThat(into).hasSameSizeAs(from);
                        for (int i = 0; i < from.size(); i++) {
                            MemorySegment plain = ObjectReader.chunk(there, from.get(i));
                            assertThat(ObjectReader.chunk(here, into.get(i)).mismatch(plain))
                                    .isEqualTo(-1);
                            chunks++;
                            alike += here.compressed().mismatch(there.compressed()) == -1 ? 1 : 0;
                            MemorySegment again =
                                    MemorySegment.ofArray(new byte[Math.toIntExact(codec.prepare(plain))]);
                            codec.writeTo(again);
                            byte[] stored = again.toArray(ValueLayout.JAVA_BYTE);
                            MemorySegment reopened = codec.decode(MemorySegment.ofArray(stored), 1 << 24);
                            assertThat(reopened.byteSize()).isEqualTo(plain.byteSize());
                            othersByUs += codec.opened().mismatch(there.compressed()) == -1 ? 0 : 1;
                        }
                    }
                }
            }
            assertThat(chunks).isPositive();
            assertThat(othersByUs).isPositive();
            assertThat(alike).isEqualTo(compression == Compression.LZ4 ? chunks : 0);
        }
    }

    private static List<Entry> files(Snapshot snapshot) {
        List<Entry> files = new ArrayList<>();
        List<byte[]> directories = new ArrayList<>(List.of(SnapshotPath.ROOT));
        while (!directories.isEmpty()) {
            snapshot.forEachChild(directories.removeLast(), (entry, mac) -> {
                if (entry.isDirectory()) {
                    directories.add(entry.path());
                } else if (entry.isRegular()) {
                    files.add(entry);
                }
                return true;
            });
        }
        return files;
    }

    /** What a killed run has sent is not sent again, but for the few packfiles that were under way. */
    @ParameterizedTest
    @CsvSource({"13, 1", "35, 1", "13, 1000000000", "18, 1000000000"})
    void aKilledRunIsTakenUpAgain(int killedAt, long checkpointBytes) throws IOException {
        Path from = TestStores.create(temporary.resolve("from"));
        MemorySource files = new MemorySource("/s").directory("/").directory("/s");
        for (int i = 0; i < 40; i++) {
            byte[] content = new byte[50_000];
            new Random(i).nextBytes(content);
            files.file("/s/f" + i, content);
        }
        TestStores.backUp(from, files);
        try (Repository source = TestStores.open(from)) {
            long whole = sentUntil(source, "whole", Integer.MAX_VALUE, checkpointBytes);
            assertThat(whole).isGreaterThan(2_000_000);
            long first = sentUntil(source, "killed", killedAt, checkpointBytes);
            long second = sentUntil(source, "killed", Integer.MAX_VALUE, checkpointBytes);
            assertThat(first).isPositive();
            assertThat(first + second).isLessThan(whole + 3 * 130_000);
            try (Repository target = TestStores.open(temporary.resolve("killed"))) {
                assertThat(target.snapshots()).containsExactlyElementsOf(source.snapshots());
                SnapshotAudit.all(target);
            }
        }
    }

    /** Bytes of packfiles that a run stores which is dead from some change of the store on. */
    private long sentUntil(Repository source, String name, int killedAt, long checkpointBytes) throws IOException {
        Path to = temporary.resolve(name);
        if (!Files.exists(to)) {
            TestStores.createWithSmallPackfiles(to);
        }
        long before = bytes(to.resolve("packfiles"));
        try (Repository target =
                TestStores.open(to, real -> new FaultyStorage(real, FaultyStorage.Fault.DEAD, killedAt))) {
            target.setCheckpointBytes(checkpointBytes);
            sync(source, target);
            assertThat(killedAt).isEqualTo(Integer.MAX_VALUE);
        } catch (IOException | UncheckedIOException e) {
            assertThat(e).hasMessageContaining("as the test wants it");
        }
        return bytes(to.resolve("packfiles")) - before;
    }

    private static long bytes(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    /** Without compression nothing but the MAC shows it. */
    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"LZ4", "NONE"})
    void damageFailsTheSnapshotAndNothingOfItIsSeen(Compression compression) throws IOException {
        Path from = TestStores.create(temporary.resolve("from"), Hashing.BLAKE3, compression, false);
        Path to = TestStores.create(temporary.resolve("to"), Hashing.BLAKE3, compression, false);
        Mac good = TestStores.backUp(from, source(10)).header().identifier();
        Mac bad = TestStores.backUp(from, source(20)).header().identifier();
        try (Repository source = TestStores.open(from)) {
            flipLastChunk(source, from, bad);
        }
        try (Repository source = TestStores.open(from);
                Repository target = TestStores.open(to)) {
            Sync.Result result = sync(source, target);
            assertThat(result.synced()).isEqualTo(1);
            assertThat(result.failed()).isEqualTo(1);
            assertThat(result.isDamaged()).isTrue();
            assertThat(failures)
                    .singleElement()
                    .asString()
                    .startsWith(bad.hex())
                    .contains(": chunk ");
        }
        try (Repository target = TestStores.open(to)) {
            assertThat(target.snapshots()).containsExactly(good);
            assertThat(target.storage().list(ObjectKind.LOCK)).isEmpty();
            SnapshotAudit.all(target);
        }
    }

    private static void flipLastChunk(Repository store, Path folder, Mac id) throws IOException {
        try (BlobReader reader = store.newReader()) {
            Entry entry = Snapshot.open(reader, id).find(SnapshotPath.of("/s/f5"));
            var chunk = ObjectReader.record(reader, entry.object()).chunks().getLast();
            var place = store.index().findExpected(ResourceType.CHUNK, chunk.mac());
            String name = store.index().packfiles().name(place.packfile()).hex();
            Path file =
                    folder.resolve("packfiles").resolve(name.substring(0, 2)).resolve(name);
            byte[] bytes = Files.readAllBytes(file);
            bytes[(int) (16 + place.offset() + place.length() / 2)] ^= 1;
            Files.write(file, bytes, StandardOpenOption.TRUNCATE_EXISTING);
        }
    }

    @Test
    void whatWasRemovedThereDoesNotComeBack() throws IOException {
        Path from = TestStores.create(temporary.resolve("from"));
        Path to = TestStores.create(temporary.resolve("to"));
        Mac id = TestStores.backUp(from, source(10)).header().identifier();
        try (Repository source = TestStores.open(from);
                Repository target = TestStores.open(to)) {
            sync(source, target);
            target.removeSnapshot(id);
            assertThat(sync(source, target).failed()).isEqualTo(1);
            assertThat(failures).singleElement().asString().contains("removed");
        }
    }

    @Test
    void aLockedStoreIsNotWrittenTo() throws IOException {
        Path from = TestStores.create(temporary.resolve("from"));
        Path to = TestStores.create(temporary.resolve("to"));
        TestStores.backUp(from, source(10));
        try (Repository source = TestStores.open(from);
                Repository target = TestStores.open(to);
                RepositoryLock lock = RepositoryLock.exclusive(target, java.time.Duration.ZERO, why -> {})) {
            assertThatThrownBy(() -> sync(source, target)).hasMessageContaining("locked");
            lock.verifyHeld();
        }
    }

    /** Whatever is refused or lost on the way: what is listed is whole, and another run brings the rest. */
    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        Path from = TestStores.create(temporary.resolve("from"));
        TestStores.backUp(from, source(10));
        TestStores.backUp(from, source(20));
        try (Repository source = TestStores.open(from)) {
            Set<Mac> all = new HashSet<>(source.snapshots());
            boolean isDone = false;
            for (int failAt = 1; !isDone; failAt++) {
                assertThat(failAt).isLessThan(40);
                Path to = TestStores.createWithSmallPackfiles(temporary.resolve(fault + "-" + failAt));
                FaultyStorage[] storage = new FaultyStorage[1];
                int point = failAt;
                try (Repository target =
                        TestStores.open(to, real -> storage[0] = new FaultyStorage(real, fault, point))) {
                    sync(source, target);
                } catch (IOException | UncheckedIOException e) {
                    assertThat(e).hasMessageContaining("as the test wants it");
                }
                isDone = storage[0].changes.get() < failAt;
                try (Repository target = TestStores.open(to)) {
                    assertThat(all).containsAll(target.snapshots());
                    SnapshotAudit.all(target);
                    for (Mac lock : target.storage().list(ObjectKind.LOCK)) {
                        target.storage().delete(ObjectKind.LOCK, lock);
                    }
                    sync(source, target);
                }
                try (Repository target = TestStores.open(to)) {
                    assertThat(target.snapshots()).containsExactlyInAnyOrderElementsOf(all);
                    SnapshotAudit.all(target);
                }
            }
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void aDuplicateHasTheSameTreesAndTheTimeOfNow() throws IOException {
        Path store = TestStores.create(temporary.resolve("store"));
        SnapshotHeader original = TestStores.backUp(store, source(10)).header();
        SnapshotHeader copy;
        try (Repository repository = TestStores.open(store)) {
            copy = Duplicate.of(repository, original);
        }
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).containsExactlyInAnyOrder(original.identifier(), copy.identifier());
            SnapshotAudit.all(repository);
            List<SnapshotHeader> headers = new ArrayList<>(headers(repository));
            headers.sort(Comparator.comparing(SnapshotHeader::timestamp));
            assertThat(headers.getLast().identifier()).isEqualTo(copy.identifier());
            assertThat(headers.getLast().source().vfs())
                    .isEqualTo(original.source().vfs());
            assertThat(headers.getLast().context()).isEqualTo(original.context());
        }
    }
}
