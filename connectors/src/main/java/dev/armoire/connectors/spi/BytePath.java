// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** Paths as '/'-separated bytes: names need not be UTF-8, so they never become text on their way. */
@SuppressWarnings("MutablePublicArray") // nobody writes into them
public final class BytePath {
    public static final byte[] ROOT = {'/'};
    public static final byte[] SELF = {'.'};
    public static final byte[] EMPTY = {};

    /** Stands for the byte 0x80 in texts. */
    private static final int FIRST_SURROGATE = 0xdc80;

    private BytePath() {}

    /** An absolute path without empty parts, {@code .} and {@code ..}; a relative one starts at {@code directory}. */
    public static byte[] clean(byte[] directory, byte[] path) {
        byte[] whole = path.length > 0 && path[0] == '/' ? path : join(directory, path);
        byte[] out = new byte[whole.length + 1];
        int length = 0;
        for (int from = 0; from < whole.length; ) {
            int end = from;
            while (end < whole.length && whole[end] != '/') {
                end++;
            }
            int part = end - from;
            if (part == 2 && whole[from] == '.' && whole[from + 1] == '.') {
                while (length > 0 && out[--length] != '/') {}
            } else if (part > 0 && !(part == 1 && whole[from] == '.')) {
                out[length++] = '/';
                System.arraycopy(whole, from, out, length, part);
                length += part;
            }
            from = end + 1;
        }
        return length == 0 ? ROOT : Arrays.copyOf(out, length);
    }

    /** A path as the user wrote it, absolute and clean. */
    public static byte[] absolute(String path) {
        return clean(bytes(System.getProperty("user.dir")), bytes(path));
    }

    /**
     * Bytes as text that {@link #bytes} makes the same bytes of: UTF-8, and each byte that is none as a lone surrogate from
     * U+DC80 on, which is no character and stands in no proper text. So words of a command line may be any bytes.
     */
    public static String word(byte[] bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            if (!result.isError()) {
                return out.flip().toString();
            }
            for (int i = 0; i < result.length(); i++) {
                out.put((char) (FIRST_SURROGATE + (in.get() & 0x7f)));
            }
            decoder.reset();
        }
    }

    /** The bytes that {@link #word} made text of; those of UTF-8 of any other text. */
    public static byte[] bytes(String text) {
        int at = 0;
        while (at < text.length() && !isByte(text.charAt(at))) {
            at++;
        }
        if (at == text.length()) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
        text.codePoints().forEach(c -> {
            if (isByte(c)) {
                out.write(0x80 | c - FIRST_SURROGATE);
            } else {
                out.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
            }
        });
        return out.toByteArray();
    }

    /** Asked of a code point, or of a character: then one half of another character may seem so, which does no harm. */
    private static boolean isByte(int c) {
        return c >= FIRST_SURROGATE && c < FIRST_SURROGATE + 0x80;
    }

    /** The exact bytes of an absolute NIO path, whatever the charset for file names: its URI has them. */
    public static byte[] of(Path path) {
        String uri = path.toAbsolutePath().normalize().toUri().getRawPath();
        ByteArrayOutputStream out = new ByteArrayOutputStream(uri.length());
        for (int i = 0; i < uri.length(); i++) {
            if (uri.charAt(i) == '%') {
                out.write(Integer.parseInt(uri, i + 1, i + 3, 16));
                i += 2;
            } else {
                out.write(uri.charAt(i));
            }
        }
        return clean(ROOT, out.toByteArray());
    }

    /** The directory a path lies in; that of {@code /} is {@code /}, that of a relative name is empty. */
    public static byte[] parent(byte[] path) {
        int slash = lastSlash(path);
        return slash > 0 ? Arrays.copyOf(path, slash) : slash == 0 ? ROOT : EMPTY;
    }

    /** What follows the last '/'; empty for {@code /}. */
    public static byte[] name(byte[] path) {
        return Arrays.copyOfRange(path, lastSlash(path) + 1, path.length);
    }

    public static byte[] join(byte[] directory, byte[] name) {
        if (directory.length == 0) {
            return name;
        }
        boolean separated = directory[directory.length - 1] == '/';
        byte[] whole = Arrays.copyOf(directory, directory.length + (separated ? 0 : 1) + name.length);
        if (!separated) {
            whole[directory.length] = '/';
        }
        System.arraycopy(name, 0, whole, whole.length - name.length, name.length);
        return whole;
    }

    /** Whether a clean path is {@code directory} or lies below it. */
    public static boolean isBelow(byte[] path, byte[] directory) {
        if (directory.length == 1) {
            return true;
        }
        return path.length >= directory.length
                && Arrays.equals(path, 0, directory.length, directory, 0, directory.length)
                && (path.length == directory.length || path[directory.length] == '/');
    }

    /** Whether a relative path is made of names that a file can have: what a snapshot says need not be sound. */
    public static boolean isSound(byte[] path) {
        for (byte b : path) {
            if (b == 0) {
                return false;
            }
        }
        for (int from = 0; path.length > 0 && from <= path.length; ) {
            int end = from;
            while (end < path.length && path[end] != '/') {
                end++;
            }
            int length = end - from;
            boolean isDots = (length == 1 || length == 2) && path[from] == '.' && path[end - 1] == '.';
            if (length == 0 || isDots) {
                return false;
            }
            from = end + 1;
        }
        return true;
    }

    public static String text(byte[] path) {
        return new String(path, StandardCharsets.UTF_8);
    }

    private static int lastSlash(byte[] path) {
        int i = path.length - 1;
        while (i >= 0 && path[i] != '/') {
            i--;
        }
        return i;
    }
}
