// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Kinds of bytes that kernels are measured on. The same on every machine, but for {@link #REAL}. */
public enum Data {
    /** Nothing to find in it. */
    RANDOM,
    /** Lines like those of a program: a vocabulary with frequent and rare words, indentation, punctuation. */
    TEXT,
    ZEROS,
    /** Out of the middle of the running JDK's own image of classes: code, names, tables. */
    REAL;

    private static final int VOCABULARY = 3000;
    private static final String[] ENDS = {
        " ", " ", " ", " ", ".", ", ", "(", ");\n", ";\n    ", " {\n        ", "\n    }\n"
    };

    /** So many bytes of this kind; the same for the same seed. */
    public byte[] bytes(int length, long seed) {
        var bytes = new byte[length];
        var random = new SplittableRandom(seed);
        switch (this) {
            case RANDOM -> random.nextBytes(bytes);
            case TEXT -> write(bytes, random);
            case ZEROS -> {}
            case REAL -> read(bytes);
        }
        return bytes;
    }

    private static void write(byte[] bytes, SplittableRandom random) {
        var words = new byte[VOCABULARY][];
        for (int i = 0; i < words.length; i++) {
            var word = new StringBuilder();
            for (int letters = 2 + random.nextInt(11); letters > 0; letters--) {
                word.append((char) ('a' + random.nextInt(26)));
            }
            words[i] = word.toString().getBytes(StandardCharsets.US_ASCII);
        }
        byte[][] ends = Arrays.stream(ENDS)
                .map(s -> s.getBytes(StandardCharsets.US_ASCII))
                .toArray(byte[][]::new);
        for (int at = 0; at < bytes.length; ) {
            // Words of rank r come about as 1/r: the logarithm of the rank is uniform.
            int rank = (int) Math.pow(VOCABULARY, random.nextDouble()) - 1;
            at = append(bytes, at, words[rank]);
            at = append(bytes, at, ends[random.nextInt(ends.length)]);
        }
    }

    private static int append(byte[] bytes, int at, byte[] part) {
        int length = Math.min(part.length, bytes.length - at);
        System.arraycopy(part, 0, bytes, at, length);
        return at + length;
    }

    private static void read(byte[] bytes) {
        Path image = Path.of(System.getProperty("java.home"), "lib", "modules");
        try (var channel = FileChannel.open(image)) {
            long from = channel.size() / 3;
            for (var buffer = ByteBuffer.wrap(bytes); buffer.hasRemaining(); ) {
                if (channel.read(buffer, from + buffer.position()) < 0) {
                    from = -buffer.position(); // the image is shorter: once more from its start
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
