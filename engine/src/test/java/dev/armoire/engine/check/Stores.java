// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Hashing;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Stores to be damaged: copies of the fixtures. */
final class Stores {
    private static final byte[] PASSPHRASE = "correct horse battery staple 42!".getBytes(StandardCharsets.US_ASCII);
    private static final Path FIXTURES = Path.of("..", "testdata", "fixtures").toAbsolutePath();

    private Stores() {}

    static Path copy(String fixture, Path folder) throws IOException {
        return copy(FIXTURES.resolve(fixture), folder.resolve(fixture));
    }

    static Path copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
        return to;
    }

    static Repository open(Path store) throws IOException {
        return open(store, storage -> storage);
    }

    /** @param through what reads of the store go through */
    static Repository open(Path store, UnaryOperator<Storage> through) throws IOException {
        Location location = Location.parse(store.toString());
        for (StorageFactory factory : ServiceLoader.load(StorageFactory.class)) {
            if (factory.accepts(location)) {
                Repository repository =
                        Repository.open(through.apply(factory.open(location)), PASSPHRASE::clone, "test");
                try {
                    repository.refresh();
                    return repository;
                } catch (IOException | RuntimeException e) {
                    repository.close();
                    throw e;
                }
            }
        }
        throw new IOException("no kind of storage takes " + store);
    }

    static Repository create(Path store) throws IOException {
        Location location = Location.parse(store.toString());
        for (StorageFactory factory : ServiceLoader.load(StorageFactory.class)) {
            if (factory.accepts(location)) {
                try (NewStore made = NewStore.store(Hashing.BLAKE3, Compression.LZ4, null)) {
                    return made.open(factory.create(location, MemorySegment.ofArray(made.object())), "test");
                }
            }
        }
        throw new IOException("no kind of storage takes " + store);
    }

    /** Every snapshot from its root down. */
    static List<Target> targets(Repository repository) {
        List<Target> targets = new ArrayList<>();
        for (SnapshotHeader header : Snapshot.headers(repository, (id, problem) -> {
            throw new AssertionError(problem);
        })) {
            targets.add(new Target(header, new byte[] {'/'}));
        }
        return targets;
    }

    static List<Path> files(Path store, String kind) throws IOException {
        try (Stream<Path> files = Files.walk(store.resolve(kind))) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    static Path packfile(Path store, String hex) {
        return store.resolve("packfiles").resolve(hex.substring(0, 2)).resolve(hex);
    }

    /** Changes a byte; the same call again changes it back. */
    static void flip(Path file, long at, int mask) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, at);
            one.put(0, (byte) (one.get(0) ^ mask)).flip();
            channel.write(one, at);
        }
    }
}
