// SPDX-License-Identifier: ISC
package dev.armoire.examples;

import dev.armoire.ArmoireFileSystemProvider;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Tells which files are not, or no longer, as they are in a snapshot; a snapshot is like any other file system here. */
public final class CompareAsFileSystem {
    private CompareAsFileSystem() {}

    /** The URI is {@code armoire:/srv/store!/latest}, or has the beginning of an id instead of {@code latest}. */
    public static List<String> changed(URI snapshot, char[] passphrase, Path folder) throws IOException {
        try (FileSystem files =
                        FileSystems.newFileSystem(snapshot, Map.of(ArmoireFileSystemProvider.PASSPHRASE, passphrase));
                Stream<Path> walk = Files.walk(files.getPath(folder.toString()))) {
            return walk.filter(Files::isRegularFile)
                    .map(Path::toString)
                    .filter(path -> isChanged(files.getPath(path), Path.of(path)))
                    .toList();
        }
    }

    private static boolean isChanged(Path inSnapshot, Path onDisk) {
        try {
            return !Files.isRegularFile(onDisk) || Files.mismatch(inSnapshot, onDisk) >= 0;
        } catch (IOException e) {
            return true;
        }
    }
}
