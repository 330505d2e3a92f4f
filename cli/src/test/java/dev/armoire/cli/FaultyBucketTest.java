// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A backup to a bucket that is cut off, and taken up again; what else befalls such stores is tried by {@link FarFaults}. */
final class FaultyBucketTest {
    @TempDir
    static Path folder;

    private static Buckets buckets;

    @BeforeAll
    static void makeStore() throws Exception {
        System.setProperty("armoire.s3.pause", "1");
        buckets = Buckets.start(folder);
    }

    @AfterAll
    static void stop() {
        System.clearProperty("armoire.s3.pause");
        buckets.close();
    }

    private static Storage open(int port, String store) throws IOException {
        Location location = Location.parse(Buckets.location(port, store));
        return Objects.requireNonNull(StorageFactory.find(location)).open(location, Buckets.settings());
    }

    @Test
    void whatAKilledBackupHasStoredIsNotStoredAgain() throws Exception {
        Path many = folder.resolve("many");
        Files.createDirectories(many);
        int files = 16;
        byte[] content = new byte[512 << 10];
        Random random = new Random(7);
        for (int i = 0; i < files; i++) {
            random.nextBytes(content);
            Files.write(many.resolve("f" + i), content);
        }
        long total = (long) files * content.length;
        long packfileBytes = 512 << 10;
        buckets.createWithPackfilesOf(packfileBytes, "resumed");

        long before;
        try (FaultProxy proxy = new FaultProxy(buckets.port(), 0, 0, FaultProxy.Fault.OF_BUCKETS)) {
            proxy.dieAfter(18);
            assertThatThrownBy(() -> backUp(proxy.port(), many)).isInstanceOf(IOException.class);
            before = proxy.stored();
        }
        assertThat(before).isBetween(total / 4, total);
        try (FaultProxy proxy = new FaultProxy(buckets.port(), 0, 0, FaultProxy.Fault.OF_BUCKETS)) {
            backUp(proxy.port(), many);
            // Only what was under way.
            assertThat(before + proxy.stored()).isLessThan(total + 6 * packfileBytes);
        }
    }

    /** Services refuse what was signed a quarter of an hour before or after their time, and say what time it is. */
    @ParameterizedTest
    @ValueSource(ints = {-1, 1})
    void aClockThatIsAnHourOffIsAllowedFor(int hours) throws Exception {
        ArmoireRun run = new ArmoireRun(folder.resolve("clock" + hours)).withStoreAndSource();
        String store = "clock" + hours;
        try (FaultProxy late = new FaultProxy(buckets.port(), 0, 0, FaultProxy.Fault.OF_BUCKETS)) {
            late.setClock(Duration.ofHours(hours));
            Buckets.name(run, store, late.port(), store);
            succeeds(run.run("at", "@" + store, "create", "-plaintext"));
            succeeds(run.run("at", "@" + store, "backup", run.path("source")));
            succeeds(run.run("at", "@" + store, "check"));
            succeeds(run.run("at", "@" + store, "restore", "-to", run.path("back")));
            assertThat(run.tree("back")).isEqualTo(run.tree("source"));
            assertThat(late.faults()).containsKey(FaultProxy.Fault.CLOCK_SKEW);
        }
    }

    /** Two packfiles on their way there, and what readers have asked for on the way back, however many could be. */
    @Test
    void moreConnectionsTakeNoMoreMemory() throws Exception {
        ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
        byte[] content = new byte[8 << 20];
        new Random(5).nextBytes(content);
        Files.write(folder.resolve("source/large"), content);
        long packfileBytes = 1 << 20;
        for (int connections : new int[] {1, 16, 64}) {
            String store = "with" + connections;
            buckets.createWithPackfilesOf(packfileBytes, store);
            try (FaultProxy slow = slow()) {
                Buckets.name(run, store, slow.port(), store);
                succeeds(run.run("store", "set", store, "connections=" + connections));
                succeeds(run.run("at", "@" + store, "backup", run.path("source")));
                assertThat(slow.stored()).isGreaterThan(content.length);
                assertThat(slow.mostHeld()).as(store).isBetween(packfileBytes / 2, 4 * packfileBytes);
            }
            try (FaultProxy slow = slow()) {
                succeeds(run.run("store", "set", store, "location=" + Buckets.location(slow.port(), store)));
                succeeds(run.run(
                        "-concurrency", "1", "at", "@" + store, "restore", "-to", run.path("to" + connections)));
                assertThat(slow.mostHeld()).as(store).isBetween(packfileBytes / 2, 4 * packfileBytes);
            }
        }
    }

    private static void succeeds(ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    }

    private static FaultProxy slow() throws IOException {
        return new FaultProxy(buckets.port(), 0, 1, Set.of(FaultProxy.Fault.LATENCY));
    }

    private static void backUp(int port, Path tree) throws IOException {
        Location location = Location.parse(tree.toString());
        try (Repository repository = Repository.open(open(port, "resumed"), () -> new byte[0], "here");
                Importer importer = Objects.requireNonNull(ImporterFactory.find(location))
                        .open(location, new ImportOptions((path, isDirectory) -> false, false, Map.of(), List.of()))) {
            Backup.run(repository, List.of(importer), BackupOptions.unnamed(true, 2, folder, "", false), new Silent());
        }
    }

    private static final class Silent implements BackupEvents {
        @Override
        public void started(Mac id) {}

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason) {
            throw new IllegalStateException(reason);
        }

        @Override
        public void notice(String text) {}
    }
}
