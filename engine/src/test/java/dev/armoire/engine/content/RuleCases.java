// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Small inputs, at least one for each rule, with the type each must get. */
final class RuleCases {
    record Case(String type, String latin1) {
        byte[] input() {
            return RuleCases.latin1(latin1);
        }

        @Override
        public String toString() {
            String shown = latin1.substring(0, Math.min(24, latin1.length()));
            return type + " <- " + shown.replaceAll("[^ -~]", ".") + " (" + latin1.length() + " bytes)";
        }
    }

    private static final String ODF = "application/vnd.oasis.opendocument.";
    private static final String OFFICE = "application/vnd.openxmlformats-officedocument.";
    private static final String XML = "<?xml version=\"1.0\"?>\n";

    private final List<Case> cases = new ArrayList<>();

    private RuleCases() {}

    static List<Case> all() {
        RuleCases cases = new RuleCases();
        cases.images();
        cases.archives();
        cases.documents();
        cases.soundAndVideo();
        cases.programsAndData();
        cases.fonts();
        cases.text();
        cases.markup();
        return cases.cases;
    }

    private void add(String type, String... inputs) {
        for (String input : inputs) {
            cases.add(new Case(type, input));
        }
    }

    private void add(String type, byte[] input) {
        cases.add(new Case(type, new String(input, StandardCharsets.ISO_8859_1)));
    }

