// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.Data;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is backed up. The made ones have the same bytes on every machine. */
enum DataSet {
    /** 2 GiB in 8 files that neither compress nor repeat. */
    RANDOM("2 GiB of random data in 8 files", 1),
    /** A source tree: the folder that is given, else Debian's package of the Linux sources. */
    TREE("a source tree", 1),
    /** A million files of 1 KiB in 1000 folders. */
    SMALL("1,000,000 files of 1 KiB in 1000 folders", 1),
    /**
     * Ten generations of 1 GiB in 4096 files, half of it text: from one to the next a fiftieth of the files change in the
     * middle, some grow, a few are new and a few go.
     */
    GENERATIONS("ten generations of 1 GiB in 4096 files", 10);

    private static final int RANDOM_FILES = 8;
    private static final long RANDOM_FILE_BYTES = 256L << 20;
    private static final int SMALL_FOLDERS = 1000;
    private static final int SMALL_FILES_PER_FOLDER = 1000;
    private static final int SMALL_FILE_BYTES = 1 << 10;
    private static final int CHANGING_FILES = 4096;
    private static final int CHANGING_FILE_BYTES = 256 << 10;
    private static final int CHANGED_PER_MILLE = 20;
    private static final int NEW_OR_GONE_PER_MILLE = 2;
    private static final int PIECE_BYTES = 1 << 20;

    private final String description;
    private final int generations;

    DataSet(String description, int generations) {
        this.description = description;
        this.generations = generations;
    }

    /** What it is; a given tree has one size. */
    String description(double scale) {
        return scale == 1 || this == TREE ? description : description + ", times " + scale;
    }

    /** How often it is backed up in a changed state, the first time included. */
    int generations() {
        return generations;
    }

    /**
     * Makes the first generation in a new folder.
     *
     * @param scale 1 for the full size, less for trying things out; a given tree stays as it is
     * @param given the tree that was given, if any; it is never written to, a copy of it is used
     */
    void make(Path folder, double scale, @Nullable Path given) throws IOException, InterruptedException {
        Files.createDirectory(folder);
        switch (this) {
            case RANDOM -> {
                for (int i = 0; i < RANDOM_FILES; i++) {
                    write(folder.resolve("random-" + i), (long) (RANDOM_FILE_BYTES * scale), i);
                }
            }
            case TREE -> copyTree(folder, given);
            case SMALL -> {
                for (int i = 0; i < Math.max(1, SMALL_FOLDERS * scale); i++) {
                    Path sub = Files.createDirectory(folder.resolve("folder-" + i));
                    for (int j = 0; j < SMALL_FILES_PER_FOLDER; j++) {
                        long seed = (long) i * SMALL_FILES_PER_FOLDER + j;
                        var bytes = new byte[SMALL_FILE_BYTES];
                        new SplittableRandom(seed).nextBytes(bytes);
                        Files.write(sub.resolve("file-" + j), bytes);
                    }
                }
            }
            case GENERATIONS -> {
                for (int i = 0; i < changingFiles(scale); i++) {
                    Files.write(changing(folder, i), changingBytes(i, 0));
                }
            }
        }
    }

    /** Turns the folder into the next generation, numbered from 1. */
    void change(Path folder, double scale, int generation) throws IOException {
        var random = new SplittableRandom(generation);
        for (int i = 0; i < changingFiles(scale); i++) {
            Path file = changing(folder, i);
            int draw = random.nextInt(1000);
            if (!Files.exists(file)) {
                continue;
            }
            if (draw < NEW_OR_GONE_PER_MILLE) {
                Files.delete(file);
                Path fresh = Path.of(file + "-" + generation);
                Files.write(fresh, changingBytes(i, generation));
            } else if (draw < CHANGED_PER_MILLE) {
                byte[] old = Files.readAllBytes(file);
                byte[] inserted = changingBytes(i, generation);
                int length = 1 + random.nextInt(inserted.length / 16);
                int at = random.nextInt(old.length);
                var changed = Arrays.copyOf(old, old.length + length);
                System.arraycopy(inserted, 0, changed, at, length);
                System.arraycopy(old, at, changed, at + length, old.length - at);
                Files.write(file, changed);
            }
        }
    }

    /** The package with the Linux sources, where Debian puts it, or null. */
    static @Nullable Path linuxSources() throws IOException {
        Path sources = Path.of("/usr/src");
        if (!Files.isDirectory(sources)) {
            return null;
        }
        try (Stream<Path> files = Files.list(sources)) {
            return files.filter(file -> file.getFileName().toString().matches("linux-source-.*\\.tar\\.xz"))
                    .sorted()
                    .findFirst()
                    .orElse(null);
        }
    }

    private static void copyTree(Path folder, @Nullable Path given) throws IOException, InterruptedException {
        Path from = given == null ? linuxSources() : given;
        if (from == null) {
            throw new IOException("no source tree: give one with -tree, or install the package linux-source");
        }
        List<String> command = Files.isDirectory(from)
                ? List.of("cp", "-a", from + "/.", folder.toString())
                : List.of("tar", "-C", folder.toString(), "-xf", from.toString());
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IOException("\"" + String.join(" ", command) + "\" failed");
        }
    }

    private static void write(Path file, long length, long seed) throws IOException {
        var random = new SplittableRandom(seed);
        var piece = new byte[PIECE_BYTES];
        try (var out = new BufferedOutputStream(Files.newOutputStream(file))) {
            for (long left = length; left > 0; left -= PIECE_BYTES) {
                random.nextBytes(piece);
                out.write(piece, 0, (int) Math.min(PIECE_BYTES, left));
            }
        }
    }

    private static int changingFiles(double scale) {
        return (int) Math.max(64, CHANGING_FILES * scale);
    }

    private static Path changing(Path folder, int number) throws IOException {
        Path sub = Files.createDirectories(folder.resolve("folder-" + number % 64));
        return sub.resolve("file-" + number);
    }

    private static byte[] changingBytes(int number, int generation) {
        Data data = number % 2 == 0 ? Data.TEXT : Data.RANDOM;
        return data.bytes(CHANGING_FILE_BYTES, number * 31L + generation);
    }
}
