// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static dev.armoire.engine.content.Rule.prefix;
import static dev.armoire.engine.content.Rule.text;
import static dev.armoire.engine.content.Rule.texts;
import static dev.armoire.engine.content.Rule.when;

import java.util.Arrays;

/** Text and what it can be more exactly, in the order in which it is tried. */
final class TextRules {
    /** First bytes of markup: blanks and a byte order mark may stand before it. */
    private static final String MARKUP = "< \t\n\r\f\u00ef";

    private static final String JSON_VALUE = "{[\"tfn-.0123456789 \t\n\r";
    private static final int SECOND_HINT_LINES = 20;
    private static final int HEADER_LINES = 128;

    private static final boolean[] BINARY = binaryBytes();
    private static final byte[] UTF_8_MARK = text("\u00ef\u00bb\u00bf");
    private static final byte[] WEBVTT = text("WEBVTT");
    private static final byte[] SVG = text("<svg");
    private static final byte[] SVG_NAMESPACE = text("http://www.w3.org/2000/svg");
    private static final byte[] XMLNS = text("xmlns");
    private static final byte[] XML_LOWER = text("<?xml");
    private static final byte[] VERSION = text("version");
    private static final byte[][] XML = texts("<?XML");
    private static final byte[][] HTML = texts(
            "<!DOCTYPE HTML",
            "<HTML",
            "<HEAD",
            "<SCRIPT",
            "<IFRAME",
            "<H1",
            "<DIV",
            "<FONT",
            "<TABLE",
            "<A",
            "<STYLE",
            "<TITLE",
            "<B",
            "<BODY",
            "<BR",
            "<P",
            "<!--");
    private static final byte[][] PHP = texts("<?PHP", "<?\n", "<?\r", "<? ");
    private static final byte[][] XHTML = texts("<!DOCTYPE HTML", "<HTML XMLNS=");
    private static final byte[][] VCARD = texts("BEGIN:VCARD\n", "BEGIN:VCARD\r\n");
    private static final byte[][] CALENDAR = texts("BEGIN:VCALENDAR\n", "BEGIN:VCALENDAR\r\n");
    private static final byte[] ARROW = text(" --> ");
    private static final byte[][] ARBITRARY_MAP = texts("WIDTH ", "HEIGHT ", "DEPTH ", "MAXVAL ");
    private static final byte[] ARBITRARY_MAP_TUPLE = text("TUPLTYPE");
    private static final byte[] ARBITRARY_MAP_END = text("ENDHDR");
    private static final byte[][] MAIL = texts(
            "From: ",
            "To: ",
            "Date: ",
            "Subject: ",
            "Received: ",
            "Relay-Version: ",
            "#! rnews",
            "N#! rnews",
            "Forward to",
            "Pipe to",
            "Content-Type: ",
            "Content-Transfer-Encoding: ");
    private static final byte[][] MAIL_ANY_CASE = texts("CC: ", "DELIVERED-TO: ", "RETURN-PATH: ");

    private TextRules() {}

