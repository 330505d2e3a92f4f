// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.connectors.storage.ptar.PtarStorageFactory;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/** The stores that real Plakar wrote. */
public final class Fixtures {
    public static final List<String> ALL = List.of("plaintext", "encrypted", "sha256", "errors", "encrypted.ptar");
    public static final String PASSPHRASE = "correct horse battery staple 42!";
    private static final Path FOLDER = Path.of("..", "testdata", "fixtures").toAbsolutePath();

    private Fixtures() {}

    /** Opens a fixture, its states merged. */
    static Repository open(String name) throws IOException {
        return open(FOLDER.resolve(name));
    }

    /** Opens a store in a folder or file, its states merged. */
    public static Repository open(Path store) throws IOException {
        StorageFactory factory = store.toString().endsWith(".ptar") ? new PtarStorageFactory() : new FsStorageFactory();
        Repository repository = Repository.open(
                factory.open(Location.parse(store.toString())),
                () -> PASSPHRASE.getBytes(StandardCharsets.UTF_8),
                "testhost");
        repository.refresh();
        return repository;
    }

    /** The place of something among the fixtures. */
    public static Path path(String name) {
        return FOLDER.resolve(name);
    }

    /** Copies a fixture to where it may be written to. */
    public static Path copy(String name, Path to) throws IOException {
        Path from = FOLDER.resolve(name);
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                make(to.resolve(from.relativize(folder)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, to.resolve(from.relativize(file)));
                return FileVisitResult.CONTINUE;
            }
        });
        return to;
    }

    private static void make(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
