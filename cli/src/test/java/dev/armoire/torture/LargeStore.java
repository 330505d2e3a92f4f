// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import com.sun.management.OperatingSystemMXBean;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.maintenance.MaintenanceResult;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Makes a store of many small blobs of which 30 % are not needed any more, and sees how long maintenance takes over it. */
final class LargeStore {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final int FILES_PER_FOLDER = 1000;
    private static final int FILE_BYTES = 200;
    /** Of ten files so many are in the removed snapshot alone. */
    private static final int GONE_OF_TEN = 3;

    private final TestedStore store;
    private final PrintStream out;
    private final Tally tally;
    private long blobsStored;

    LargeStore(Path work, boolean isEncrypted, PrintStream out, Tally tally) throws IOException {
        this.store = TestedStore.createUsual(work.resolve("store"), isEncrypted, work.resolve("cache"));
        this.out = out;
        this.tally = tally;
    }

    /** @param blobs about so many: each file makes a chunk, an object and an entry */
    void run(int blobs) throws IOException {
        int files = blobs / 3;
        Mac all = backUp(files, 0);
        Mac some = backUp(files, GONE_OF_TEN);
        try (Repository repository = store.openRefreshed()) {
            repository.removeSnapshot(all);
        }
        tally.count("blobs in the store", blobsStored);
        maintain("maintenance", 0);
        maintain("maintenance -repack 20", 20);
        TestedStore.Verdict verdict = store.check();
        if (!verdict.isSound() || verdict.snapshots().size() != 1) {
            tally.failed("after it: " + verdict);
        }
        tally.count("files in the snapshot that stays, " + some.shortHex(), (long) files * (10 - GONE_OF_TEN) / 10);
    }

    private Mac backUp(int files, int withoutFirstOfTen) throws IOException {
        long begun = System.nanoTime();
        try (Repository repository = store.open();
                Importer importer = new Generated(files, withoutFirstOfTen)) {
            BackupResult result = Backup.run(
                    repository,
                    List.of(importer),
                    BackupOptions.unnamed(false, 2, store.cache(), "torture", false),
                    new TestedStore.QuietBackup());
            Mac id = result.header().identifier();
            blobsStored += result.newBlobs();
            out.println("backup: " + seconds(begun) + " s");
            return id;
        }
    }

    private void maintain(String name, int repackPercent) throws IOException {
        Damage.forgetPeak();
        out.println("peak memory of this process before " + name + ": " + Damage.residentMiB() + " MiB");
        long begun = System.nanoTime();
        long cpuBegun = SYSTEM.getProcessCpuTime();
        try (Repository repository = store.open()) {
            MaintenanceResult result = Maintenance.run(
                    repository,
                    new MaintenanceOptions(
                            Instant.now(), Duration.ZERO, Duration.ZERO, false, false, false, repackPercent),
                    new Kills.QuietMaintenance());
            tally.count("milliseconds of " + name, (System.nanoTime() - begun) / 1_000_000);
            long cpuMillis = (SYSTEM.getProcessCpuTime() - cpuBegun) / 1_000_000;
            tally.count("milliseconds of CPU time of " + name, cpuMillis);
            out.println(name + ": " + seconds(begun) + " s, CPU time " + cpuMillis + " ms, load of the machine "
                    + SYSTEM.getSystemLoadAverage() + ", " + result);
            out.println("peak memory of this process: " + Damage.residentMiB() + " MiB");
        }
    }

    private static String seconds(long begun) {
        return String.format(Locale.ROOT, "%.1f", (System.nanoTime() - begun) / 1e9);
    }

    /** Small files of random bytes, made as they are read. */
    private static final class Generated implements Importer {
        private final int files;
        private final int withoutFirstOfTen;

        Generated(int files, int withoutFirstOfTen) {
            this.files = files;
            this.withoutFirstOfTen = withoutFirstOfTen;
        }

        @Override
        public String type() {
            return "fs";
        }

        @Override
        public String origin() {
            return "torture";
        }

        @Override
        public byte[] root() {
            return bytes("/g");
        }

        private static byte[] bytes(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void scan(ImportSink sink) {
            sink.record(new Item("/", -1));
            sink.record(new Item("/g", -1));
            for (int folder = 0; folder * FILES_PER_FOLDER < files; folder++) {
                String path = "/g/d" + (100_000 + folder);
                sink.record(new Item(path, -1));
                for (int i = 0; i < FILES_PER_FOLDER && folder * FILES_PER_FOLDER + i < files; i++) {
                    if (i % 10 >= withoutFirstOfTen) {
                        sink.record(new Item(path + "/f" + (1000 + i), folder * FILES_PER_FOLDER + i));
                    }
                }
            }
        }

        @Override
        public void close() {}

        /** @param number of the file, or -1 for a directory */
        private record Item(String name, int number) implements ImportRecord {
            @Override
            public byte[] path() {
                return bytes(name);
            }

            @Override
            public FileInfo info() {
                boolean isFile = number >= 0;
                return new FileInfo(
                        isFile ? FILE_BYTES : 0,
                        isFile ? 0644 : FileMode.DIRECTORY | 0755,
                        1_700_000_000,
                        0,
                        1,
                        isFile ? 1000L + number : name.hashCode() & 0xFFFFFFFFL,
                        0,
                        0,
                        1,
                        "root",
                        "root",
                        0);
            }

            @Override
            public byte[] linkTarget() {
                return new byte[0];
            }

            @Override
            public List<byte[]> xattrNames() {
                return List.of();
            }

            @Override
            public byte[] readXattr(byte[] attribute) throws IOException {
                throw new IOException("there are none");
            }

            @Override
            public Content open() {
                byte[] content = new byte[FILE_BYTES];
                new Random(number).nextBytes(content);
                return new Content() {
                    private int given;

                    @Override
                    public long read(MemorySegment into) {
                        int count = (int) Math.min(into.byteSize(), FILE_BYTES - given);
                        MemorySegment.copy(MemorySegment.ofArray(content), given, into, 0, count);
                        given += count;
                        return count;
                    }

                    @Override
                    public void close() {}
                };
            }
        }
    }
}