    static Rule rule() {
        return when("text/plain", TextRules::isText)
                .with(Rule.Charset.PLAIN)
                .with(
                        when("image/svg+xml", MARKUP, TextRules::isSvg),
                        when("text/html", MARKUP, in -> isMarkup(in, HTML)).with(Rule.Charset.HTML),
                        when("text/xml", MARKUP, in -> isMarkup(in, XML))
                                .with(Rule.Charset.XML)
                                .with(xml()),
                        when("text/x-php", "<", in -> startsInAnyCase(in, PHP)),
                        script("text/x-php", false, "/usr/local/bin/php", "/usr/bin/php", "env php"),
                        script(
                                "text/javascript",
                                false,
                                "/bin/node",
                                "/usr/bin/node",
                                "/bin/nodejs",
                                "/usr/bin/nodejs",
                                "env node",
                                "env nodejs"),
                        script("text/x-lua", true, "/usr/bin/lua", "/usr/local/bin/lua", "env lua"),
                        script("text/x-perl", true, "/usr/bin/perl", "env perl"),
                        script("text/x-python", false, "/usr/bin/python", "/usr/local/bin/python", "env python"),
                        script("text/x-ruby", false, "/usr/bin/ruby", "/usr/local/bin/ruby", "env ruby"),
                        when("application/json", "{[ \t\n\r\f", TextRules::isJson)
                                .with(
                                        when("application/geo+json", in -> in.json.isGeo() && startsWithBrace(in)),
                                        when("application/json", in -> in.json.isHar() && startsWithBrace(in)),
                                        when("model/gltf+json", in -> in.json.isGltf() && startsWithBrace(in))),
                        when("application/x-ndjson", JSON_VALUE, TextRules::isJsonLines),
                        prefix("text/rtf", text("{\\rtf")),
                        when("application/x-subrip", "1", TextRules::isSubRip),
                        script(
                                "text/x-tcl",
                                false,
                                "/usr/bin/tcl",
                                "/usr/local/bin/tcl",
                                "env tcl",
                                "/usr/bin/wish",
                                "/usr/local/bin/wish",
                                "env wish"),
                        when("text/csv", in -> SeparatedValues.holds(in, ',')),
                        when("text/tab-separated-values", in -> SeparatedValues.holds(in, '\t')),
                        when("text/vcard", "Bb", in -> startsInAnyCase(in, VCARD)),
                        when("text/calendar", "Bb", in -> startsInAnyCase(in, CALENDAR)),
                        prefix("application/warc", text("WARC/1.0"), text("WARC/1.1")),
                        when("text/vtt", "W\u00ef", TextRules::isWebVtt),
                        shell("bash", "csh", "dash", "ksh", "tcsh", "zsh"),
                        portableMap("image/x-portable-bitmap", "14"),
                        portableMap("image/x-portable-graymap", "25"),
                        portableMap("image/x-portable-pixmap", "36"),
                        when("image/x-portable-arbitrarymap", "P", TextRules::isArbitraryMap),
                        when("message/rfc822", "FTCcDdSRrN#P", TextRules::isMail));
    }

    private static boolean[] binaryBytes() {
        boolean[] binary = new boolean[256];
        for (int b = 0; b < 0x20; b++) {
            binary[b] = b != '\t' && b != '\n' && b != '\f' && b != '\r' && b != 0x1B;
        }
        return binary;
    }

    /** No byte that text never has; after a byte order mark anything goes. */
    static boolean isText(Sample in) {
        int at = 0;
        while (at < in.length) {
            int end = Math.min(in.length, at + Long.BYTES);
            if (end - at == Long.BYTES && !Sample.hasControl(in.word(at))) {
                at = end;
                continue;
            }
            for (; at < end; at++) {
                if (BINARY[in.bytes[at] & 0xff]) {
                    return Charsets.byteOrderMark(in) != Charsets.Plain.NONE;
                }
            }
        }
        return true;
    }

    private static boolean isSvg(Sample in) {
        int at = in.skipBlanks(0, in.length);
        return isSvgDocument(in, at) || isBareSvg(in, at);
    }

