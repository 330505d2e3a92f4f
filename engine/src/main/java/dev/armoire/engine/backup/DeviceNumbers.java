// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.engine.record.SnapshotHeader.KeyValue;
import dev.armoire.engine.record.SnapshotPath;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Device numbers, for which the format has no place. They ride in the context list of the snapshot's source, which Plakar
 * writes empty and never reads: one pair for each number, {@code armoire.rdev 1:3} → the paths, one a line. They can not ride
 * in the entries: those must stay as Plakar would write them (format 2 §8, 1).
 */
public final class DeviceNumbers {
    private static final String PREFIX = "armoire.rdev ";

    private final Map<Long, List<byte[]>> pathsByNumber = new TreeMap<>();

    /**
     * Takes down the number of one device file.
     *
     * @param rdev major &lt;&lt; 32 | minor, or unknown
     */
    public synchronized void add(byte[] path, long rdev) {
        if (rdev == FileInfo.UNKNOWN_RDEV) {
            return;
        }
        pathsByNumber.computeIfAbsent(rdev, key -> new ArrayList<>()).add(path);
    }

    public synchronized List<KeyValue> toContext() {
        List<KeyValue> context = new ArrayList<>();
        pathsByNumber.forEach((rdev, paths) -> {
            List<byte[]> sorted = new ArrayList<>(paths);
            sorted.sort(SnapshotPath::compareBytes);
            StringBuilder lines = new StringBuilder();
            for (byte[] path : sorted) {
                lines.append(lines.isEmpty() ? "" : "\n").append(escape(path));
            }
            context.add(new KeyValue(PREFIX + (rdev >>> 32) + ":" + (rdev & 0xFFFFFFFFL), lines.toString()));
        });
        return context;
    }

    /** Numbers by path, the path as ISO-8859-1 text so that it can be a key. What does not parse is left out. */
    public static Map<String, Long> fromContext(List<KeyValue> context) {
        Map<String, Long> numbers = new HashMap<>();
        for (KeyValue pair : context) {
            int colon = pair.key().indexOf(':');
            if (!pair.key().startsWith(PREFIX) || colon < 0) {
                continue;
            }
            try {
                long major = Integer.parseUnsignedInt(pair.key().substring(PREFIX.length(), colon));
                long minor = Integer.toUnsignedLong(
                        Integer.parseUnsignedInt(pair.key().substring(colon + 1)));
                for (String line : pair.value().split("\n", -1)) {
                    numbers.put(key(unescape(line)), major << 32 | minor);
                }
            } catch (NumberFormatException e) {
                // Not ours, then.
            }
        }
        return numbers;
    }

    public static String key(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    /** Percent-encodes what is not printable ASCII, so that the value is text whatever the name is. */
    private static String escape(byte[] path) {
        StringBuilder text = new StringBuilder();
        for (byte b : path) {
            if (b > 0x20 && b < 0x7f && b != '%') {
                text.append((char) b);
            } else {
                text.append(String.format(Locale.ROOT, "%%%02x", b & 0xff));
            }
        }
        return text.toString();
    }

    private static byte[] unescape(String text) {
        byte[] bytes = new byte[text.length()];
        int length = 0;
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '%' && i + 2 < text.length()) {
                bytes[length++] = (byte) Integer.parseInt(text.substring(i + 1, i + 3), 16);
                i += 2;
            } else {
                bytes[length++] = (byte) text.charAt(i);
            }
        }
        return java.util.Arrays.copyOf(bytes, length);
    }
}
