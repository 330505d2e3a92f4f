// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.util.List;
import java.util.Map;

/**
 * How to import.
 *
 * @param excludes decides what is left out; asked once for each path, directories are then not entered
 * @param readXattrs false leaves extended attributes alone
 * @param settings connector settings, such as {@code dont_traverse_fs=true}; an unknown key is an IOException
 * @param skippedPaths absolute local paths that are never imported (the store itself)
 */
public record ImportOptions(
        Excludes excludes, boolean readXattrs, Map<String, String> settings, List<java.nio.file.Path> skippedPaths) {
    /** Decides what is left out. */
    @FunctionalInterface
    public interface Excludes {
        boolean isExcluded(byte[] path, boolean isDirectory);
    }
}
