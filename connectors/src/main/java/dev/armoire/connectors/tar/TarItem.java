// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.Exporter.Xattr;
import dev.armoire.connectors.spi.FileInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An item of a tar file, as its header tells it.
 *
 * @param path absolute and clean
 * @param linkTarget the text of a symbolic link, or the name of what a hard link leads to
 * @param contentAt where its bytes begin, in what is decompressed
 * @param storedBytes how many there are; less than its size when it has holes
 * @param data what of the file is stored, in order, as pairs of offset and length; null when all of it is
 * @param problem why it cannot be taken, or null
 * @param lost what of it is not kept, or null
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TarItem(
        byte[] path,
        FileInfo info,
        byte[] linkTarget,
        boolean isHardLink,
        List<Xattr> xattrs,
        long contentAt,
        long storedBytes,
        long @Nullable [] data,
        @Nullable String problem,
        @Nullable String lost) {
    TarItem withInfo(FileInfo other) {
        return new TarItem(path, other, linkTarget, isHardLink, xattrs, contentAt, storedBytes, data, problem, lost);
    }

    TarItem withProblem(String text) {
        return new TarItem(path, info, linkTarget, isHardLink, xattrs, contentAt, storedBytes, data, text, lost);
    }

    /** What it leads to is the file at this path, too. */
    TarItem as(byte[] otherPath) {
        return new TarItem(otherPath, info, linkTarget, false, xattrs, contentAt, storedBytes, data, problem, lost);
    }
}
