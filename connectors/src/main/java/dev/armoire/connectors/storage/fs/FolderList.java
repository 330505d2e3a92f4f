// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.BytePath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Names of what is in a folder, files and folders apart; symbolic links are neither. The JDK has to be asked for the kind of each,
 * which takes some microseconds; Linux tells kinds with the names, but to have native calls made ready takes as long as to ask for
 * thousands.
 */
final class FolderList {
    /** In one of 256 folders: a store of terabytes. */
    private static final int MANY = 64;

    private FolderList() {}

    /** Folders in a folder, none when there is no such folder (Git keeps no empty ones). */
    static List<String> folders(Path folder) throws IOException {
        List<String> folders = new ArrayList<>();
        for (Path path : entries(folder)) {
            if (isA(path, true)) {
                folders.add(name(path));
            }
        }
        return folders;
    }

    /** Files in a folder, none when there is no such folder. */
    static void files(Path folder, Consumer<String> files) throws IOException {
        List<Path> entries = entries(folder);
        if (entries.size() >= MANY) {
            List<String> unsure = new ArrayList<>();
            if (listFiles(folder, files, unsure)) {
                entries = unsure.stream().map(folder::resolve).toList();
            }
        }
        for (Path path : entries) {
            if (isA(path, false)) {
                files.accept(name(path));
            }
        }
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }

    /**
     * Lists as the kernel does.
     *
     * @param unsure of these the file system does not tell the kind
     * @return false when it cannot be done
     */
    private static boolean listFiles(Path folder, Consumer<String> files, List<String> unsure) throws IOException {
        if (!folder.getFileSystem().equals(FileSystems.getDefault()) || !Posix.isAvailable()) {
            return false;
        }
        try (Posix posix = Posix.take()) {
            int fd = posix.openat(
                    Posix.WORKING_DIRECTORY,
                    BytePath.bytes(folder.toAbsolutePath().toString()),
                    OpenFlags.DIRECTORY,
                    0);
            if (fd < 0) {
                return false;
            }
            try {
                int failed = posix.list(fd, (name, type) -> {
                    if (type == Posix.DT_UNKNOWN) {
                        unsure.add(text(name));
                    } else if (type == Posix.DT_REG) {
                        files.accept(text(name));
                    }
                });
                if (failed < 0) {
                    throw new PosixException("list", BytePath.bytes(folder.toString()), failed);
                }
                return true;
            } finally {
                posix.closeFile(fd);
            }
        }
    }

    /** Names of objects are digits: others need not be right. */
    private static String text(byte[] name) {
        return new String(name, StandardCharsets.ISO_8859_1);
    }

    private static List<Path> entries(Path folder) throws IOException {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(entries::add);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return entries;
    }

    /** Unlike the checks of Files, says so when the answer cannot be had: a store must not look emptier than it is. */
    private static boolean isA(Path path, boolean folder) throws IOException {
        try {
            BasicFileAttributes found =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return folder ? found.isDirectory() : found.isRegularFile();
        } catch (NoSuchFileException e) {
            return false; // removed a moment ago
        }
    }
}
