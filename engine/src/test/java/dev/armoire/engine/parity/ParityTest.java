// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceEvents;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.packfile.Compression;
import dev.armoire.simd.ReedSolomon;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParityTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private final List<String> told = new ArrayList<>();

    private final ParityEvents events = new ParityEvents() {
        @Override
        public void notice(String text) {
            told.add(text);
        }

        @Override
        public void damagedParity(Mac parity, String reason) {
            told.add("parity: " + reason);
        }

        @Override
        public void damagedPackfile(Mac packfile, String reason) {
            told.add("damaged: " + packfile.hex() + reason);
        }

        @Override
        public void healed(Mac packfile, long bytes, boolean wasMissing) {
            told.add("healed " + packfile.hex());
        }

        @Override
        public void notHealed(Mac packfile, String reason) {
            told.add("not healed: " + reason);
        }
    };

    private void create(String name) throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve(name));
        TestStores.backUp(store, source(0, 14));
    }

    private static MemorySource source(int from, int count) {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = from; i < from + count; i++) {
            byte[] content = new byte[60_000];
            new Random(i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        return source;
    }

    private Parity.Result parity(@Nullable Integer percent, boolean applies) throws IOException {
        return parity(percent, applies, storage -> storage);
    }

    private Parity.Result parity(@Nullable Integer percent, boolean applies, UnaryOperator<Storage> wrapper)
            throws IOException {
        try (Repository repository = TestStores.open(store, wrapper)) {
            return Parity.update(repository, percent, true, applies, events);
        }
    }

    private Heal.Result heal(boolean applies) throws IOException {
        return heal(applies, storage -> storage);
    }

    private Heal.Result heal(boolean applies, UnaryOperator<Storage> wrapper) throws IOException {
        try (Repository repository = TestStores.open(store, wrapper)) {
            return Heal.run(repository, applies, events);
        }
    }

    private List<Path> files(String folder) throws IOException {
        if (!Files.exists(store.resolve(folder))) {
            return List.of();
        }
        try (var files = Files.walk(store.resolve(folder))) {
            return files.filter(file -> file.getFileName().toString().length() == 64 && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        }
    }

    private Map<Path, byte[]> contents(String folder) throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        for (Path file : files(folder)) {
            contents.put(file, Files.readAllBytes(file));
        }
        return contents;
    }

    private static void assertSame(Map<Path, byte[]> is, Map<Path, byte[]> was) {
        assertThat(is.keySet()).isEqualTo(was.keySet());
        is.forEach((file, bytes) -> assertThat(Arrays.equals(bytes, was.get(file)))
                .as(file.toString())
                .isTrue());
    }

    private void assertWhole() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.hasMissingPackfiles()).isFalse();
            SnapshotAudit.all(repository);
        }
    }

    private static void damage(Path file, Random random, int places) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < places; i++) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        rewrite(file, bytes);
    }

    /** In place: who has the file open sees it, too. */
    private static void rewrite(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 10, 100})
    void damageUpToTheShareHealsToTheSameBytes(int percent) throws IOException {
        create("store");
        Parity.Result plan = parity(percent, false);
        assertThat(files("parity")).isEmpty();
        Parity.Result made = parity(percent, true);
        assertThat(made).isEqualTo(plan);
        assertThat(made.covered()).isEqualTo(files("packfiles").size()).isGreaterThan(3);
        Map<Path, byte[]> before = contents("packfiles");
        Random random = new Random(percent);
        List<Path> packfiles = new ArrayList<>(before.keySet());
        for (int round = 0; round < 12; round++) {
            Collections.shuffle(packfiles, random);
            Path hit = packfiles.getFirst();
            switch (round % 4) {
                case 0 -> Files.delete(hit);
                case 1 -> {
                    // Eight places in all, so no more than eight in a row.
                    for (int i = 0; i < 4; i++) {
                        damage(packfiles.get(i), random, 2);
                    }
                }
                case 2 -> rewrite(hit, Arrays.copyOf(before.get(hit), random.nextInt(before.get(hit).length)));
                default -> {
                    byte[] longer = Arrays.copyOf(before.get(hit), before.get(hit).length + 100);
                    Arrays.fill(longer, 1000, longer.length / 2, (byte) 7);
                    rewrite(hit, longer);
                }
            }
            assertThat(heal(false).notHealed()).isZero();
            Heal.Result result = heal(true);
            assertThat(result.notHealed()).isZero();
            assertThat(result.healed()).isPositive();
            assertSame(contents("packfiles"), before);
        }
        assertThat(heal(true)).isEqualTo(new Heal.Result(0, 0));
        assertWhole();
    }

    @Test
    void anEncryptedStoreHeals() throws IOException {
        store = TestStores.create(temporary.resolve("store"), Hashing.SHA256, Compression.LZ4, true);
        TestStores.backUp(store, source(0, 4));
        // Opened once: each time costs a derivation of the key.
        try (Repository repository = TestStores.open(store)) {
            Parity.update(repository, null, false, true, events);
            Map<Path, byte[]> before = contents("packfiles");
            Random random = new Random(3);
            for (Path file : before.keySet()) {
                damage(file, random, 3);
            }
            assertThat(Heal.run(repository, true, events)).isEqualTo(new Heal.Result(before.size(), 0));
            assertSame(contents("packfiles"), before);
            SnapshotAudit.all(repository);
        }
    }

    @Test
    void whatIsTooMuchIsSaidAndNothingGetsWorse() throws IOException {
        create("store");
        parity(10, true);
        List<Path> packfiles = new ArrayList<>(files("packfiles"));
        packfiles.sort((a, b) -> Long.compare(b.toFile().length(), a.toFile().length()));
        Files.delete(packfiles.get(0));
        Files.delete(packfiles.get(1));
        damage(packfiles.get(2), new Random(1), 1);
        Map<Path, byte[]> before = contents("packfiles");

        assertThat(heal(true).notHealed()).isPositive();

        assertThat(told).anyMatch(text -> text.contains("not healed: too much is damaged"));
        Map<Path, byte[]> after = contents("packfiles");
        assertThat(after.keySet()).isEqualTo(before.keySet());
        after.remove(packfiles.get(2)); // in a row of its own it may have been healed
        before.remove(packfiles.get(2));
        assertSame(after, before);
        // Parity that others may still be healed from is not made anew without them.
        parity(20, true);
        try (Repository repository = TestStores.open(store)) {
            for (Path lost : packfiles.subList(0, 2)) {
                assertThat(Heal.covered(repository, events))
                        .contains(Mac.parse(lost.getFileName().toString()));
            }
        }
    }

    @Test
    void onlyWhatIsNewIsCoveredAndSmallGroupsGrow() throws IOException {
        create("store");
        Parity.Result first = parity(null, true);
        assertThat(first.made()).isEqualTo(2); // one is full, the other one is not
        assertThat(parity(null, true)).extracting(Parity.Result::made).isEqualTo(0L);
        int packfiles = files("packfiles").size();

        TestStores.backUp(store, source(20, 3));
        Parity.Result second = parity(null, true);

        int added = files("packfiles").size() - packfiles;
        assertThat(second.covered()).isBetween((long) added, (long) packfiles);
        assertThat(second.kept() + second.covered()).isEqualTo(packfiles + added);
        assertThat(second.removed()).isLessThan(2);
        int groups = files("parity").size();
        assertThat(groups).isEqualTo((int) (2 - second.removed() + second.made()));

        assertThat(parity(50, true).removed()).isEqualTo(groups);
        assertThat(parity(null, true).made()).isZero();
        assertWhole();
    }

    @Test
    void damageToParityIsFoundAndMended() throws IOException {
        create("store");
        parity(null, true);
        Path parity = files("parity").getFirst();
        byte[] good = Files.readAllBytes(parity);
        Map<Path, byte[]> before = contents("packfiles");

        // One of two headers, and parity cells: what is left still heals.
        byte[] bytes = good.clone();
        bytes[20] ^= 1;
        bytes[bytes.length / 2] ^= 1;
        rewrite(parity, bytes);
        for (Path packfile : before.keySet()) {
            if (isCoveredBy(parity, packfile)) {
                damage(packfile, new Random(1), 3);
                assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
                break;
            }
        }
        assertSame(contents("packfiles"), before);
        assertThat(parity(null, false).damaged()).isEqualTo(1);
        assertThat(parity(null, true).made()).isPositive();
        assertThat(files("parity")).doesNotContain(parity);
        told.clear();
        assertThat(parity(null, true).made() + told.size()).isZero();

        // Both headers.
        parity = files("parity").getFirst();
        bytes = Files.readAllBytes(parity);
        bytes[50] ^= 1;
        bytes[bytes.length - 50] ^= 1;
        rewrite(parity, bytes);
        assertThat(heal(true)).isEqualTo(new Heal.Result(0, 0));
        assertThat(told).anyMatch(text -> text.contains("both copies of its header are damaged"));
        assertThat(parity(null, true).made()).isPositive();
        assertThat(files("parity")).doesNotContain(parity);
        assertThat(parity(null, true).made()).isZero();
    }

    @Test
    void damageToOneCopyOfAHeaderIsFound() throws IOException {
        create("store");
        parity(null, true);
        Path parity = files("parity").getFirst();
        byte[] good = Files.readAllBytes(parity);
        for (int at : new int[] {0, 40, good.length - 1, good.length - Long.BYTES - 1, good.length - 100}) {
            byte[] bytes = good.clone();
            bytes[at] ^= 1;
            rewrite(parity, bytes);
            assertThat(parity(null, false).damaged()).as("byte %d", at).isEqualTo(1);
        }
        rewrite(parity, good);
        assertThat(parity(null, false).damaged()).isZero();
    }

    private boolean isCoveredBy(Path parity, Path packfile) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return ParityFile.load(repository, Mac.parse(parity.getFileName().toString())).members().stream()
                    .anyMatch(member -> member.packfile()
                            .hex()
                            .equals(packfile.getFileName().toString()));
        }
    }

    @Test
    void aDamagedPackfileIsNotCovered() throws IOException {
        create("store");
        Path hit = files("packfiles").getFirst();
        damage(hit, new Random(5), 1);
        Parity.Result result = parity(null, true);
        assertThat(told).anyMatch(text -> text.startsWith("damaged: " + hit.getFileName()));
        assertThat(result.uncovered()).isEqualTo(1);
        assertThat(result.covered()).isEqualTo(files("packfiles").size() - 1);
        assertThat(heal(true)).isEqualTo(new Heal.Result(0, 0));
    }

    @Test
    void maintenanceTakesWhatItRemovesOutOfParity() throws IOException {
        create("store");
        Mac gone = TestStores.backUp(store, source(30, 6)).header().identifier();
        parity(null, true);
        try (Repository repository = TestStores.open(store)) {
            repository.removeSnapshot(gone);
        }
        int before = files("packfiles").size();
        for (Duration later : List.of(Duration.ZERO, Duration.ofDays(8))) {
            try (Repository repository = TestStores.open(store)) {
                maintain(repository, later);
            }
        }
        assertThat(files("packfiles")).hasSizeLessThan(before);
        assertThat(parity(null, true).made()).isZero();
        Map<Path, byte[]> kept = contents("packfiles");
        Files.delete(files("packfiles").getFirst());
        assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
        assertSame(contents("packfiles"), kept);
        assertWhole();
    }

    private void maintain(Repository repository, Duration later) throws IOException {
        var options = new MaintenanceOptions(
                Instant.now().plus(later), Duration.ofDays(7), Duration.ZERO, false, false, false, 0);
        Maintenance.run(repository, options, new MaintenanceEvents() {
            @Override
            public void notice(String text) {
                told.add(text);
            }

            @Override
            public void rewritten(Mac from, Mac to) {}

            @Override
            public void waiting(String why) {}
        });
    }

    /** What must go waits while what stays is damaged and may be healed with its help. */
    @Test
    void maintenanceKeepsWhatHealingNeeds() throws IOException {
        create("store");
        Map<Path, byte[]> needed = contents("packfiles");
        Mac gone = TestStores.backUp(store, source(30, 6)).header().identifier();
        parity(4, true); // one group of all
        try (Repository repository = TestStores.open(store)) {
            repository.removeSnapshot(gone);
            maintain(repository, Duration.ZERO);
        }
        Path hit = needed.keySet().iterator().next();
        byte[] bytes = needed.get(hit).clone();
        bytes[bytes.length / 2] ^= 1; // in padding or content: maintenance itself does not read it
        rewrite(hit, bytes);
        List<Path> before = files("packfiles");
        try (Repository repository = TestStores.open(store)) {
            maintain(repository, Duration.ofDays(8));
        } catch (CorruptDataException e) {
            assertThat(e).hasMessageContaining("nothing is removed"); // it was needed to find out what is needed
        }
        assertThat(files("packfiles")).isEqualTo(before);
        assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
        try (Repository repository = TestStores.open(store)) {
            maintain(repository, Duration.ofDays(8));
        }
        assertThat(files("packfiles")).hasSizeLessThan(before.size());
        assertThat(heal(true)).isEqualTo(new Heal.Result(0, 0));
        assertWhole();
    }

    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        create("store");
        parity(null, true);
        TestStores.backUp(store, source(20, 3));
        Map<Path, byte[]> before = contents("packfiles");
        Map<Path, byte[]> parityBefore = contents("parity");
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(10);
            for (Path file : files("parity")) {
                Files.delete(file);
            }
            for (Map.Entry<Path, byte[]> file : parityBefore.entrySet()) {
                Files.write(file.getKey(), file.getValue());
            }
            isDone = stopped(fault, failAt, storage -> parity(null, true, storage));
            assertSame(contents("packfiles"), before);
            // What was covered still is.
            Path hit = before.keySet().iterator().next();
            parity(null, true);
            Files.delete(hit);
            assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
            assertSame(contents("packfiles"), before);
        }
        isDone = false;
        List<Path> packfiles = List.copyOf(before.keySet());
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(10);
            Files.delete(packfiles.get(0));
            damage(packfiles.get(1), new Random(failAt), 1);
            Map<Path, byte[]> damaged = contents("packfiles");
            isDone = stopped(fault, failAt, storage -> heal(true, storage));
            contents("packfiles")
                    .forEach((file, bytes) -> assertThat(
                                    Arrays.equals(bytes, before.get(file)) || Arrays.equals(bytes, damaged.get(file)))
                            .isTrue());
            heal(true);
            assertSame(contents("packfiles"), before);
        }
        assertWhole();
    }

    /** Removing packfiles that parity covers makes parity anew first: wherever that stops, what stays is covered. */
    @ParameterizedTest
    @EnumSource(
            value = FaultyStorage.Fault.class,
            names = {"ONCE", "DONE_BUT_DEAD"})
    void maintenanceStoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        create("store");
        Map<Path, byte[]> needed = contents("packfiles");
        Mac gone = TestStores.backUp(store, source(30, 3)).header().identifier();
        parity(4, true);
        try (Repository repository = TestStores.open(store)) {
            repository.removeSnapshot(gone);
            maintain(repository, Duration.ZERO);
        }
        Map<Path, byte[]> before = everything();
        Path hit = needed.keySet().iterator().next();
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(20);
            restore(before);
            isDone = stopped(fault, failAt, storage -> {
                try (Repository repository = TestStores.open(store, storage)) {
                    maintain(repository, Duration.ofDays(8));
                }
            });
            for (Path lock : files("locks")) {
                Files.delete(lock);
            }
            Files.delete(hit);
            assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
            assertWhole();
            try (Repository repository = TestStores.open(store)) {
                maintain(repository, Duration.ofDays(8));
            }
            assertSame(contents("packfiles"), needed);
            parity(null, true);
            Files.delete(hit);
            assertThat(heal(true)).isEqualTo(new Heal.Result(1, 0));
            assertSame(contents("packfiles"), needed);
        }
    }

    private Map<Path, byte[]> everything() throws IOException {
        Map<Path, byte[]> all = contents("packfiles");
        all.putAll(contents("states"));
        all.putAll(contents("parity"));
        return all;
    }

    /** The store as it was. */
    private void restore(Map<Path, byte[]> all) throws IOException {
        for (String folder : List.of("packfiles", "states", "parity")) {
            for (Path file : files(folder)) {
                if (!all.containsKey(file)) {
                    Files.delete(file);
                }
            }
        }
        for (Map.Entry<Path, byte[]> file : all.entrySet()) {
            if (!Files.exists(file.getKey())) {
                Files.write(file.getKey(), file.getValue());
            }
        }
    }

    @FunctionalInterface
    private interface Work {
        void run(UnaryOperator<Storage> wrapper) throws IOException;
    }

    /** Whether it came to its end without a fault. */
    private static boolean stopped(FaultyStorage.Fault fault, int failAt, Work work) throws IOException {
        FaultyStorage[] storage = new FaultyStorage[1];
        try {
            work.run(real -> storage[0] = new FaultyStorage(real, fault, failAt));
        } catch (IOException | UncheckedIOException e) {
            assertThat(e).hasMessageContaining("as the test wants it");
        }
        return storage[0].changes.get() < failAt;
    }

    /** Whatever the bytes are: an error of the two kinds, or what can be so. Also with a MAC that is right. */
    @Test
    void hostileParityIsRefused() throws IOException {
        create("store");
        parity(null, true);
        Map<Path, byte[]> before = contents("packfiles");
        Path file = files("parity").getFirst();
        byte[] good = Files.readAllBytes(file);
        Mac name = Mac.parse(file.getFileName().toString());
        Random random = new Random(7);
        int accepted = 0;
        try (Repository repository = TestStores.open(store)) {
            int header = (int) ParityFile.load(repository, name).headerBytes();
            for (int round = 0; round < 300; round++) {
                byte[] bytes = good.clone();
                for (int i = 0; i <= random.nextInt(3); i++) {
                    int at = random.nextInt(round % 2 == 0 ? 32 : header);
                    bytes[at] = (byte) random.nextInt(256);
                }
                if (round % 3 != 0) {
                    MemorySegment forged = MemorySegment.ofArray(bytes).asSlice(0, header);
                    ParityFile.headerMac(name, forged, repository.keys().newMacHasher())
                            .write(forged, header - Mac.BYTES);
                }
                Arrays.fill(bytes, bytes.length - 8 - header, bytes.length, (byte) round);
                rewrite(file, bytes);
                try {
                    ParityFile parsed = ParityFile.load(repository, name);
                    accepted++;
                    assertThat(parsed.columns()).isBetween(1, ReedSolomon.MAX_COLUMNS);
                } catch (CorruptDataException | UnsupportedVersionException e) {
                    assertThat(e.getMessage()).isNotEmpty();
                }
                if (round % 30 == 1) {
                    Files.write(packfileOf(before), new byte[] {1, 2, 3});
                    Heal.run(repository, true, events);
                    byte[] after = Files.readAllBytes(packfileOf(before));
                    assertThat(after.length == 3 || Arrays.equals(after, before.get(packfileOf(before))))
                            .isTrue();
                    rewrite(packfileOf(before), before.get(packfileOf(before)));
                }
                rewrite(file, good);
            }
        }
        assertThat(accepted).isPositive();
        assertThatThrownBy(() -> {
                    rewrite(file, new byte[10]);
                    try (Repository repository = TestStores.open(store)) {
                        ParityFile.load(repository, name);
                    }
                })
                .isInstanceOf(CorruptDataException.class);
        assertSame(contents("packfiles"), before);
    }

    private static Path packfileOf(Map<Path, byte[]> contents) {
        return contents.keySet().iterator().next();
    }
}
