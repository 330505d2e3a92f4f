// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What a folder on disk holds, worded as {@link TestedStore#restore} words what a snapshot gives back. */
final class TreeDigests {
    private TreeDigests() {}

    /** The files of a folder, and the folders above them that a backup takes along. */
    static Map<String, String> of(Path folder) throws IOException {
        Map<String, String> items = new TreeMap<>();
        Path root = folder.toAbsolutePath();
        for (Path above = root.getParent(); above != null; above = above.getParent()) {
            put(items, above);
        }
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.toList()) {
                put(items, file);
            }
        }
        return items;
    }

    private static void put(Map<String, String> items, Path file) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        Instant time = attributes.lastModifiedTime().toInstant();
        int mode = (Integer) Files.getAttribute(file, "unix:mode") & 0777;
        String name = file.toString().substring(1);
        if (attributes.isDirectory()) {
            items.put(name + "/", "");
        } else {
            items.put(
                    name,
                    attributes.size() + " " + mode + " " + time.getEpochSecond() + "." + time.getNano() + " "
                            + digest(file));
        }
    }

    private static String digest(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }
}