    private static boolean isBareSvg(Sample in, int from) {
        int at = from;
        int behindComment = Charsets.skipComment(in, at, in.length);
        while (behindComment > at) {
            at = behindComment;
            behindComment = Charsets.skipComment(in, at, in.length);
        }
        if (!in.has(at, SVG)) {
            return false;
        }
        // The name of the tag itself is read as an attribute, too.
        Attributes attributes = new Attributes(in.bytes, at, in.length);
        boolean more = true;
        while (more) {
            more = attributes.read();
            if (attributes.nameIs(XMLNS) && attributes.valueIs(SVG_NAMESPACE)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isSvgDocument(Sample in, int at) {
        if (!in.has(at, XML_LOWER)) {
            return false;
        }
        Attributes attributes = new Attributes(in.bytes, at, in.length);
        boolean more = true;
        while (more) {
            more = attributes.read();
            if (attributes.nameIs(VERSION)) {
                return in.contains(attributes.position(), in.length, SVG);
            }
        }
        return false;
    }

    /** A tag of {@code tags} comes first, behind blanks, and is not just the start of a longer word. */
    private static boolean isMarkup(Sample in, byte[][] tags) {
        int at = in.skipBlanks(in.has(0, UTF_8_MARK) ? UTF_8_MARK.length : 0, in.length);
        if (in.u8(at) != '<') {
            return false;
        }
        for (byte[] tag : tags) {
            int end = in.matchEnd(at, in.length, tag, true, false);
            if (end >= 0 && end < in.length && (Sample.isBlank(in.bytes[end]) || in.bytes[end] == '>')) {
                return true;
            }
        }
        return false;
    }

    private static Rule[] xml() {
        return new Rule[] {
            document("application/rss+xml", "<rss"),
            document("application/atom+xml", "<feed", "xmlns=\"http://www.w3.org/2005/Atom\""),
            document("model/x3d+xml", "<X3D", "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema-instance\""),
            document(
                    "application/vnd.google-earth.kml+xml",
                    "<kml",
                    "xmlns=\"http://www.opengis.net/kml/2.2\"",
                    "xmlns=\"http://earth.google.com/kml/2.0\"",
                    "xmlns=\"http://earth.google.com/kml/2.1\"",
                    "xmlns=\"http://earth.google.com/kml/2.2\""),
            document("application/x-xliff+xml", "<xliff", "xmlns=\"urn:oasis:names:tc:xliff:document:1.2\""),
            document("model/vnd.collada+xml", "<COLLADA", "xmlns=\"http://www.collada.org/2005/11/COLLADASchema\""),
            document(
                    "application/gml+xml",
                    "",
                    "xmlns:gml=\"http://www.opengis.net/gml\"",
                    "xmlns:gml=\"http://www.opengis.net/gml/3.2\"",
                    "xmlns:gml=\"http://www.opengis.net/gml/3.3/exr\""),
            document("application/gpx+xml", "<gpx", "xmlns=\"http://www.topografix.com/GPX/1/1\""),
            document(
                    "application/vnd.garmin.tcx+xml",
                    "<TrainingCenterDatabase",
                    "xmlns=\"http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2\""),
            document("application/x-amf", "<amf"),
            document(
                    "application/vnd.ms-package.3dmanufacturing-3dmodel+xml",
                    "<model",
                    "xmlns=\"http://schemas.microsoft.com/3dmanufacturing/core/2015/02\""),
            document("application/vnd.adobe.xfdf", "<xfdf", "xmlns=\"http://ns.adobe.com/xfdf/\""),
            document("application/owl+xml", "<Ontology", "xmlns=\"http://www.w3.org/2002/07/owl#\""),
            when("application/xhtml+xml", TextRules::isXhtml)
        };
    }

    /** Near the start stands {@code root}, and behind it one of {@code namespaces}; either may be left out. */
    private static Rule document(String type, String root, String... namespaces) {
        byte[] name = text(root);
        byte[][] spaces = texts(namespaces);
        return when(type, in -> {
            int from = in.skipBlanks(0, in.length);
            int to = Math.min(in.length, from + 512);
            int nameAt = name.length == 0 ? from : in.indexOf(from, to, name);
            if (nameAt < 0 || spaces.length == 0) {
                return nameAt > from;
            }
            for (byte[] space : spaces) {
                if (in.indexOf(from, to, space) > nameAt) {
                    return true;
                }
            }
            return false;
        });
    }

    private static boolean isXhtml(Sample in) {
        int to = Math.min(in.length, 1024);
        for (byte[] start : XHTML) {
            for (int at = in.indexOf(0, to, '<'); at >= 0; at = in.indexOf(at + 1, to, '<')) {
                if (to - at >= start.length && in.matchEnd(at, to, start, true, true) >= 0) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Starts with one of these, letters in either case, and does not end there. */
    private static boolean startsInAnyCase(Sample in, byte[][] wanted) {
        for (byte[] one : wanted) {
            int end = in.matchEnd(0, in.length, one, true, false);
            if (end >= 0 && end < in.length) {
                return true;
            }
        }
        return false;
    }

    private static Rule shell(String... shells) {
        String[] interpreters = new String[1 + 3 * shells.length];
        int count = 0;
        interpreters[count++] = "/bin/sh";
        for (String shell : shells) {
            interpreters[count++] = "/bin/" + shell;
            interpreters[count++] = "/usr/local/bin/" + shell;
            interpreters[count++] = "env " + shell;
        }
        return script("text/x-shellscript", true, interpreters);
    }

    /**
     * A script for one of {@code interpreters}; {@code env X} stands for {@code /usr/bin/env X} with and without
     * {@code -S}.
     *
     * @param fullWord the interpreter must stand exactly so, with its end or a blank behind it; otherwise a blank in it
     *     may be several and its name may go on, as in {@code python3.11}
     */
    private static Rule script(String type, boolean fullWord, String... interpreters) {
        byte[][] wanted = new byte[2 * interpreters.length][];
        int count = 0;
        for (String interpreter : interpreters) {
            if (interpreter.startsWith("env ")) {
                wanted[count++] = text("/usr/bin/" + interpreter);
                wanted[count++] = text("/usr/bin/env -S " + interpreter.substring(4));
            } else {
                wanted[count++] = text(interpreter);
            }
        }
        byte[][] all = Arrays.copyOf(wanted, count);
        return when(type, "#", in -> isScript(in, fullWord, all));
    }

    private static boolean isScript(Sample in, boolean fullWord, byte[][] interpreters) {
        int to = in.textEnd(0, in.lineFeed(0, in.length));
        if (to < 2 || in.bytes[1] != '!') {
            return false;
        }
        int at = in.skipBlanks(2, to);
        for (byte[] interpreter : interpreters) {
            int end = in.matchEnd(at, to, interpreter, false, !fullWord);
            if (end >= 0 && (!fullWord || end == to || Sample.isBlank(in.bytes[end]))) {
                return true;
            }
        }
        return false;
    }

    private static boolean startsWithBrace(Sample in) {
        return in.u8(in.skipBlanks(0, in.length)) == '{';
    }

    private static boolean isJson(Sample in) {
        int first = in.u8(in.skipBlanks(0, in.length));
        if (first != '{' && first != '[') {
            return false;
        }
        int end = in.json.read(0, in.length);
        return in.mayBeCutOff() ? in.json.inspected() == in.length : end == in.length;
    }

    private static boolean isJsonLines(Sample in) {
        int lines = 0;
        boolean containers = false;
        for (int at = 0; at < in.length; ) {
            int feed = in.lineFeed(at, in.length);
            int to = in.textEnd(at, feed);
            in.json.read(at, to);
            if (in.json.inspected() != to - at) {
                return false;
            }
            containers |= in.json.isContainer();
            lines++;
            at = feed + 1;
        }
        return lines > 1 && containers;
    }

    private static boolean isSubRip(Sample in) {
        int feed = in.lineFeed(0, in.length);
        if (in.textEnd(0, feed) != 1) {
            return false;
        }
        int times = Math.min(in.length, feed + 1);
        feed = in.lineFeed(times, in.length);
        if (in.textEnd(times, feed) - times != 29 || !in.has(times + 12, ARROW)) {
            return false;
        }
        int start = subRipMillis(in, times);
        int end = subRipMillis(in, times + 17);
        if (start < 0 || start > end) {
            return false;
        }
        int words = Math.min(in.length, feed + 1);
        return in.textEnd(words, in.lineFeed(words, in.length)) > words;
    }

    /** The time hh:mm:ss,mmm at {@code at}, or -1. */
    private static int subRipMillis(Sample in, int at) {
        int hours = twoDigits(in, at);
        int minutes = twoDigits(in, at + 3);
        int seconds = twoDigits(in, at + 6);
        int hundredths = twoDigits(in, at + 9);
        int last = in.u8(at + 11) - '0';
        boolean valid = in.u8(at + 2) == ':'
                && in.u8(at + 5) == ':'
                && in.u8(at + 8) == ','
                && hours >= 0
                && hours < 24
                && minutes >= 0
                && minutes < 60
                && seconds >= 0
                && seconds < 60
                && hundredths >= 0
                && last >= 0
                && last <= 9;
        return valid ? ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10 + last : -1;
    }

    private static int twoDigits(Sample in, int at) {
        int tens = in.u8(at) - '0';
        int ones = in.u8(at + 1) - '0';
        return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
    }

    private static boolean isWebVtt(Sample in) {
        int at = in.has(0, UTF_8_MARK) ? UTF_8_MARK.length : 0;
        if (!in.has(at, WEBVTT)) {
            return false;
        }
        int end = at + WEBVTT.length;
        int next = in.u8(end);
        return end == in.length || next == '\n' || next == '\r' || next == ' ' || next == '\t';
    }

    private static Rule portableMap(String type, String kinds) {
        return when(type, "P", in -> in.u8(2) == '\n' && kinds.indexOf(in.u8(1)) >= 0 && hasPortableMapSize(in));
    }

    /** Behind comments and blank lines come two positive numbers: width and height. */
    private static boolean hasPortableMapSize(Sample in) {
        int next = 3;
        int from = 3;
        int to = 3;
        for (int line = 0; line < HEADER_LINES; line++) {
            from = next;
            int feed = in.lineFeed(from, in.length);
            to = in.textEnd(from, feed);
            next = Math.min(in.length, feed + 1);
            if (from < to && in.bytes[from] == '#') {
                continue;
            }
            from = in.skipBlanks(from, to);
            if (next == in.length || from < to) {
                break;
            }
        }
        int widthEnd = numberEnd(in, from, to);
        int height = in.skipBlanks(widthEnd, to);
        return isPositive(in, from, widthEnd) && isPositive(in, height, numberEnd(in, height, to));
    }

    private static int numberEnd(Sample in, int from, int to) {
        int at = from;
        while (at < to && !Sample.isBlank(in.bytes[at])) {
            at++;
        }
        return at;
    }

    /** A decimal integer above zero that fits 64 bits; a plus sign is allowed. */
    private static boolean isPositive(Sample in, int from, int to) {
        int at = from < to && in.bytes[from] == '+' ? from + 1 : from;
        if (at == to) {
            return false;
        }
        long value = 0;
        for (; at < to; at++) {
            int digit = in.bytes[at] - '0';
            if (digit < 0 || digit > 9 || value > (Long.MAX_VALUE - digit) / 10) {
                return false;
            }
            value = value * 10 + digit;
        }
        return value > 0;
    }

    private static boolean isArbitraryMap(Sample in) {
        if (in.u8(1) != '7' || in.u8(2) != '\n') {
            return false;
        }
        int found = 0;
        int at = 0;
        for (int line = 0; line < HEADER_LINES; line++) {
            int feed = in.lineFeed(at, in.length);
            int to = in.textEnd(at, feed);
            int next = Math.min(in.length, feed + 1);
            if (at == to || in.bytes[at] == '#') {
                if (next == in.length) {
                    return false;
                }
            } else if (in.has(at, ARBITRARY_MAP_END)) {
                return found == (1 << ARBITRARY_MAP.length) - 1;
            } else if (!in.has(at, ARBITRARY_MAP_TUPLE)) {
                for (int i = 0; i < ARBITRARY_MAP.length; i++) {
                    found |= in.has(at, ARBITRARY_MAP[i]) ? 1 << i : 0;
                }
            }
            at = next;
        }
        return false;
    }

    private static boolean isMail(Sample in) {
        if (!isMailLine(in, 0)) {
            return false;
        }
        int at = 0;
        for (int line = 0; line < SECOND_HINT_LINES && at < in.length; line++) {
            at = in.lineFeed(at, in.length) + 1;
            if (isMailLine(in, at)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isMailLine(Sample in, int at) {
        if (in.hasAny(at, MAIL)) {
            return true;
        }
        for (byte[] header : MAIL_ANY_CASE) {
            if (in.matchEnd(at, in.length, header, true, false) >= 0) {
                return true;
            }
        }
        return false;
    }
}
