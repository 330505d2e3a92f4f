// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.FileMode;

/** What an item of a snapshot is. */
public enum Kind {
    /** A regular file. */
    FILE,
    /** A directory. */
    DIRECTORY,
    /** A symbolic link. */
    SYMBOLIC_LINK,
    /** A FIFO, a socket, a device, or something that its file system did not tell. */
    OTHER;

    static Kind of(int mode) {
        if (FileMode.isRegular(mode)) {
            return FILE;
        }
        if (FileMode.isDirectory(mode)) {
            return DIRECTORY;
        }
        return FileMode.isSymlink(mode) ? SYMBOLIC_LINK : OTHER;
    }
}
