// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Folders to back up, and what opens the stores. */
final class Trees {
    static final Path FIXTURES = Path.of("../testdata/fixtures");

    private Trees() {}

    /** The passphrase of the fixtures, in an array of its own. */
    static char[] passphrase() {
        return "correct horse battery staple 42!".toCharArray();
    }

    /** Some folders with small files, empty ones, links, and one file of many chunks, {@code large}. */
    static Path make(Path folder, long seed) throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < 5; i++) {
            Path below = Files.createDirectories(folder.resolve("folder " + i).resolve("deep"));
            for (int j = 0; j < 8; j++) {
                byte[] content = new byte[random.nextInt(3000)];
                random.nextBytes(content);
                Files.write(below.resolve("file-" + j + ".bin"), content);
            }
            Files.writeString(below.getParent().resolve("übung.txt"), "text " + i);
        }
        Files.createFile(folder.resolve("empty"));
        byte[] large = new byte[3 << 20];
        random.nextBytes(large);
        Files.write(folder.resolve("large"), large);
        Files.createSymbolicLink(folder.resolve("link"), Path.of("folder 1/übung.txt"));
        Files.createSymbolicLink(folder.resolve("to-folder"), Path.of("folder 2"));
        Files.createSymbolicLink(folder.resolve("nowhere"), Path.of("/not/there"));
        return folder.toRealPath();
    }
}
