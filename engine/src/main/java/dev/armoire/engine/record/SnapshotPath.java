// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.connectors.spi.BytePath;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Paths in snapshots: absolute, '/'-separated bytes (format 2a §1). They are bytes because names need not be UTF-8; all
 * orders are on unsigned bytes.
 */
public final class SnapshotPath {
    /** The root. Like every path it is shared: nobody writes into one. */
    @SuppressWarnings("MutablePublicArray") // a path is an array everywhere, and this one is compared with millions
    public static final byte[] ROOT = {'/'};

    private SnapshotPath() {}

    /** The path that a text stands for; see {@link BytePath#bytes}. */
    public static byte[] of(String text) {
        return BytePath.bytes(text);
    }

    /** Go's path.Clean for absolute paths: no "//", ".", "..", and no '/' at the end but for the root. */
    public static byte[] clean(byte[] path) {
        return BytePath.clean(ROOT, path);
    }

    /** The names between slashes, without empty ones. */
    public static List<byte[]> components(byte[] path) {
        List<byte[]> parts = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= path.length; i++) {
            if (i == path.length || path[i] == '/') {
                if (i > start) {
                    parts.add(Arrays.copyOfRange(path, start, i));
                }
                start = i + 1;
            }
        }
        return parts;
    }

    /** The directory of a clean path; that of the root is the root. */
    public static byte[] parent(byte[] path) {
        int slash = lastSlash(path);
        return slash <= 0 ? ROOT : Arrays.copyOf(path, slash);
    }

    /** The last name of a clean path; that of the root is "/". */
    public static byte[] name(byte[] path) {
        return path.length == 1 ? ROOT : Arrays.copyOfRange(path, lastSlash(path) + 1, path.length);
    }

    public static byte[] child(byte[] directory, byte[] name) {
        int base = isRoot(directory) ? 0 : directory.length;
        byte[] path = new byte[base + 1 + name.length];
        System.arraycopy(directory, 0, path, 0, base);
        path[base] = '/';
        System.arraycopy(name, 0, path, base + 1, name.length);
        return path;
    }

    public static boolean isRoot(byte[] path) {
        return path.length == 1 && path[0] == '/';
    }

    /** Whether {@code path} is {@code directory} or lies below it. */
    public static boolean isWithin(byte[] path, byte[] directory) {
        if (isRoot(directory)) {
            return true;
        }
        return path.length >= directory.length
                && Arrays.mismatch(path, 0, directory.length, directory, 0, directory.length) < 0
                && (path.length == directory.length || path[directory.length] == '/');
    }

    /** The part of {@code path} below {@code directory}, without a leading slash; empty for the directory itself. */
    public static byte[] relative(byte[] path, byte[] directory) {
        if (path.length == directory.length) {
            return new byte[0];
        }
        return Arrays.copyOfRange(path, isRoot(directory) ? 1 : directory.length + 1, path.length);
    }

    /** The deepest directory that holds both. */
    public static byte[] common(byte[] a, byte[] b) {
        byte[] common = a;
        while (!isWithin(b, common)) {
            common = parent(common);
        }
        return common;
    }

    /** The order of most trees: bytes. */
    public static int compareBytes(byte[] a, byte[] b) {
        return Arrays.compareUnsigned(a, b);
    }

    /** The order of the VFS tree: fewer slashes first, then bytes. */
    public static int compareDepth(byte[] a, byte[] b) {
        int same = Arrays.mismatch(a, b);
        if (same < 0) {
            return 0;
        }
        int order = Integer.compare(slashes(a, same), slashes(b, same));
        return order != 0 ? order : Arrays.compareUnsigned(a, same, a.length, b, same, b.length);
    }

    private static int slashes(byte[] path, int from) {
        int count = 0;
        for (int i = from; i < path.length; i++) {
            if (path[i] == '/') {
                count++;
            }
        }
        return count;
    }

    private static int lastSlash(byte[] path) {
        int i = path.length - 1;
        while (i >= 0 && path[i] != '/') {
            i--;
        }
        return i;
    }

    /**
     * For people: UTF-8 where it is, {@code \xNN} for other bytes, and escapes for what would disturb a terminal or a line
     * of a log.
     */
    public static String display(byte[] path) {
        if (isPlain(path)) {
            return new String(path, StandardCharsets.ISO_8859_1);
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(path))
                    .toString();
        } catch (CharacterCodingException e) {
            StringBuilder escaped = new StringBuilder();
            for (byte b : path) {
                if (b >= 0x20 && b < 0x7f) {
                    escaped.append((char) b);
                } else {
                    escaped.append(String.format(Locale.ROOT, "\\x%02x", b & 0xff));
                }
            }
            return escaped.toString();
        }
        return escapeControls(text);
    }

    /** Whether it is of ASCII that shows as what it is, like nearly all paths. */
    private static boolean isPlain(byte[] path) {
        for (byte b : path) {
            if (b < 0x20 || b == 0x7f) {
                return false;
            }
        }
        return true;
    }

    /** Like {@link #display}, as UTF-8; not a copy where that is the path itself. */
    public static byte[] displayBytes(byte[] path) {
        return isPlain(path) ? path : display(path).getBytes(StandardCharsets.UTF_8);
    }

    private static String escapeControls(String text) {
        if (text.codePoints().noneMatch(SnapshotPath::isDisturbing)) {
            return text;
        }
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> escaped.append("\\n");
                case '\t' -> escaped.append("\\t");
                case '\r' -> escaped.append("\\r");
                default -> {
                    if (isDisturbing(c)) {
                        escaped.append(String.format(Locale.ROOT, c < 0x100 ? "\\x%02x" : "\\u%04x", c));
                    } else {
                        escaped.appendCodePoint(c);
                    }
                }
            }
        });
        return escaped.toString();
    }

    /** Control characters, and the ones that turn the direction of text. */
    private static boolean isDisturbing(int c) {
        return c < 0x20 || c >= 0x7f && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069;
    }
}
