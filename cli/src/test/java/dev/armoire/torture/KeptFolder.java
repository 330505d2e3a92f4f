// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The files of some folders as they were at one moment, kept in memory, so that every case can begin from there. */
final class KeptFolder {
    private final List<Path> roots;
    private final Map<Path, byte[]> files;

    private KeptFolder(List<Path> roots, Map<Path, byte[]> files) {
        this.roots = roots;
        this.files = files;
    }

    /** @param roots need not be there */
    static KeptFolder of(Path... roots) throws IOException {
        Map<Path, byte[]> files = new TreeMap<>();
        for (Path root : roots) {
            for (Path file : filesOf(root)) {
                files.put(file, Files.readAllBytes(file));
            }
        }
        return new KeptFolder(List.of(roots), files);
    }

    private static List<Path> filesOf(Path root) throws IOException {
        if (!Files.exists(root)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).toList();
        }
    }

    /** What each file held. */
    Map<Path, byte[]> files() {
        return files;
    }

    /** Takes away what has come, brings back what is gone, and mends what differs. Each mended file is a new one. */
    void bringBack() throws IOException {
        for (Path root : roots) {
            for (Path file : filesOf(root)) {
                byte[] kept = files.get(file);
                // A file that may be mapped into memory is not written over.
                if (kept == null || Files.size(file) != kept.length || !Arrays.equals(Files.readAllBytes(file), kept)) {
                    Files.delete(file);
                }
            }
        }
        for (Map.Entry<Path, byte[]> file : files.entrySet()) {
            if (!Files.exists(file.getKey())) {
                Files.createDirectories(file.getKey().getParent());
                Files.write(file.getKey(), file.getValue());
            }
        }
    }
}
