// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Backups to a bucket and restores from it through a network and a service that fail, as seeds say, or that nothing gets
 * through to any more from some request on, as when the program is killed: each run ends right, or with an error that says why,
 * the store is whole, and the next run completes it. {@code -Darmoire.faults=200} makes 200 runs of it instead of a few.
 */
final class FaultyBucketTest {
    private static final int RUNS = Integer.getInteger("armoire.faults", 3);
    private static final double[] SHARES = {0.05, 0.2, 0.5, 0.9};
    /** In the long form packfiles go up in parts. */
    private static final int LARGE_BYTES = RUNS > 10 ? 17 << 20 : 1 << 20;

    @TempDir
    static Path folder;

    private static Buckets buckets;
    private static ArmoireRun run;
    private static String snapshot;

    private final Map<FaultProxy.Fault, Integer> faults = new EnumMap<>(FaultProxy.Fault.class);
    private int right;

    @BeforeAll
    static void makeStore() throws Exception {
        System.setProperty("armoire.s3.pause", "1");
        buckets = Buckets.start(folder);
        run = new ArmoireRun(folder).withStoreAndSource();
        byte[] large = new byte[LARGE_BYTES];
        new Random(1).nextBytes(large);
        Files.write(folder.resolve("source/large"), large);
        for (int i = 0; i < 40; i++) {
            Files.writeString(folder.resolve("source/sub/" + i), "file " + i);
        }
        Buckets.name(run, "good", buckets.port(), "good");
        succeeds("create", run.run("at", "@good", "create", "-plaintext"));
        ArmoireRun.Outcome outcome = run.run("at", "@good", "backup", run.path("source"));
        succeeds("backup", outcome);
        snapshot = outcome.outLines().getLast().substring(0, 8);
    }

    @AfterAll
    static void stop() {
        System.clearProperty("armoire.s3.pause");
        buckets.close();
    }

    private static void succeeds(String what, ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as(what + ": " + outcome).isZero();
    }

    /** True if it went well; else it must have said why. */
    private boolean wentWell(String what, ArmoireRun.Outcome outcome) {
        if (outcome.exitCode() == ExitCode.OK) {
            right++;
            return true;
        }
        assertThat(outcome.err()).as(what).isNotBlank().doesNotContain("internal error", "no secret");
        assertThat(outcome.exitCode()).as(what + ": " + outcome.err()).isIn(1, 3, 65, 66, 74);
        return false;
    }

    /** With a cache of its own, so that all is read. */
    private static ArmoireRun apart(String name, int port, String store) {
        ArmoireRun apart = new ArmoireRun(folder.resolve(name));
        Buckets.name(apart, "s", port, store);
        return apart;
    }

    @Test
    void eachRunEndsRightOrWithAnErrorAndAWholeStore() throws Exception {
        for (int seed = 0; seed < RUNS; seed++) {
            double share = SHARES[seed / 3 % SHARES.length];
            String what = "seed " + seed + ", " + share + " of the requests spoilt";
            switch (seed % 3) {
                case 0 -> backup(what, seed, share, Integer.MAX_VALUE);
                case 1 -> restore(what, seed, share);
                default -> {
                    int requests = new Random(seed).nextInt(30);
                    backup("seed " + seed + ", dead after " + requests + " requests", seed, 0, requests);
                }
            }
        }
        System.out.println(RUNS + " runs on S3, " + right + " commands went well, faults " + new TreeMap<>(faults));
        assertThat(right).isPositive();
    }

    private void backup(String what, int seed, double share, int requests) throws IOException {
        String store = "s" + seed;
        ArmoireRun direct = apart("direct" + seed, buckets.port(), store);
        succeeds(what, direct.run("at", "@s", "create", "-plaintext"));
        boolean isRight;
        try (FaultProxy proxy = new FaultProxy(buckets.port(), seed, share, FaultProxy.Fault.OF_BUCKETS)) {
            proxy.dieAfter(requests);
            isRight = wentWell(
                    what, apart("far" + seed, proxy.port(), store).run("at", "@s", "backup", run.path("source")));
            proxy.faults().forEach((fault, count) -> faults.merge(fault, count, Integer::sum));
        }
        succeeds(what, direct.run("at", "@s", "check"));
        try (Storage storage = open(buckets.port(), store)) {
            for (Mac lock : storage.list(ObjectKind.LOCK)) {
                assertThat(isRight && requests == Integer.MAX_VALUE && share == 0)
                        .as(what)
                        .isFalse();
                storage.delete(ObjectKind.LOCK, lock); // may be left, and would expire
            }
            // As maintenance does when the writer is long dead.
            Instant later = Instant.now().plusSeconds(60);
            storage.discardUnfinished(later, false);
            assertThat(storage.discardUnfinished(later, true)).as(what).isZero();
        }
        ArmoireRun.Outcome again = direct.run("at", "@s", "backup", run.path("source"));
        succeeds(what, again);
        String id = again.outLines().getLast().substring(0, 8);
        succeeds(what, direct.run("at", "@s", "check"));
        succeeds(what, direct.run("at", "@s", "restore", "-to", run.path("back" + seed), id));
        assertThat(run.tree("back" + seed)).as(what).isEqualTo(run.tree("source"));
        assertThat(Path.of(run.path("back" + seed), "large"))
                .as(what)
                .hasSameBinaryContentAs(folder.resolve("source/large"));
    }

    private void restore(String what, int seed, double share) throws IOException {
        try (FaultProxy proxy = new FaultProxy(buckets.port(), seed, share, FaultProxy.Fault.OF_BUCKETS)) {
            ArmoireRun far = apart("far" + seed, proxy.port(), "good");
            ArmoireRun.Outcome outcome =
                    far.run("at", "@s", "-quiet", "restore", "-to", run.path("back" + seed), snapshot);
            boolean isRight = wentWell(what, outcome);
            Path restored = Path.of(run.path("back" + seed), "large");
            if (isRight || Files.exists(restored)) {
                // A file has its name only when it is whole, also where others are missing.
                assertThat(restored).as(what).hasSameBinaryContentAs(folder.resolve("source/large"));
            }
            if (isRight) {
                assertThat(run.tree("back" + seed)).as(what).isEqualTo(run.tree("source"));
            }
            proxy.faults().forEach((fault, count) -> faults.merge(fault, count, Integer::sum));
        }
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
        createWithPackfilesOf(packfileBytes, "resumed");

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

    private static void createWithPackfilesOf(long bytes, String store) throws IOException {
        StoreConfig usual = StoreConfig.create(Instant.now(), UUID.randomUUID(), Hashing.BLAKE3, Compression.LZ4, null);
        StoreConfig config = new StoreConfig(
                usual.timestamp(),
                usual.repositoryId(),
                new StoreConfig.PackfileSettings(0, 0, bytes),
                usual.chunking(),
                usual.hashing(),
                usual.compression(),
                null);
        Location location = Location.parse(Buckets.location(buckets.port(), store));
        try (var keys = config.plaintextKeys();
                Arena arena = Arena.ofConfined()) {
            Objects.requireNonNull(StorageFactory.find(location))
                    .create(location, config.toObject(keys, arena), Buckets.settings())
                    .close();
        }
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