    static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }

    /** Zeros with {@code content} laid at an offset; parts are offset, bytes, offset, bytes, ... */
    private static byte[] zeros(int length, Object... parts) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < parts.length; i += 2) {
            byte[] part = parts[i + 1] instanceof byte[] given ? given : latin1((String) parts[i + 1]);
            System.arraycopy(part, 0, bytes, (Integer) parts[i], part.length);
        }
        return bytes;
    }

    private void images() {
        add("image/x-xpixmap", "/* XPM */\nstatic char *x[]");
        add("image/vnd.adobe.photoshop", "8BPS\0\1");
        add("image/png", "\u0089PNG\r\n\u001a\n\0\0\0\rIHDR");
        add("image/vnd.mozilla.apng", zeros(60, 0, "\u0089PNG\r\n\u001a\n", 37, "acTL"));
        add("image/jpeg", hex("FF D8 FF E0"));
        add("image/jxl", hex("FF 0A 00"));
        add("image/jxl", "\0\0\0\fJXL \r\n\u0087\n");
        for (String kind : List.of("jp2", "jpx", "jpm")) {
            add("image/" + kind, "\0\0\0\fjP  \r\n\u0087\n\0\0\0\u0014ftyp" + kind + " ");
            add("image/" + kind, "\0\0\0\fjP2 \r\n\u0087\n\0\0\0\u0014ftyp" + kind + " ");
        }
        add("image/jxs", "\0\0\0\fJXS \r\n\u0087\n");
        add("image/gif", "GIF87a\1", "GIF89a\1");
        add("image/webp", "RIFF\0\0\0\0WEBPVP8 ");
        add("image/tiff", hex("49 49 2A 00"));
        add("image/tiff", hex("4D 4D 00 2A"));
        for (int header : new int[] {16, 24, 40, 48, 52, 56, 64, 108, 124}) {
            add("image/bmp", zeros(30, 0, "BM", 14, new byte[] {(byte) header}));
        }
        add("image/x-icon", hex("00 00 01 00 01"));
        add("image/x-icon", hex("00 00 02 00 01"));
        add("image/vnd.djvu", "AT&TFORM\0\0\0\1DJVU", "AT&TFORM\0\0\0\1THUM");
        add("image/bpg", hex("42 50 47 FB"));
        add("image/vnd.dwg", "AC1015\0", "AC1.40\0");
        add("image/x-icns", "icns\0\0");
        add("image/vnd.radiance", "#?RADIANCE\n");
        add("image/x-xcf", "gimp xcf v011\0");
        add("image/x-gimp-pat", zeros(30, 20, "GPAT"));
        add("image/x-gimp-gbr", zeros(30, 20, "GIMP"));
        add("image/jxr", hex("49 49 BC 01"));
        add("image/vnd.dxf", "  0\nSECTION\n", "  0\r\nSECTION\r\n", "0\nSECTION\n", "0\r\nSECTION\r\n");
        add("application/fits", "SIMPLE  =" + " ".repeat(20) + "T");
    }

    private void archives() {
        add("application/x-7z-compressed", hex("37 7A BC AF 27 1C"));
        add("application/zip", zip("a.txt", "b/"));
        add("application/zip", "PK\5\6\0\0");
        add(OFFICE + "wordprocessingml.document", zip("[Content_Types].xml", "word/document.xml"));
        add(OFFICE + "wordprocessingml.document", zip("word/document.xml"));
        add(OFFICE + "presentationml.presentation", zip("_rels/.rels", "ppt/p.xml"));
        add(OFFICE + "spreadsheetml.sheet", zip("docProps/app.xml", "xl/workbook.xml"));
        add("application/vnd.ms-visio.drawing.main+xml", zip("customXml/a", "visio/document.xml"));
        add("application/zip", zip("readme", "word/document.xml"));
        add("application/vnd.android.package-archive", zip("a", "classes.dex"));
        add("application/java-archive", zip("META-INF/MANIFEST.MF", "A.class"));
        add("application/java-archive", zeros(40, 0, "PK\3\4", 26, "\1\0", 30, "a", 31, hex("FE CA")));
        add("application/zip", zip("A.class", "META-INF/MANIFEST.MF"));
        add("application/vnd.google-earth.kmz", zip("x", "doc.kml"));
        for (String kind : List.of("epub+zip", "vnd.sun.xml.calc")) {
            add("application/" + kind, zeros(90, 0, "PK\3\4", 30, "mimetypeapplication/" + kind));
        }
        for (String kind : List.of(
                "text",
                "text-template",
                "spreadsheet",
                "spreadsheet-template",
                "presentation",
                "presentation-template",
                "graphics",
                "graphics-template",
                "formula",
                "chart")) {
            add(ODF + kind, zeros(120, 0, "PK\3\4", 30, "mimetype" + ODF + kind));
        }
        add("application/x-archive", "!<arch>\nfoo.o/");
        add("application/vnd.debian.binary-package", "!<arch>\ndebian-binary   ");
        add("application/x-tar", tar("a.txt", false));
        add("application/x-tar", tar("caf\u00e9.txt", true));
        add("application/octet-stream", tar("x/gpkg-1", false));
        add("application/x-xar", "xar!\0");
        add("application/x-bzip2", "BZh91AY");
        add("application/gzip", hex("1F 8B 08"));
        add("application/x-rar-compressed", hex("52 61 72 21 1A 07 00"));
        add("application/x-rar-compressed", hex("52 61 72 21 1A 07 01 00"));
        add("application/zstd", hex("28 B5 2F FD"));
        add("application/zstd", hex("22 B5 2F FD"));
        add("application/zstd", hex("50 2A 4D 18"));
        add("application/zstd", hex("5F 2A 4D 18"));
        add("application/vnd.ms-cab-compressed", "MSCF\0\0\0\0");
        add("application/x-installshield", "ISc(\1\2\0\4");
        add("application/x-rpm", hex("ED AB EE DB"));
        add("application/x-rpm", "drpm");
        add("application/x-xz", hex("FD 37 7A 58 5A 00"));
        add("application/lzip", "LZIP\1");
        add("application/x-cpio", hex("C7 71 00 00 00 00"));
        add("application/x-cpio", "070707", "070701", "070702");
        add("application/zlib", hex("78 9C 00 01"));
        add("application/zlib", hex("78 01 02"));
        add("text/plain; charset=utf-8", "x^ is text");
        add("application/x-chrome-extension", zeros(40, 0, "Cr24\2\0\0\0", 8, "\3", 12, "\5", 24, "PK\3\4"));
    }

    private void documents() {
        add("application/pdf", "%PDF-1.7", " ".repeat(1019) + "%PDF-");
        add("text/plain; charset=utf-8", " ".repeat(1020) + "%PDF-");
        add("application/vnd.fdf", "%FDF-1.2");
        add("application/postscript", "%!PS-Adobe-3.0");
        add("application/pkcs7-signature", "-----BEGIN PKCS7-----\n");
        for (int i = 0; i <= 4; i++) {
            byte[] der = zeros(20, 0, "0", i + 2, hex("06 09 2A 86 48 86 F7 0D 01 07"));
            der[1] = (byte) (0x80 + i);
            add("application/pkcs7-signature", der);
        }
        add("application/x-ole-storage", ole());
        add("application/x-ms-installer", ole(592, hex("84100C0000000000C000000000000046")));
        add("application/vnd.ms-outlook", ole(592, hex("0B0D020000000000C000000000000046")));
        add("application/vnd.ms-publisher", ole(592, hex("011202000000000000C0000000000046")));
        add("application/vnd.ms-excel", ole(592, hex("1008020000000000")));
        add("application/vnd.ms-excel", ole(592, hex("2008020000000000")));
        add("application/vnd.ms-excel", ole(512, hex("0908100000060500")));
        add("application/vnd.ms-excel", ole(512, hex("FDFFFFFF1F")));
        add("application/vnd.ms-excel", ole(1400, "W\0k\0s\0S\0S\0W\0o\0r\0k\0B\0o\0o\0k"));
        add("application/vnd.ms-powerpoint", ole(592, hex("108D81649B4FCF1186EA00AA00B929E8")));
        add("application/vnd.ms-powerpoint", ole(592, hex("70AE7BEA3BFBCD11A90300AA00510EA3")));
        add("application/vnd.ms-powerpoint", ole(512, hex("A0461DF0")));
        add("application/vnd.ms-powerpoint", ole(512, hex("FDFFFFFF")));
        add("application/vnd.ms-powerpoint", ole(1400, "P\0o\0w\0e\0r\0P\0o\0i\0n\0t\0 D\0o\0c\0u\0m\0e\0n\0t"));
        add("application/x-ole-storage", ole(512, hex("FDFFFFFF0000 0001")));
        for (String first : List.of("06", "00", "07")) {
            add("application/msword", ole(592, hex(first + "09020000000000C000000000000046")));
        }
        // Version 4 files have sectors of 4096 bytes: with no sectors to skip the class lies outside the input.
        add("application/x-ole-storage", ole(26, "\4\0", 592, hex("0609020000000000C000000000000046")));
        add("application/vnd.lotus-1-2-3", zeros(30, 2, "\2\0\0\0\1\0"));
        add("application/vnd.lotus-1-2-3", zeros(30, 2, hex("1A 00"), 20, "\5"));
        add("application/x-mobipocket-ebook", zeros(70, 0, "\1", 60, "BOOKMOBI"));
        add("application/x-ms-reader", "ITOLITLS\1");
        add("application/onenote", hex("E4525C7B8CD8A74DAEB15378D02996D3"));
        add("application/vnd.ms-htmlhelp", "ITSF\3\0\0\0`\0\0\0");
        add("application/vnd.wordperfect", zeros(12, 0, hex("FF 57 50 43"), 8, hex("01 0A")));
        add("application/x-os2-inf", hex("48 53 50 01 9B 00"));
        add("application/x-os2-hlp", hex("48 53 50 10 9B 00"));
        add("application/vnd.framemaker", "<MakerFile 7.0>\0", "<MakerDictionary \0", "<BookFile \0", "<bookfile\0");
        add("text/plain; charset=utf-8", "<MakerFile 7.0>");
        add("application/marc", "01234" + "a".repeat(15) + "4500\u001e");
    }

    private void soundAndVideo() {
        for (String head : List.of("\u007fFLAC", "\1vorbis", "OpusHead", "Speex   ")) {
            add("audio/ogg", zeros(50, 0, "OggS", 28, head));
        }
        for (String head : List.of("\u0080theora", "fishead\0", "\1video\0\0\0")) {
            add("video/ogg", zeros(50, 0, "OggS", 28, head));
        }
        add("application/ogg", zeros(50, 0, "OggS"));
        add("audio/mpeg", "ID3\4\0");
        add("audio/mpeg", hex("FF FB 90"));
        add("audio/mpeg", hex("FF F3 90"));
        add("audio/mpeg", hex("FF E2 90"));
        add("audio/flac", "fLaC\0\0\0\"");
        add("audio/midi", "MThd\0\0");
        add("audio/ape", hex("4D 41 43 20 96 0F 00 00 34 00 00 00 18 00 00 00 90 E3"));
        add("audio/musepack", "MPCK\1");
        add("audio/amr", "#!AMR\n\1");
        add("audio/wav", "RIFF\0\0\0\0WAVEfmt ");
        add("audio/aiff", "FORM\0\0\0\0AIFFC");
        add("audio/basic", ".snd\0");
        add("audio/aac", hex("FF F1 50"));
        add("audio/aac", hex("FF F9 50"));
        add("audio/x-unknown", "Creative Voice File\u001a");
        add("audio/qcelp", "RIFF\0\0\0\0QLCMfmt ");
        add("application/vnd.apple.mpegurl", "#EXTM3U\n", "#EXTM3U\r\n");
        add("application/vnd.rn-realmedia-vbr", ".RMF\0");
        add("video/mpeg", hex("00 00 01 B0"));
        add("video/mpeg", hex("00 00 01 BF"));
        add("video/quicktime", "\0\0\0 ftypqt  ", "\0\0\0 ftypmoov", "\0\0\0 ftypmqt ");
        add("video/quicktime", "\1\2\3\4moov\0" + "123", "\1\2\3\4pnot\0" + "123", "\0\0\0\bwide1234");
        add("text/plain; charset=utf-8", "    ftypqt  ");
        add("video/mp4", "\0\0\0 ftypisom");
        String[][] brands = {
            {"image/avif", "avif avis"},
            {"video/3gpp", "3gp1 3gp2 3gp3 3gp4 3gp5 3gp6 3gp7 3gs7 3ge6 3ge7 3gg6"},
            {"video/3gpp2", "3g24 3g25 3g26 3g2a 3g2b 3g2c KDDI"},
            {"audio/mp4", "F4A_ F4B_ M4B_ M4P_ MSNV NDAS"},
            {"audio/x-m4a", "M4A_"},
            {"video/x-m4v", "M4V_ M4VH M4VP"},
            {"image/heic", "heic heix"},
            {"image/heic-sequence", "hevc hevx"},
            {"image/heif", "mif1 heim heis avic"},
            {"image/heif-sequence", "msf1 hevm hevs avcs"},
            {"video/mj2", "mj2s mjp2 MFSM MGSV"},
            {
                "video/vnd.dvb.file",
                "dby1 dsms dts1 dts2 dts3 dxo_ dmb1 dmpf drc1 dv1a dv1b dv2a dv2b dv3a dv3b dvr1 dvt1 emsg"
            }
        };
        for (String[] brand : brands) {
            for (String name : brand[1].split(" ", -1)) {
                add(brand[0], "\0\0\0 ftyp" + name.replace('_', ' '));
            }
        }
        add("video/webm", "\u001aE\u00df\u00a3\u0093B\u0082\u0084webm");
        add("video/x-matroska", "\u001aE\u00df\u00a3\u0093B\u0082\u0088matroska");
        add("video/x-matroska", "\u001aE\u00df\u00a3\u0093B\u0082@\u0008matroska");
        add("application/octet-stream", "\u001aE\u00df\u00a3\u0093B\u0082\u0084other");
        add("video/x-msvideo", "RIFF\0\0\0\0AVI LIST\0");
        add("video/x-flv", "FLV\1\5");
        add("video/x-ms-asf", hex("3026B2758E66CF11A6D900AA0062CE6C"));
    }

    private void programsAndData() {
        add("application/octet-stream", new byte[10]);
        add("application/octet-stream", hex("01 02 03 90"));
        add("application/vnd.microsoft.portable-executable", "MZ\u0090\0");
        String[] kinds = {"x-elf", "x-object", "x-executable", "x-sharedlib", "x-coredump"};
        for (int kind = 0; kind < kinds.length; kind++) {
            add("application/" + kinds[kind], zeros(20, 0, "\u007fELF", 16, new byte[] {(byte) kind, 0}));
            add("application/" + kinds[kind], zeros(20, 0, "\u007fELF", 16, new byte[] {0, (byte) kind}));
        }
        add("application/x-java-applet", hex("CA FE BA BE 00 00 00 34"));
        add("application/x-mach-binary", hex("CA FE BA BE 00 00 00 02"));
        for (String magic : List.of("FEEDFACE", "FEEDFACF", "CEFAEDFE", "CFFAEDFE")) {
            add("application/x-mach-binary", hex(magic));
        }
        add("application/x-shockwave-flash", "CWS\n", "FWS\n", "ZWS\n");
        add("application/wasm", "\0asm\1\0\0\0");
        add("application/vnd.shx", zeros(50, 0, hex("00 00 27 0A")));
        add("application/vnd.shp", zeros(112, 0, hex("00 00 27 0A"), 28, hex("E8 03"), 108, hex("1F")));
        add("application/vnd.shx", zeros(112, 0, hex("00 00 27 0A"), 28, hex("E8 03"), 108, hex("02")));
        add("application/x-dbf", zeros(68, 0, hex("03 7A 07 1A 03")));
        add("application/octet-stream", zeros(68, 0, hex("03 7A 0D 1A 03")));
        add("application/dicom", zeros(140, 128, "DICM"));
        add("application/cbor", hex("D9 D9 F7 00"));
        add("application/vnd.sqlite3", "SQLite format 3\0");
        add("application/vnd.nintendo.snes.rom", hex("4E 45 53 1A"));
        add("application/x-ms-shortcut", hex("4C 00 00 00 01 14 02 00"));
        add("application/x-msaccess", "\0\1\0\0Standard Jet DB\0", "\0\1\0\0Standard ACE DB\0");
        add("application/x-bittorrent", "d8:announce35:udp");
        add("application/tzif", zeros(44, 0, "TZif2", 39, "\5"));
        add("application/tzif", zeros(44, 0, "TZif", 39, "\5"));
        add("application/octet-stream", zeros(44, 0, "TZif2"));
        add("model/gltf-binary", "glTF\2\0\0\0", "glTF\1\0\0\0");
        add("application/vnd.apache.parquet", "PAR1\u0015");
        add("application/grib", "GRIB\0\0\0\1", "GRIB\0\0\0\2");
        add("application/bufr", "BUFR\0\0\0\3", "BUFR\0\0\0\4");
    }

    private void fonts() {
        add("font/ttf", "\0\1\0\0\0\u0010\0\0\0\0\0\0cmap", "\0\1\0\0\0\u0010\0\0\0\0\0\0cvt ");
        add("application/octet-stream", "\0\1\0\0\0001\0\0\0\0\0\0cmap");
        add("font/woff", "wOFF\0\1");
        add("font/woff2", "wOF2\0\1");
        add("font/otf", zeros(60, 0, "OTTO", 44, "CFF "));
        add("font/collection", "ttcf\0\1\0\0", "ttcf\0\2\0\0");
        for (String version : List.of("020001", "010000", "020002")) {
            add("application/vnd.ms-fontobject", zeros(40, 0, "\1", 8, hex(version), 34, "LP"));
        }
    }

    private void text() {
        add("text/plain", "");
        add("text/plain; charset=utf-8", "hello world\n");
        add("application/json", "{}", " \n[1, {\"a\": null}]\n", "{\"log\":{\"version\":\"1.2\"}}", "{");
        add("application/json", "{\"log\":{\"creator\":{}}}", "{\"log\":{\"entries\":[]}}");
        for (String kind : List.of(
                "Feature",
                "FeatureCollection",
                "Point",
                "LineString",
                "Polygon",
                "MultiPoint",
                "MultiLineString",
                "MultiPolygon",
                "GeometryCollection")) {
            add("application/geo+json", "{ \"id\" : 7 , \"type\" : \"" + kind + "\" }");
        }
        add("application/json", "{\"type\":\"Other\"}", "{\"x\":{\"type\":\"Point\"}}", "[{\"type\":\"Point\"}]");
        add("model/gltf+json", "{\"asset\":{\"version\":\"2.0\"}}", "{\"asset\":{\"version\" : \"1.0\" }}");
        add("application/json", "{\"asset\":{\"version\":\"3.0\"}}");
        add("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", "1\r\n[]\r\n\r\n", "null\n{}");
        add("text/plain; charset=utf-8", "1\n2\n", "{\"a\":1}x\n{\"a\":2}\n", "\"just a string\"");
        add("text/rtf", "{\\rtf1\\ansi");
        add(
                "application/x-subrip",
                "1\n00:02:16,612 --> 00:02:19,376\nHello\n",
                "1\r\n00:00:00,000 --> 00:00:00,000\r\nx");
        add("text/plain; charset=utf-8", "1\n00:02:16.612 --> 00:02:19.376\nHello\n");
        add("text/plain; charset=utf-8", "1\n00:02:19,612 --> 00:02:16,376\nHello\n");
        add(
                "text/plain; charset=utf-8",
                "1\n24:02:16,612 --> 24:02:19,376\nHello\n",
                "1\n00:02:16,612 --> 00:02:19,376\n");
        add("text/csv", "a,b\n1,2\n", "\"a, b\",c\r\n# note\r\n\r\n\"multi\nline\",2\r\n", "a,b\n1,2");
        add("text/plain; charset=utf-8", "a,b\n", "a,b\n1,2,3\n", "one\ntwo\n", "Dear Sir,\nno, thanks, no\n");
        add("text/tab-separated-values", "a\tb\n1\t2\n");
        add("text/vcard", "BEGIN:VCARD\nVERSION:3.0", "begin:vcard\r\nVERSION");
        add("text/calendar", "BEGIN:VCALENDAR\r\nVERSION", "Begin:VCalendar\nV");
        add("application/warc", "WARC/1.0\r\n", "WARC/1.1\r\n");
        add("text/vtt", "WEBVTT\n", "WEBVTT\r\n", "WEBVTT - x", "WEBVTT\t", "WEBVTT", "\u00ef\u00bb\u00bfWEBVTT");
        add("text/plain; charset=utf-8", "WEBVTTx");
        scripts();
        add("image/x-portable-bitmap", "P1\n# made by hand\n  10 20\n", "P4\n8 8\n");
        add("image/x-portable-graymap", "P2\n\n3 4\n255\n", "P5\n3 4\n");
        add("image/x-portable-pixmap", "P3\n3 4\n", "P6\n3 4\n");
        add("text/plain; charset=utf-8", "P1\n0 4\n", "P1\n3\n", "P1 3 4\n", "P1\n3 99999999999999999999\n");
        add("image/x-portable-arbitrarymap", "P7\nWIDTH 4\nHEIGHT 2\n#\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n");
        add("text/plain; charset=utf-8", "P7\nWIDTH 4\nHEIGHT 2\nDEPTH 3\nENDHDR\n");
        add("message/rfc822", "From: a\nTo: b\n\nhi", "Received: x\n y\nreturn-path: z\n", "cc: a\nDate: b\n");
        add("message/rfc822", "From: a\n" + "\n".repeat(19) + "Subject: b\n");
        add("text/plain; charset=utf-8", "From: a\n" + "\n".repeat(20) + "Subject: b\n", "from: a\nto: b\n");
    }

    private void scripts() {
        String[][] scripts = {
            {"text/x-php", "/usr/local/bin/php", "/usr/bin/php", "/usr/bin/env php", "/usr/bin/env  -S  php8 -d x"},
            {"text/javascript", "/bin/node", "/usr/bin/node", "/bin/nodejs", "/usr/bin/env node", "/usr/bin/env nodejs"
            },
            {"text/x-lua", "/usr/bin/lua", "/usr/local/bin/lua", "/usr/bin/env lua", "/usr/bin/env -S lua"},
            {"text/x-perl", "/usr/bin/perl -w", "/usr/bin/env perl"},
            {"text/x-python", "/usr/bin/python", "/usr/local/bin/python2", "/usr/bin/env python3.11"},
            {"text/x-ruby", "/usr/bin/ruby", "/usr/local/bin/ruby", "/usr/bin/env ruby"},
            {
                "text/x-tcl",
                "/usr/bin/tcl",
                "/usr/local/bin/tclsh",
                "/usr/bin/env tcl",
                "/usr/bin/wish",
                "/usr/bin/env wish"
            },
            {
                "text/x-shellscript",
                "/bin/sh",
                "/bin/bash -e",
                "/usr/local/bin/zsh",
                "/usr/bin/env ksh",
                "/usr/bin/env -S csh"
            },
            {"text/x-shellscript", "/bin/dash", "/bin/tcsh"},
            {
                "text/plain; charset=utf-8",
                "/usr/bin/bash",
                "/usr/bin/env sh",
                "/usr/bin/lua5.4",
                "/usr/bin/env  perl",
                "/bin/awk"
            }
        };
        for (String[] script : scripts) {
            for (String interpreter : Arrays.copyOfRange(script, 1, script.length)) {
                add(script[0], "#!" + interpreter + "\nx\n", "#! \t" + interpreter + "\r\n", "#!" + interpreter);
            }
        }
        add("text/x-php", "<?php echo 1;", "<?PHP\n", "<?\necho", "<? echo");
    }

    private void markup() {
        add("image/svg+xml", " <!-- a --><!-- b --><svg width='1' xmlns='http://www.w3.org/2000/svg'>");
        add("image/svg+xml", XML + "<!DOCTYPE svg>\n<svg>");
        add("text/plain; charset=utf-8", "<svg width='1'>");
        for (String tag : List.of(
                "!DOCTYPE HTML",
                "HTML",
                "HEAD",
                "SCRIPT",
                "IFRAME",
                "H1",
                "DIV",
                "FONT",
                "TABLE",
                "A",
                "STYLE",
                "TITLE",
                "B",
                "BODY",
                "BR",
                "P",
                "!--")) {
            add("text/html; charset=utf-8", "<" + tag + ">", "\n <" + tag.toLowerCase(Locale.ROOT) + " x");
            add("text/plain; charset=utf-8", "<" + tag + "x>", "<" + tag);
        }
        add("text/html; charset=utf-8", "\u00ef\u00bb\u00bf <html>");
        add("text/xml; charset=utf-8", "<?xml version=\"1.0\"?><a/>", "\n<?XML ?>");
        String[][] documents = {
            {"application/rss+xml", "<rss>"},
            {"application/atom+xml", "<feed xmlns=\"http://www.w3.org/2005/Atom\">"},
            {"model/x3d+xml", "<X3D xmlns:xsd=\"http://www.w3.org/2001/XMLSchema-instance\">"},
            {"application/vnd.google-earth.kml+xml", "<kml xmlns=\"http://www.opengis.net/kml/2.2\">"},
            {"application/vnd.google-earth.kml+xml", "<kml xmlns=\"http://earth.google.com/kml/2.0\">"},
            {"application/vnd.google-earth.kml+xml", "<kml xmlns=\"http://earth.google.com/kml/2.1\">"},
            {"application/vnd.google-earth.kml+xml", "<kml xmlns=\"http://earth.google.com/kml/2.2\">"},
            {"application/x-xliff+xml", "<xliff xmlns=\"urn:oasis:names:tc:xliff:document:1.2\">"},
            {"model/vnd.collada+xml", "<COLLADA xmlns=\"http://www.collada.org/2005/11/COLLADASchema\">"},
            {"application/gml+xml", "<x xmlns:gml=\"http://www.opengis.net/gml\">"},
            {"application/gml+xml", "<x xmlns:gml=\"http://www.opengis.net/gml/3.2\">"},
            {"application/gml+xml", "<x xmlns:gml=\"http://www.opengis.net/gml/3.3/exr\">"},
            {"application/gpx+xml", "<gpx xmlns=\"http://www.topografix.com/GPX/1/1\">"},
            {
                "application/vnd.garmin.tcx+xml",
                "<TrainingCenterDatabase xmlns=\"http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2\">"
            },
            {"application/x-amf", "<amf>"},
            {
                "application/vnd.ms-package.3dmanufacturing-3dmodel+xml",
                "<model xmlns=\"http://schemas.microsoft.com/3dmanufacturing/core/2015/02\">"
            },
            {"application/vnd.adobe.xfdf", "<xfdf xmlns=\"http://ns.adobe.com/xfdf/\">"},
            {"application/owl+xml", "<Ontology xmlns=\"http://www.w3.org/2002/07/owl#\">"},
            {"application/xhtml+xml", "<!doctype  html>"},
            {"application/xhtml+xml", "<html xmlns=\"x\">"},
            {"text/xml; charset=utf-8", "<feed>"},
            {"text/xml; charset=utf-8", "xmlns=\"http://www.w3.org/2005/Atom\" <feed>"},
            {"text/xml; charset=utf-8", " ".repeat(512) + "<rss>"}
        };
        for (String[] document : documents) {
            add(document[0], XML + document[1]);
        }
    }

    private static byte[] zip(String... names) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.setMethod(ZipOutputStream.STORED);
            for (String name : names) {
                ZipEntry entry = new ZipEntry(name);
                entry.setSize(0);
                entry.setCrc(new CRC32().getValue());
                zip.putNextEntry(entry);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] tar(String name, boolean signedSum) {
        byte[] header = zeros(512, 0, name, 148, "        ");
        int sum = 0;
        for (byte b : header) {
            sum += signedSum ? b : b & 0xff;
        }
        System.arraycopy(latin1(String.format(Locale.ROOT, "%06o\0 ", sum)), 0, header, 148, 8);
        return header;
    }

    /** A compound file with no class of its own, but for what is laid into it. */
    private static byte[] ole(Object... parts) {
        byte[] file = zeros(2048, parts);
        System.arraycopy(hex("D0CF11E0A1B11AE1"), 0, file, 0, 8);
        return file;
    }
}
