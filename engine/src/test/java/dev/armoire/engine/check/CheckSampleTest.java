// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks of a part of the packfiles at a time. */
class CheckSampleTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private Path log;
    private final Recorder recorder = new Recorder();

    @BeforeEach
    void create() throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve("store"));
        log = temporary.resolve("cache/checks/log");
        backUp(0, 12);
    }

    private void backUp(int from, int to) throws IOException {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = from; i < to; i++) {
            byte[] content = new byte[60_000];
            new Random(i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        TestStores.backUp(store, source);
    }

    private List<Mac> packfiles() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return repository.storage().list(ObjectKind.PACKFILE);
        }
    }

    private CheckResult check(int percent, boolean isNewOnly) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return Check.run(
                    repository,
                    new CheckRequest(
                            List.of(), false, true, 2, new CheckRequest.Sample(percent, isNewOnly), ReadLog.load(log)),
                    recorder);
        }
    }

    private Map<Mac, Long> read() throws IOException {
        ReadLog known = ReadLog.load(log);
        Map<Mac, Long> read = new HashMap<>();
        for (Mac packfile : packfiles()) {
            if (known.lastRead(packfile) > 0) {
                read.put(packfile, known.lastRead(packfile));
            }
        }
        return read;
    }

    @Test
    void asManyRunsAsThereArePartsGoThroughAll() throws IOException {
        int all = packfiles().size();
        assertThat(all).isGreaterThan(5);
        for (int run = 1; run <= 4; run++) {
            CheckResult result = check(25, false);
            assertThat(result.packfilesRead()).isEqualTo((all * 25 + 99) / 100);
            assertThat(result.packfilesRead() + result.packfilesLeft()).isEqualTo(all);
            assertThat(result.neverRead()).isEqualTo(all - read().size());
            assertThat(result.storeProblems()).isZero();
        }
        assertThat(read()).hasSize(all);
        assertThat(check(25, false).neverRead()).isZero();
        assertThat(recorder.notices).isEmpty();
    }

    @Test
    void onlyWhatIsNew() throws IOException {
        CheckResult first = check(100, true);
        assertThat(first.packfilesRead()).isEqualTo(packfiles().size());
        assertThat(first.packfilesLeft()).isZero();
        assertThat(check(100, true).packfilesRead()).isZero();
        int before = packfiles().size();

        backUp(20, 24);

        CheckResult next = check(100, true);
        assertThat(next.packfilesRead()).isEqualTo(packfiles().size() - before).isPositive();
        assertThat(next.packfilesLeft()).isEqualTo(before);
        assertThat(next.oldestSeconds()).isPositive();
    }

    @Test
    void whatIsDamagedIsFoundInItsTurnAndAgainBeforeAllOthers() throws IOException {
        Mac victim = packfiles().get(3);
        Stores.flip(Stores.packfile(store, victim.hex()), 500, 1);
        int found = 0;
        for (int run = 0; run < 4; run++) {
            found += check(25, false).storeProblems() > 0 ? 1 : 0;
        }
        assertThat(found).isPositive();
        assertThat(read()).doesNotContainKey(victim).hasSize(packfiles().size() - 1);
        assertThat(check(1, false).storeProblems()).as("the next one in turn").isEqualTo(1);
    }

    @Test
    void aMissingPackfileIsFoundInEachRun() throws IOException {
        Files.delete(Stores.packfile(store, packfiles().getFirst().hex()));
        assertThat(check(1, false).storeProblems()).isEqualTo(1);
        assertThat(check(1, false).storeProblems()).isEqualTo(1);
    }

    @Test
    void aLogThatCannotBeReadIsBegunAnewAndSaid() throws IOException {
        check(100, false);
        byte[] good = Files.readAllBytes(log);
        List<byte[]> broken = new ArrayList<>();
        broken.add(new byte[0]);
        broken.add(java.util.Arrays.copyOf(good, good.length - 1));
        for (int at = 0; at < good.length; at += 7) {
            byte[] changed = good.clone();
            changed[at] ^= 0x10;
            broken.add(changed);
        }
        for (byte[] bytes : broken) {
            Files.write(log, bytes);
            assertThat(ReadLog.load(log).problem()).contains(log.toString());
        }
        recorder.notices.clear();
        assertThat(check(100, true).packfilesRead()).isEqualTo(packfiles().size());
        assertThat(recorder.notices).anyMatch(text -> text.contains("not known"));
        assertThat(read()).hasSameSizeAs(packfiles());
    }

    @Test
    void withoutACacheFolderAnyPartIsReadAndItIsSaid() throws IOException {
        Files.writeString(temporary.resolve("cache"), "in the way");
        CheckResult result = check(25, false);
        assertThat(result.packfilesRead()).isPositive();
        assertThat(recorder.notices).anyMatch(text -> text.contains("not remembered") || text.contains("not known"));
    }

    @Test
    void aCheckThatIsKilledForgetsLittle() throws IOException {
        backUp(100, 140);
        int all = packfiles().size();
        assertThat(all).isGreaterThan(16);
        Set<Mac> begun = ConcurrentHashMap.newKeySet();
        List<Integer> known = Collections.synchronizedList(new ArrayList<>());
        try (Repository repository = TestStores.open(store, real -> new ForwardingStorage(real) {
            @Override
            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
                if (kind == ObjectKind.PACKFILE && begun.add(name)) {
                    known.add(CheckSampleTest.this.read().size()); // what is left if it is killed now
                }
                super.read(kind, name, offset, into);
            }
        })) {
            Check.run(
                    repository,
                    new CheckRequest(List.of(), false, true, 1, new CheckRequest.Sample(100, false), ReadLog.load(log)),
                    recorder);
        }

        assertThat(known).hasSize(all);
        for (int i = 0; i < all; i++) {
            assertThat(known.get(i)).as("before packfile %d", i).isBetween(i - 8, i);
        }
    }
}
