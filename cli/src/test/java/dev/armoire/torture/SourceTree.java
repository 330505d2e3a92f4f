// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A folder of files to back up, which changes between backups. */
final class SourceTree {
    private static final int FOLDERS = 5;

    private final Path folder;
    private final Random random;
    private final int files;
    private final int maxBytes;

    /** Makes the files; each has up to {@code maxBytes}. */
    SourceTree(Path folder, long seed, int files, int maxBytes) throws IOException {
        this.folder = folder;
        this.random = new Random(seed);
        this.files = files;
        this.maxBytes = maxBytes;
        for (int i = 0; i < FOLDERS; i++) {
            Files.createDirectories(folder.resolve("d" + i));
        }
        change(files);
    }

    Path folder() {
        return folder;
    }

    /** Gives some files other contents, takes some away and brings some back. */
    void change(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            int number = random.nextInt(files);
            Path file = folder.resolve("d" + number % FOLDERS).resolve("f" + number);
            if (random.nextInt(8) == 0) {
                Files.deleteIfExists(file);
            } else {
                Files.write(file, TestedStore.random(random.nextLong(), 1 + random.nextInt(maxBytes)));
            }
        }
    }
}
