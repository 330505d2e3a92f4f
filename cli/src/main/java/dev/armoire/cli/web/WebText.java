// SPDX-License-Identifier: ISC
package dev.armoire.cli.web;

import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Names of any bytes in pages and in URLs, and back. */
public final class WebText {
    private WebText() {}

    /** A text as it stands in HTML, between tags or in quotes. */
    public static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /** A name or path of a snapshot as it stands in HTML. */
    public static String display(byte[] path) {
        return escape(SnapshotPath.display(path));
    }

    /** A name as it stands in a path or query of a URL. */
    public static String percent(byte[] name) {
        return percent(name, "-._~");
    }

    /** A path as it stands in a URL, its slashes left as they are. */
    public static String percentPath(byte[] path) {
        return percent(path, "-._~/");
    }

    private static String percent(byte[] bytes, String plain) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            boolean isPlain =
                    b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || plain.indexOf(b) >= 0;
            if (isPlain) {
                text.append((char) b);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
            }
        }
        return text.toString();
    }

    /** The bytes that a part of a URL stands for. */
    static byte[] bytes(String raw) {
        byte[] text = raw.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < text.length; i++) {
            int high = i + 2 < text.length ? Character.digit(text[i + 1], 16) : -1;
            int low = i + 2 < text.length ? Character.digit(text[i + 2], 16) : -1;
            if (text[i] == '%' && high >= 0 && low >= 0) {
                bytes.write(high << 4 | low);
                i += 2;
            } else {
                bytes.write(text[i]);
            }
        }
        return bytes.toByteArray();
    }
}
