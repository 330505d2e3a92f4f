// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.search;

import dev.armoire.BackupReport;
import dev.armoire.CreateOptions;
import dev.armoire.OpenOptions;
import dev.armoire.Store;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A source of many small files, and a store with many snapshots of it, each of which has some other contents. */
final class ManySnapshots {
    static final int FILES_PER_FOLDER = 100;
    private static final int FOLDERS_PER_FOLDER = 10;
    private static final List<String> SUFFIXES = List.of("txt", "dat", "jpg", "java");

    private final Path source;
    private final Random random = new Random(10);
    private final List<Path> files = new ArrayList<>();

    /** Makes the source, in a folder that is not there yet. */
    ManySnapshots(Path source, int count) throws IOException {
        this.source = source;
        for (int i = 0; i < count; i++) {
            int folder = i / FILES_PER_FOLDER;
            Path directory =
                    source.resolve("part-" + folder / FOLDERS_PER_FOLDER).resolve("folder-" + folder);
            if (i % FILES_PER_FOLDER == 0) {
                Files.createDirectories(directory);
            }
            Path file = directory.resolve("file-" + i + "-" + Integer.toHexString(random.nextInt()) + "."
                    + SUFFIXES.get(random.nextInt(SUFFIXES.size())));
            files.add(file);
            change(file);
        }
    }

    private void change(Path file) throws IOException {
        Files.writeString(file, "content " + random.nextLong() + "\n");
    }

    /** A file that is in all snapshots. */
    Path someFile() {
        return files.get(files.size() / 2);
    }

    /**
     * Makes the store.
     *
     * @param share of the files that are changed before each snapshot but the first
     */
    void backUp(Path location, int snapshots, double share) throws IOException {
        try (Store store = Store.create(location, CreateOptions.unencrypted(), OpenOptions.defaults())) {
            for (int i = 0; i < snapshots; i++) {
                if (i > 0) {
                    for (long left = Math.round(files.size() * share); left > 0; left--) {
                        change(files.get(random.nextInt(files.size())));
                    }
                }
                BackupReport report = store.backup(source);
                if (!report.problems().isEmpty()) {
                    throw new IOException(
                            "snapshot " + i + ": " + report.problems().getFirst());
                }
                if ((i + 1) % 100 == 0) {
                    System.out.println((i + 1) + " snapshots");
                }
            }
        }
    }
}
