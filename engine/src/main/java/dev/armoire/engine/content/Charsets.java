// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static dev.armoire.engine.content.Rule.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Finds the charset of text from its first bytes, and names text, HTML and XML with it. */
final class Charsets {
    /** What plain bytes show by themselves. */
    enum Plain {
        NONE(""),
        UTF_8("utf-8"),
        UTF_32BE("utf-32be"),
        UTF_32LE("utf-32le"),
        UTF_16BE("utf-16be"),
        UTF_16LE("utf-16le"),
        ISO_8859_1("iso-8859-1"),
        WINDOWS_1252("windows-1252");

        private final String plain;
        private final String html;
        private final String xml;

        Plain(String name) {
            String parameter = name.isEmpty() ? "" : "; charset=" + name;
            plain = "text/plain" + parameter;
            html = HTML + parameter;
            xml = XML + parameter;
        }

        String plain() {
            return plain;
        }
    }

    private static final String HTML = "text/html";
    private static final String XML = "text/xml";
    private static final int LIMIT = 1024;

    private static final byte[] XML_START = text("<?xml");
    private static final byte[] META = text("<META");
    private static final byte[] BODY = text("<BODY");
    private static final byte[] ENCODING = text("encoding");
    private static final byte[] CHARSET = text("charset");
    private static final byte[] CONTENT = text("content");
    private static final byte[] HTTP_EQUIV = text("http-equiv");
    private static final byte[] CONTENT_TYPE = text("CONTENT-TYPE");

    // Documents name nearly always one of these: their types are built once.
    private static final String[] COMMON = {
        "UTF-8",
        "utf-8",
        "UTF8",
        "utf8",
        "iso-8859-1",
        "ISO-8859-1",
        "us-ascii",
        "US-ASCII",
        "UTF-16",
        "utf-16",
        "windows-1252",
        "iso-8859-15",
        "ISO-8859-15",
        "windows-1251",
        "Shift_JIS",
        "EUC-JP",
        "gb2312",
        "GB2312",
        "GBK"
    };
    private static final byte[][] COMMON_BYTES = Rule.texts(COMMON);
    private static final String[] COMMON_HTML = withParameter(HTML);
    private static final String[] COMMON_XML = withParameter(XML);

    private Charsets() {}

    private static String[] withParameter(String type) {
        String[] types = new String[COMMON.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = type + "; charset=" + COMMON[i];
        }
        return types;
    }

    static Plain ofPlain(Sample in) {
        int to = Math.min(LIMIT, in.length);
        Plain mark = byteOrderMark(in);
        if (mark != Plain.NONE || to == 0) {
            return mark;
        }
        boolean ascii = true;
        boolean latin = true;
        boolean controls = false;
        int firstHigh = -1;
        for (int i = 0; i < to; i++) {
            if (i + Long.BYTES <= to && Sample.isPrintable(in.word(i))) {
                i += Long.BYTES - 1;
                continue;
            }
            int b = in.bytes[i] & 0xff;
            if (b < 0x80) {
                if (!isAsciiText(b)) {
                    ascii = false;
                    latin = false;
                }
                continue;
            }
            firstHigh = firstHigh < 0 ? i : firstHigh;
            if (b == 0x85) {
                controls = true;
            } else {
                ascii = false;
                latin &= b >= 0xA0;
            }
        }
        if (firstHigh >= 0 && isUtf8(in.bytes, firstHigh, withoutCutRune(in.bytes, to))) {
            return Plain.UTF_8;
        }
        if (ascii) {
            return Plain.UTF_8;
        }
        if (!latin) {
            return Plain.NONE;
        }
        return controls ? Plain.WINDOWS_1252 : Plain.ISO_8859_1;
    }

    private static boolean isAsciiText(int b) {
        return (b >= 0x20 && b < 0x7F) || (b >= 0x07 && b <= 0x0D) || b == 0x1B;
    }

    static Plain byteOrderMark(Sample in) {
        int first = in.u8(0);
        if (first != 0xEF && first != 0 && first != 0xFE && first != 0xFF) {
            return Plain.NONE;
        }
        if (in.u16be(0) == 0xEFBB && in.u8(2) == 0xBF) {
            return Plain.UTF_8;
        }
        if (in.u32be(0) == 0xFEFF) {
            return Plain.UTF_32BE;
        }
        if (in.u16be(0) == 0xFFFE) {
            return in.length >= 4 && in.u16be(2) == 0 ? Plain.UTF_32LE : Plain.UTF_16LE;
        }
        return in.u16be(0) == 0xFEFF ? Plain.UTF_16BE : Plain.NONE;
    }

    /** The end without a last character that may have been cut through. */
    private static int withoutCutRune(byte[] bytes, int to) {
        for (int i = to - 1; i >= 0 && i > to - 4; i--) {
            if (bytes[i] >= 0) {
                return to;
            }
            if ((bytes[i] & 0xC0) == 0xC0) {
                return i;
            }
        }
        return to;
    }

    /** Holds at least one character beyond ASCII from {@code firstHigh} on, and nothing but valid UTF-8. */
    private static boolean isUtf8(byte[] bytes, int firstHigh, int to) {
        int at = firstHigh;
        while (at < to) {
            int length = Utf8.lengthAt(bytes, at, to);
            if (length == 0) {
                return false;
            }
            at += length;
        }
        return firstHigh < to;
    }

