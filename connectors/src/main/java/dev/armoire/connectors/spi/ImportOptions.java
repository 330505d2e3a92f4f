// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to import.
 *
 * @param excludes decides what is left out; asked once for each path, directories are then not entered
 * @param readXattrs false leaves extended attributes alone
 * @param settings connector settings, such as {@code dont_traverse_fs=true}; an unknown key is an IOException
 * @param skippedPaths absolute local paths that are never imported (the store itself)
 * @param tags what marks folders whose contents are left out
 * @param scratch folder for temporary files, or null: what grows with the number of items is then kept in memory
 */
public record ImportOptions(
        Excludes excludes,
        boolean readXattrs,
        Map<String, String> settings,
        List<java.nio.file.Path> skippedPaths,
        FolderTags tags,
        ScratchFile.@Nullable Folder scratch) {
    /** No folder is marked by anything, and there are no temporary files. */
    public ImportOptions(
            Excludes excludes,
            boolean readXattrs,
            Map<String, String> settings,
            List<java.nio.file.Path> skippedPaths) {
        this(excludes, readXattrs, settings, skippedPaths, FolderTags.NONE, null);
    }

    /**
     * Files that mark a folder: of its contents only they are imported.
     *
     * @param caches whether CACHEDIR.TAG does, if it begins with the signature of such files
     * @param names names of files that do, whatever is in them
     */
    public record FolderTags(boolean caches, List<String> names) {
        public static final FolderTags NONE = new FolderTags(false, List.of());

        /** The file that marks caches. */
        public static final String CACHE_TAG = "CACHEDIR.TAG";

        /** What it begins with. */
        public static final String CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

        public boolean isEmpty() {
            return !caches && names.isEmpty();
        }
    }

    /** Decides what is left out. */
    @FunctionalInterface
    public interface Excludes {
        boolean isExcluded(byte[] path, boolean isDirectory);
    }
}
