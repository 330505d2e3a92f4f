// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** Owns the folder in which all happens, and deletes it: data, stores, what was restored, and the HOME of the programs. */
final class Workspace implements AutoCloseable {
    private static final int FEW_FILES = 10_000;

    private final Path folder;

    /** A new folder below one that exists. */
    Workspace(Path parent) throws IOException {
        folder = Files.createTempDirectory(parent, "armoire-compare").toRealPath();
        Files.createDirectory(folder.resolve("home"));
        Files.createDirectory(folder.resolve("scratch"));
    }

    Path resolve(String name) {
        return folder.resolve(name);
    }

    /** A file for what a process says. */
    Path scratch(String name) {
        return folder.resolve("scratch").resolve(name);
    }

    /** Starts a program that sees nothing of the caller's settings and caches. */
    Process start(List<String> command, Path directory, Path output) throws IOException {
        var builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(Path.of("/dev/null").toFile());
        var environment = builder.environment();
        environment.keySet().removeIf(name -> name.startsWith("XDG_"));
        environment.put("HOME", folder.resolve("home").toString());
        environment.putAll(Peer.ENVIRONMENT);
        return builder.start();
    }

    /** Forgets what programs keep outside of their stores. */
    void emptyHome() throws IOException {
        delete(folder.resolve("home"));
        Files.createDirectory(folder.resolve("home"));
    }

    /**
     * Takes a tree out of the way. One of many files stays until all is done: for minutes after so many were deleted, ext4 looks through all of them
     * whenever a file is made, and whoever is measured then pays for it.
     */
    void putAside(Path tree) throws IOException {
        if (Files.exists(tree) && Trees.extent(tree).files() > FEW_FILES) {
            Files.move(tree, Files.createTempDirectory(folder, "aside").resolve("tree"));
        } else {
            delete(tree);
        }
    }

    /** Deletes a tree, also one with folders that may not be written; nothing if it is not there. */
    static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                if (!Files.isWritable(dir) || !Files.isExecutable(dir)) {
                    Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwx------"));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Override
    public void close() throws IOException {
        delete(folder);
    }
}
