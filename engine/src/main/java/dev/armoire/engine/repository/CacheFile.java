// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Small files of caches, which are read and written as a whole. */
public final class CacheFile {
    private CacheFile() {}

    /**
     * Puts a file in the place of the one that is there, if any: at any moment one of the two is there in full. Its owner alone may
     * read it. Not synced: what a crash leaves must be found out by a sum in it, and is made again.
     *
     * @param file in a folder that is made when it is missing
     */
    public static void replace(Path file, byte[] content) throws IOException {
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
        Path next = Files.createTempFile(folder, file.getFileName() + "-", ".new"); // with rights of its owner only
        try {
            Files.write(next, content);
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(next);
        }
    }
}
