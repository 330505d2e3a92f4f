// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.commons.compress.archivers.tar.TarUtils;
import org.jspecify.annotations.Nullable;

/**
 * Where in a file with holes its bytes go, as GNU tar writes it in four ways: blocks of numbers after the header (old GNU),
 * pax records for each piece (0.0), one record for all (0.1), or text before the bytes (1.0).
 */
final class SparseMap {
    private static final int BLOCK_BYTES = 512;
    private static final int NUMBER_BYTES = 12;
    private static final int HEADER_PIECES_AT = 386;
    private static final int HEADER_PIECES = 4;
    private static final int HEADER_MORE_AT = 482;
    private static final int HEADER_SIZE_AT = 483;
    private static final int BLOCK_PIECES = 21;
    private static final int BLOCK_MORE_AT = 504;
    /** Some sixteen megabytes of numbers. */
    private static final int MAX_PIECES = 1 << 20;

    private long[] numbers = new long[8];
    private int count;
    private long size = -1;
    private boolean isUsed;
    private boolean isInContent;
    private byte @Nullable [] name;

    boolean isUsed() {
        return isUsed;
    }

    /** Size of the file with its holes. */
    long size() {
        return size;
    }

    /** Pairs of offset and length. */
    long[] data() {
        return Arrays.copyOf(numbers, count);
    }

    /** The name of the file: that in the header is for programs that know nothing of holes. */
    byte[] name(byte[] inHeader) {
        return name == null ? inHeader : name;
    }

    private void add(long number) throws IOException {
        if (count >= 2 * MAX_PIECES) {
            throw new IOException("a file with holes has more than " + MAX_PIECES + " pieces");
        }
        if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * count);
        }
        numbers[count++] = number;
    }

    /** Takes a pax record if it is about holes. */
    boolean take(String key, byte[] value) throws IOException {
        if (!key.startsWith("GNU.sparse.")) {
            return false;
        }
        isUsed = true;
        switch (key) {
            case "GNU.sparse.major" -> isInContent = PaxRecords.number(key, value) == 1;
            case "GNU.sparse.size", "GNU.sparse.realsize" -> size = PaxRecords.number(key, value);
            case "GNU.sparse.name" -> name = value;
            case "GNU.sparse.offset", "GNU.sparse.numbytes" -> add(PaxRecords.number(key, value));
            case "GNU.sparse.map" -> {
                String text = new String(value, StandardCharsets.ISO_8859_1);
                for (int from = 0; from < text.length(); ) {
                    int comma = text.indexOf(',', from);
                    int end = comma < 0 ? text.length() : comma;
                    add(PaxRecords.number(key, text.substring(from, end).getBytes(StandardCharsets.ISO_8859_1)));
                    from = end + 1;
                }
            }
            default -> {} // a count, which shows by itself, or the minor version
        }
        return true;
    }

    /** Reads what an old GNU header says, and the blocks that follow it. */
    void readOldHeader(byte[] header, TarStream in) throws IOException {
        isUsed = true;
        size = number(header, HEADER_SIZE_AT);
        readPieces(header, HEADER_PIECES_AT, HEADER_PIECES);
        boolean more = header[HEADER_MORE_AT] != 0;
        while (more) {
            byte[] block = in.readExactly(BLOCK_BYTES);
            readPieces(block, 0, BLOCK_PIECES);
            more = block[BLOCK_MORE_AT] != 0;
        }
    }

    private void readPieces(byte[] block, int from, int pieces) throws IOException {
        for (int i = 0; i < 2 * pieces; i += 2) {
            int at = from + i * NUMBER_BYTES;
            if (block[at] == 0 && block[at + NUMBER_BYTES] == 0) {
                break;
            }
            add(number(block, at));
            add(number(block, at + NUMBER_BYTES));
        }
    }

    private static long number(byte[] block, int at) throws IOException {
        try {
            return TarUtils.parseOctalOrBinary(block, at, NUMBER_BYTES);
        } catch (IllegalArgumentException e) {
            throw new IOException("the header of a file with holes is damaged", e);
        }
    }

    /** Reads the map if it is before the bytes of the file; the stream is then where those begin. */
    void finish(TarStream in, long stored) throws IOException {
        if (!isInContent) {
            return;
        }
        long end = in.position() + stored;
        byte[] block = new byte[BLOCK_BYTES];
        int[] at = {BLOCK_BYTES};
        LongReader reader = () -> {
            long number = 0;
            for (int digits = 0; ; digits++) {
                if (at[0] == BLOCK_BYTES) {
                    if (in.position() + BLOCK_BYTES > end) {
                        throw new IOException("the map of a file with holes is damaged");
                    }
                    System.arraycopy(in.readExactly(BLOCK_BYTES), 0, block, 0, BLOCK_BYTES);
                    at[0] = 0;
                }
                byte c = block[at[0]++];
                if (c == '\n' && digits > 0) {
                    return number;
                }
                if (c < '0' || c > '9' || digits > 17) {
                    throw new IOException("the map of a file with holes is damaged");
                }
                number = 10 * number + c - '0';
            }
        };
        long pieces = reader.next();
        for (long i = 0; i < 2 * pieces; i++) {
            add(reader.next());
        }
    }

    private interface LongReader {
        long next() throws IOException;
    }

    /** Looks whether the pieces can be true of a file whose stored bytes are so many. */
    void check(long stored) throws IOException {
        long at = 0;
        long total = 0;
        boolean isSound = count % 2 == 0 && size >= 0;
        for (int i = 0; isSound && i < count; i += 2) {
            long length = numbers[i + 1];
            isSound = numbers[i] >= at && length >= 0 && length <= size && numbers[i] <= size - length;
            at = numbers[i] + length;
            total += length;
        }
        // What is stored may be more: padding after the last piece.
        if (!isSound || total > stored) {
            throw new IOException("the map of a file with holes is damaged");
        }
    }
}
