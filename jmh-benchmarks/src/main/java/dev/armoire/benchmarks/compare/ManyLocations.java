// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.crypto.FastRandom;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStreamWriter;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes a store without passphrase look as if terabytes had been backed up into it: its states say where blobs are, as those that
 * Armoire writes do, but the packfiles that they name are empty. Only what goes by states and by names of packfiles can be measured
 * in it.
 */
final class ManyLocations {
    /** As many as a writer puts into a state before it writes the next one. */
    static final int IN_STATE = 192 << 10;
    /** Chunks of 64 KiB in a packfile of 64 MiB. */
    private static final int IN_PACKFILE = 1000;

    private static final int CHUNK_BYTES = 64 << 10;
    private static final long NANOS_A_SECOND = 1_000_000_000;

    private ManyLocations() {}

    /**
     * Adds chunks with names at random.
     *
     * @param store a new one
     * @param count how many chunks
     */
    static void addTo(Path store, long count) throws IOException {
        var random = new FastRandom();
        StoreConfig config = StoreConfig.parse(MemorySegment.ofArray(Files.readAllBytes(store.resolve("CONFIG"))));
        try (StoreKeys keys = config.plaintextKeys();
                BlobCodec codec = BlobCodec.of(config, keys)) {
            Mac parent = Mac.ZERO;
            for (long done = 0; done < count; done += IN_STATE) {
                Mac name = random.nextMac();
                int chunks = (int) Math.min(IN_STATE, count - done);
                try (Arena arena = Arena.ofConfined();
                        StateStreamWriter state = new StateStreamWriter(parent)) {
                    MemorySegment stream =
                            fill(state, name, chunks, store, random).finish(now(), config.repositoryIdBytes());
                    MemorySegment payload = arena.allocate(codec.prepare(stream), Long.BYTES);
                    codec.writeTo(payload);
                    MemorySegment object = Envelope.wrap(ResourceType.STATE, payload, keys.newMacHasher(), arena);
                    Files.write(pathOf(store, "states", name), object.toArray(ValueLayout.JAVA_BYTE));
                }
                parent = name;
            }
        }
    }

    private static StateStreamWriter fill(StateStreamWriter state, Mac name, int chunks, Path store, FastRandom random)
            throws IOException {
        var packfiles = new Mac[Math.ceilDiv(chunks, IN_PACKFILE)];
        for (int i = 0; i < packfiles.length; i++) {
            packfiles[i] = random.nextMac();
            Files.createFile(pathOf(store, "packfiles", packfiles[i]));
        }
        for (int i = 0; i < chunks; i++) {
            long offset = (long) (i % IN_PACKFILE) * CHUNK_BYTES;
            state.location(ResourceType.CHUNK, random.nextMac(), packfiles[i / IN_PACKFILE], offset, CHUNK_BYTES);
        }
        for (Mac packfile : packfiles) {
            state.packfile(packfile, name, now());
        }
        return state;
    }

    private static Path pathOf(Path store, String kind, Mac name) throws IOException {
        String hex = name.hex();
        return Files.createDirectories(store.resolve(kind).resolve(hex.substring(0, 2)))
                .resolve(hex);
    }

    private static long now() {
        return System.currentTimeMillis() / 1000 * NANOS_A_SECOND;
    }
}
