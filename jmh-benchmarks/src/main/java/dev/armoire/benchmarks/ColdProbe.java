// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Argon2id;
import dev.armoire.simd.Blake3;
import dev.armoire.simd.Chunker;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;

/**
 * The child of {@link Cold}: does one kind of work from the first moment of its JVM and prints how much of it was done in each
 * tenth of a second, counted from the moment at which the parent started it.
 */
final class ColdProbe {
    static final int BUCKET_MILLIS = 100;

    /** Before the numbers, so that what a JVM says of itself is not taken for one. */
    static final String MARK = "cold: ";

    private static final int PIECE_BYTES = 64 << 10;
    private static final int MEMORY_KIB = 256 << 10;
    private static final int PASSES = 4;
    private static final long WARM_NANOS = 2_000_000_000L;

    private ColdProbe() {}

    /** One step of work; answers how many bytes it went through. */
    @FunctionalInterface
    private interface Step {
        long run();
    }

    /** {@code series SUBJECT FILE STARTED MILLIS}, or {@code argon2id}, or {@code file FILE}. */
    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "series" -> series(arguments);
            case "argon2id" -> argon2id();
            case "file" -> file(Path.of(arguments[1]));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void series(String[] arguments) throws IOException {
        long started = Long.parseLong(arguments[3]);
        int millis = Integer.parseInt(arguments[4]);
        var buckets = new long[millis / BUCKET_MILLIS];
        try (var arena = Arena.ofConfined();
                var channel = FileChannel.open(Path.of(arguments[2]))) {
            MemorySegment content = arena.allocate(channel.size() + 1, 64).asSlice(1);
            for (long at = 0; at < content.byteSize(); ) {
                at += channel.read(content.asSlice(at).asByteBuffer());
            }
            Step step = step(arguments[1], content);
            while (true) {
                long bytes = step.run();
                int bucket = (int) ((System.currentTimeMillis() - started) / BUCKET_MILLIS);
                if (bucket >= buckets.length) {
                    break;
                }
                buckets[bucket] += bytes;
            }
        }
        var line = new StringBuilder(MARK);
        for (long bytes : buckets) {
            line.append(bytes).append(' ');
        }
        System.out.println(line);
    }

    private static Step step(String subject, MemorySegment content) {
        return switch (subject) {
            case "blake3" -> new Hash(content)::next;
            case "chunker" -> new Cut(content)::next;
            case "chunk path" -> new ChunkPath(content)::next;
            default -> throw new IllegalArgumentException(subject);
        };
    }

    private static final class Hash {
        private final MemorySegment content;
        private final Blake3 hasher = Blake3.keyed(new byte[Blake3.DIGEST_BYTES]);
        private final MemorySegment digest = MemorySegment.ofArray(new byte[Blake3.DIGEST_BYTES]);
        private long position;

        Hash(MemorySegment content) {
            this.content = content;
        }

        long next() {
            if (position + PIECE_BYTES > content.byteSize()) {
                position = 0;
            }
            hasher.update(content.asSlice(position, PIECE_BYTES));
            hasher.digest(digest, 0);
            position += PIECE_BYTES;
            return PIECE_BYTES;
        }
    }

    private static final class Cut {
        private final MemorySegment content;
        private final Chunker chunker = ChunkPath.newChunker();
        private long position;

        Cut(MemorySegment content) {
            this.content = content;
        }

        long next() {
            if (position == content.byteSize()) {
                position = 0;
            }
            long length = chunker.cut(content.asSlice(position));
            position += length;
            return length;
        }
    }

    /** Prints the milliseconds that one derivation takes in a process that has done nothing before. */
    private static void argon2id() {
        long start = System.nanoTime();
        Argon2id.derive(new byte[20], new byte[16], PASSES, MEMORY_KIB, 1, new byte[32]);
        System.out.println(MARK + (System.nanoTime() - start) / 1_000_000);
    }

    /** Prints the milliseconds that a mapped file takes to be hashed, the best of all times in two seconds. */
    private static void file(Path file) throws IOException {
        long best = Long.MAX_VALUE;
        try (var arena = Arena.ofConfined();
                var channel = FileChannel.open(file)) {
            MemorySegment content = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            var hash = new Hash(content);
            long end = System.nanoTime() + WARM_NANOS;
            long start;
            do {
                start = System.nanoTime();
                hash.hasher.update(content);
                hash.hasher.digest(hash.digest, 0);
                best = Math.min(best, System.nanoTime() - start);
            } while (start < end);
        }
        System.out.println(MARK + best / 1_000_000);
    }
}