    static String ofXml(Sample in) {
        int to = Math.min(LIMIT, in.length);
        int at = in.skipBlanks(0, to);
        while (to - at > XML_START.length) {
            int start = in.indexOf(at, to, XML_START);
            if (start < 0) {
                break;
            }
            Attributes attributes = new Attributes(in.bytes, start + XML_START.length, to);
            boolean more = true;
            while (more) {
                more = attributes.read();
                if (attributes.nameStartsWith(ENCODING) && !attributes.valueIsEmpty()) {
                    return named(XML, COMMON_XML, in.bytes, attributes.valueFrom(), attributes.valueTo());
                }
            }
            at = in.skipBlanks(attributes.position(), to);
        }
        return ofPlain(in).xml;
    }

    static String ofHtml(Sample in) {
        Plain mark = byteOrderMark(in);
        return mark != Plain.NONE ? mark.html : ofMeta(in);
    }

    /** HTML's scan for a charset ahead of parsing, as far as its meta tags go. */
    private static String ofMeta(Sample in) {
        int to = Math.min(LIMIT, in.length);
        int at = 0;
        while (true) {
            int behindComment = skipComment(in, at, to);
            if (behindComment > at) {
                at = behindComment;
                continue;
            }
            if (to - at <= META.length || in.matchEnd(at, to, BODY, true, false) >= 0) {
                return ofPlain(in).html;
            }
            if (in.matchEnd(at, to, META, true, false) < 0) {
                at++;
                continue;
            }
            at += META.length;
            int separator = in.bytes[at++];
            if (!Sample.isBlank(separator) && separator != '/') {
                return ofPlain(in).html;
            }
            MetaTag tag = new MetaTag(in, at, to);
            if (tag.decides()) {
                return tag.from == tag.to ? ofPlain(in).html : named(HTML, COMMON_HTML, in.bytes, tag.from, tag.to);
            }
            at = tag.end;
        }
    }

    /** Behind the comment at {@code at}, or {@code at} if there is none that ends. */
    static int skipComment(Sample in, int at, int to) {
        if (at + 4 > to
                || in.bytes[at] != '<'
                || in.bytes[at + 1] != '!'
                || in.bytes[at + 2] != '-'
                || in.bytes[at + 3] != '-') {
            return at;
        }
        for (int i = at + 2; i + 3 <= to; i++) {
            if (in.bytes[i] == '-' && in.bytes[i + 1] == '-' && in.bytes[i + 2] == '>') {
                return i + 3;
            }
        }
        return at;
    }

    private static String named(String type, String[] common, byte[] bytes, int from, int to) {
        for (int i = 0; i < COMMON_BYTES.length; i++) {
            if (Arrays.equals(COMMON_BYTES[i], 0, COMMON_BYTES[i].length, bytes, from, to)) {
                return common[i];
            }
        }
        return type + "; charset=" + new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }

    /** What one meta tag says: the charset lies in {@code from..to}, which can be empty. */
    private static final class MetaTag {
        private final int end;
        private int from;
        private int to;
        private boolean byContent;
        private boolean byCharset;
        private boolean contentType;

        MetaTag(Sample in, int start, int limit) {
            Attributes attributes = new Attributes(in.bytes, start, limit);
            boolean seenPragma = false;
            boolean seenContent = false;
            boolean seenCharset = false;
            boolean more = true;
            while (more) {
                more = attributes.read();
                if (!seenPragma && attributes.nameIsIgnoringCase(HTTP_EQUIV)) {
                    seenPragma = true;
                    contentType =
                            in.matchEnd(attributes.valueFrom(), attributes.valueTo(), CONTENT_TYPE, true, false) >= 0;
                } else if (!seenContent && attributes.nameIsIgnoringCase(CONTENT)) {
                    seenContent = true;
                    charsetWithin(in, attributes.valueFrom(), attributes.valueTo());
                    if (from < to) {
                        byContent = true;
                        byCharset = false;
                    }
                } else if (!seenCharset && attributes.nameIsIgnoringCase(CHARSET)) {
                    seenCharset = true;
                    from = attributes.valueFrom();
                    to = attributes.valueTo();
                    byCharset = true;
                    byContent = false;
                }
            }
            end = attributes.position();
        }

        boolean decides() {
            return byCharset || (byContent && contentType);
        }

        /** Finds {@code charset=...} within the value of a content attribute. */
        private void charsetWithin(Sample in, int valueFrom, int valueTo) {
            from = 0;
            to = 0;
            int at = valueFrom;
            while (true) {
                at = in.indexOf(at, valueTo, CHARSET);
                if (at < 0) {
                    return;
                }
                at = in.skipBlanks(at + CHARSET.length, valueTo);
                if (at >= valueTo || in.bytes[at++] != '=') {
                    continue;
                }
                at = in.skipBlanks(at, valueTo);
                if (at >= valueTo) {
                    return;
                }
                byte quote = in.bytes[at];
                boolean quoted = quote == '"' || quote == '\'';
                from = quoted ? at + 1 : at;
                to = from;
                while (to < valueTo
                        && (quoted ? in.bytes[to] != quote : (in.bytes[to] != ';' && !Sample.isBlank(in.bytes[to])))) {
                    to++;
                }
                from = in.skipBlanks(from, to);
                while (to > from && Sample.isBlank(in.bytes[to - 1])) {
                    to--;
                }
                return;
            }
        }
    }
}
