// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Temporary files for what grows with the number of items. They have no name any more once they are open, so that a crash leaves
 * nothing behind, and what is in them takes page cache, which the system can have back, and no memory of ours.
 */
public final class ScratchFile {
    private ScratchFile() {}

    /** Says where they are to be; asked for no sooner than there is one, as most runs need none. */
    @FunctionalInterface
    public interface Folder {
        Path path() throws IOException;
    }

    /**
     * Opens an empty one to be written and read, by nobody but this user. The caller closes it, and then it is gone.
     *
     * @param folder is made if need be
     * @param name what it is for, where systems show names of open files
     */
    public static FileChannel open(Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        Path path = Files.createTempFile(folder, name, ".tmp");
        try {
            if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            }
            return FileChannel.open(
                    path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        } finally {
            deleteNow(path);
        }
    }

    private static void deleteNow(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // Systems that keep open files in place delete it when it is closed.
        }
    }
}
