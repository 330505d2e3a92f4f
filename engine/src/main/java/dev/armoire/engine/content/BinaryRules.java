// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static dev.armoire.engine.content.Rule.at;
import static dev.armoire.engine.content.Rule.hex;
import static dev.armoire.engine.content.Rule.prefix;
import static dev.armoire.engine.content.Rule.text;
import static dev.armoire.engine.content.Rule.texts;
import static dev.armoire.engine.content.Rule.when;

/**
 * The top of the rule tree: everything but text, in the order in which it is tried. The order matters, as several rules
 * hold for some inputs. Text comes last because its test reads the whole input.
 */
final class BinaryRules {
    private static final byte[] PDF = text("%PDF-");
    private static final byte[] SIGNED_DATA = hex("06 09 2A 86 48 86 F7 0D 01 07");
    private static final byte[][] JPEG_2000 = texts("jP  ", "jP2 ");
    private static final byte[] CFF = text("CFF ");
    private static final byte[] DJVU_FORM = text("AT&TFORM");
    private static final byte[][] DJVU = texts("DJVM", "DJVU", "DJVI", "THUM");
    private static final byte[][] EOT = {hex("02 00 01"), hex("01 00 00"), hex("02 00 02")};
    private static final byte[][] TTC = {hex("00 01 00 00"), hex("00 02 00 00")};
    private static final byte[] TTF = hex("00 01 00 00");
    private static final byte[][] TTF_TABLES = texts(
            "acnt", "ankr", "avar", "bdat", "bhed", "bloc", "bsln", "cmap", "cvar", "cvt ", "EBSC", "fdsc", "feat",
            "fmtx", "fond", "fpgm", "fvar", "gasp", "gcid", "glyf", "gvar", "hdmx", "head", "hhea", "hmtx", "hvgl",
            "hvpm", "just", "kern", "kerx", "lcar", "loca", "ltag", "maxp", "meta", "mort", "morx", "name", "opbd",
            "OS/2");
    private static final byte[][] DWG_VERSIONS = texts(
            "1.40", "1.50", "2.10", "1002", "1003", "1004", "1006", "1009", "1012", "1014", "1015", "1018", "1021",
            "1024", "1032");
    private static final byte[][] MAKER = texts("<MakerFile", "<MakerDictionary");
    private static final byte[] MAKER_BOOK = text("<BOOKFILE");
    private static final byte[] MARC_LEADER_END = text("4500");
    private static final byte[][] QUICKTIME_TYPES = texts("ftypqt  ", "ftypmoov");
    private static final byte[][] QUICKTIME_ATOMS = texts("moov\0", "mdat\0", "free\0", "skip\0", "pnot\0");
    private static final byte[] QUICKTIME_WIDE = text("\0\0\0\bwide");
    private static final byte[] MATROSKA = hex("1A 45 DF A3");
    private static final byte[] MATROSKA_DOCTYPE = hex("42 82");
    private static final byte[] GENTOO_PACKAGE = text("/gpkg-1\0");
    private static final String DBF_VERSIONS =
            "\u0002\u0003\u0004\u0005012Bb{\u0082\u0083\u0087\u008a\u008b\u008e\u00b3\u00cb\u00e5\u00f5\u00f4\u00fb";
    private static final String ZSTD_FIRST = "\"#$%&'(PQRSTUVWXYZ[\\]^_";

    /** Holds for everything. */
    static final Rule ROOT = when(ContentTypes.OCTET_STREAM, in -> true)
            .with(
                    prefix("image/x-xpixmap", text("/* XPM */")),
                    prefix("application/x-7z-compressed", hex("37 7A BC AF 27 1C")),
                    when("application/zip", "P", in -> isZip(in, 0)).with(ContainerRules.zip()),
                    when("application/pdf", in -> in.contains(0, 1024, PDF)),
                    prefix("application/vnd.fdf", text("%FDF")),
                    prefix("application/x-ole-storage", hex("D0 CF 11 E0 A1 B1 1A E1"))
                            .with(ContainerRules.ole()),
                    prefix("application/postscript", text("%!PS-Adobe-")),
                    prefix("image/vnd.adobe.photoshop", text("8BPS")),
                    prefix("application/pkcs7-signature", text("-----BEGIN PKCS7")),
                    when("application/pkcs7-signature", "0", BinaryRules::isSignedData),
                    prefix("application/ogg", text("OggS\0")).with(ContainerRules.ogg()),
                    prefix("image/png", text("\u0089PNG\r\n\u001a\n"))
                            .with(at(37, "image/vnd.mozilla.apng", text("acTL"))),
                    prefix("image/jpeg", hex("FF D8 FF")),
                    prefix("image/jxl", hex("FF 0A"), text("\0\0\0\fJXL \r\n\u0087\n")),
                    when("image/jp2", in -> isJpeg2000(in, "jp2 ")),
                    when("image/jpx", in -> isJpeg2000(in, "jpx ")),
                    when("image/jpm", in -> isJpeg2000(in, "jpm ")),
                    prefix("image/jxs", text("\0\0\0\fJXS \r\n\u0087\n")),
                    prefix("image/gif", text("GIF87a"), text("GIF89a")),
                    chunked("image/webp", "RIFF", "WEBP", 13),
                    prefix("application/vnd.microsoft.portable-executable", text("MZ")),
                    prefix("application/x-elf", text("\u007fELF")).with(ContainerRules.elf()),
                    prefix("application/x-archive", text("!<arch>"))
                            .with(at(8, "application/vnd.debian.binary-package", text("debian-binary"))),
                    when("application/x-tar", BinaryRules::isTar),
                    prefix("application/x-xar", text("xar!")),
                    prefix("application/x-bzip2", text("BZh")),
                    prefix("application/fits", text("SIMPLE  =" + " ".repeat(20) + "T")),
                    prefix("image/tiff", hex("49 49 2A 00"), hex("4D 4D 00 2A")),
                    when("image/bmp", "B", BinaryRules::isBmp),
                    when("application/vnd.lotus-1-2-3", "\0", BinaryRules::isLotus),
                    prefix("image/x-icon", hex("00 00 01 00"), hex("00 00 02 00")),
                    when("audio/mpeg", "I\u00ff", BinaryRules::isMp3),
                    prefix("audio/flac", text("fLaC\0\0\0\"")),
                    prefix("audio/midi", text("MThd")),
                    prefix("audio/ape", hex("4D 41 43 20 96 0F 00 00 34 00 00 00 18 00 00 00 90 E3")),
                    prefix("audio/musepack", text("MPCK")),
                    prefix("audio/amr", text("#!AMR")),
                    chunked("audio/wav", "RIFF", "WAVE", 13),
                    chunked("audio/aiff", "FORM", "AIFF", 13),
                    prefix("audio/basic", text(".snd")),
                    when("video/mpeg", "\0", in -> in.u32be(0) >= 0x1B0 && in.u32be(0) <= 0x1BF && in.length > 3),
                    when("video/quicktime", BinaryRules::isQuickTime),
                    when("video/mp4", "\0", in -> in.length >= 12 && in.u32be(4) == 0x66747970) // ftyp
                            .with(ContainerRules.mp4()),
                    when("video/webm", "\u001a", in -> isMatroska(in, "webm")),
                    chunked("video/x-msvideo", "RIFF", "AVI LIST", 17),
                    prefix("video/x-flv", text("FLV\u0001")),
                    when("video/x-matroska", "\u001a", in -> isMatroska(in, "matroska")),
                    prefix("video/x-ms-asf", hex("30 26 B2 75 8E 66 CF 11 A6 D9 00 AA 00 62 CE 6C")),
                    prefix("audio/aac", hex("FF F1"), hex("FF F9")),
                    prefix("audio/x-unknown", text("Creative Voice File")),
                    prefix("application/vnd.apple.mpegurl", text("#EXTM3U\n"), text("#EXTM3U\r\n")),
                    prefix("application/vnd.rn-realmedia-vbr", text(".RMF")),
                    prefix("application/gzip", hex("1F 8B")),
                    when("application/x-java-applet", "\u00ca", in -> isFatBinary(in) && in.u8(7) > 30),
                    prefix("application/x-shockwave-flash", text("CWS"), text("FWS"), text("ZWS")),
                    when("application/x-chrome-extension", "C", BinaryRules::isChromeExtension),
                    when("font/ttf", "\0", BinaryRules::isTtf),
                    prefix("font/woff", text("wOFF")),
                    prefix("font/woff2", text("wOF2")),
                    when("font/otf", "O", BinaryRules::isOtf),
                    when("font/collection", "t", in -> in.u32be(0) == 0x74746366 && in.hasAny(4, TTC)), // ttcf
                    when("application/vnd.ms-fontobject", in -> in.u16be(34) == 0x4C50 && in.hasAny(8, EOT)), // LP
                    prefix("application/wasm", text("\0asm")),
                    prefix("application/vnd.shx", hex("00 00 27 0A"))
                            .with(when("application/vnd.shp", ContainerRules::isShape)),
                    when("application/x-dbf", DBF_VERSIONS, BinaryRules::isDbf),
                    at(128, "application/dicom", text("DICM")),
                    prefix("application/x-rar-compressed", hex("52 61 72 21 1A 07 00"), hex("52 61 72 21 1A 07 01 00")),
                    when("image/vnd.djvu", "A", in -> in.has(0, DJVU_FORM) && in.hasAny(12, DJVU)),
                    at(60, "application/x-mobipocket-ebook", text("BOOKMOBI")),
                    prefix("application/x-ms-reader", text("ITOLITLS")),
                    prefix("image/bpg", hex("42 50 47 FB")),
                    prefix("application/cbor", hex("D9 D9 F7")),
                    prefix("application/vnd.sqlite3", text("SQLite format 3\0")),
                    when("image/vnd.dwg", "A", in -> in.u8(1) == 'C' && in.hasAny(2, DWG_VERSIONS)),
                    prefix("application/vnd.nintendo.snes.rom", hex("4E 45 53 1A")),
                    prefix("application/x-ms-shortcut", hex("4C 00 00 00 01 14 02 00")),
                    when("application/x-mach-binary", "\u00ca", in -> isFatBinary(in) && in.u8(7) < 0x14),
                    prefix(
                            "application/x-mach-binary",
                            hex("FE ED FA CE"),
                            hex("FE ED FA CF"),
                            hex("CE FA ED FE"),
                            hex("CF FA ED FE")),
                    chunked("audio/qcelp", "RIFF", "QLCM", 13),
                    prefix("image/x-icns", text("icns")),
                    prefix("image/vnd.radiance", text("#?RADIANCE\n")),
                    when("application/marc", "0123456789", BinaryRules::isMarc),
                    at(4, "application/x-msaccess", text("Standard Jet DB")),
                    at(4, "application/x-msaccess", text("Standard ACE DB")),
                    when("application/zstd", ZSTD_FIRST, BinaryRules::isZstd),
                    prefix("application/vnd.ms-cab-compressed", text("MSCF\0\0\0\0")),
                    prefix("application/x-rpm", hex("ED AB EE DB"), text("drpm")),
                    prefix("application/x-xz", hex("FD 37 7A 58 5A 00")),
                    prefix("application/lzip", text("LZIP")),
                    prefix("application/x-bittorrent", text("d8:announce")),
                    when("application/x-cpio", "\u00c7", in -> in.length >= 6 && in.u8(1) == 0x71),
                    prefix("application/x-cpio", text("070707"), text("070701"), text("070702")),
                    when("application/tzif", "T", BinaryRules::isTzif),
                    prefix("image/x-xcf", text("gimp xcf")),
                    at(20, "image/x-gimp-pat", text("GPAT")),
                    at(20, "image/x-gimp-gbr", text("GIMP")),
                    prefix("model/gltf-binary", text("glTF\u0002\0\0\0"), text("glTF\u0001\0\0\0")),
                    when("application/x-installshield", "I", BinaryRules::isInstallShield),
                    prefix("image/jxr", hex("49 49 BC 01")),
                    prefix("application/vnd.apache.parquet", text("PAR1")),
                    prefix("application/onenote", hex("E4 52 5C 7B 8C D8 A7 4D AE B1 53 78 D0 29 96 D3")),
                    prefix("application/vnd.ms-htmlhelp", text("ITSF\u0003\0\0\0`\0\0\0")),
                    when(
                            "application/vnd.wordperfect",
                            "\u00ff",
                            in -> in.u32be(0) == 0xFF575043L && in.u8(8) == 1 && in.u8(9) == 10), // WPC
                    prefix(
                            "image/vnd.dxf",
                            text("  0\nSECTION\n"),
                            text("  0\r\nSECTION\r\n"),
                            text("0\nSECTION\n"),
                            text("0\r\nSECTION\r\n")),
                    when("application/grib", "G", in -> in.u32be(0) == 0x47524942 && (in.u8(7) == 1 || in.u8(7) == 2)),
                    when(
                            "application/zlib",
                            "x",
                            in -> in.length > 1 && in.u16be(0) % 31 == 0 && !TextRules.isText(in)),
                    prefix("application/x-os2-inf", hex("48 53 50 01 9B 00")),
                    prefix("application/x-os2-hlp", hex("48 53 50 10 9B 00")),
                    when("application/vnd.framemaker", "<", BinaryRules::isFrameMaker),
                    when("application/bufr", "B", in -> in.u32be(0) == 0x42554652 && (in.u8(7) == 3 || in.u8(7) == 4)),
                    TextRules.rule());

    private BinaryRules() {}

    static boolean isZip(Sample in, int at) {
        int third = in.u8(at + 2);
        int fourth = in.u8(at + 3);
        return in.u16be(at) == 0x504B
                && (third == 3 || third == 5 || third == 7)
                && (fourth == 4 || fourth == 6 || fourth == 8);
    }

    /** A form that keeps its own name at 0 and that of its content at 8. */
    private static Rule chunked(String type, String form, String content, int minLength) {
        byte[] formName = text(form);
        byte[] contentName = text(content);
        return when(
                type,
                form.substring(0, 1),
                in -> in.length >= minLength && in.has(0, formName) && in.has(8, contentName));
    }

    private static boolean isSignedData(Sample in) {
        int lengthBytes = in.u8(1) - 0x80;
        return in.length >= 20 && lengthBytes >= 0 && lengthBytes <= 4 && in.has(lengthBytes + 2, SIGNED_DATA);
    }

    private static boolean isJpeg2000(Sample in, String brand) {
        return in.length >= 24 && in.u16be(4) == 0x6A50 && in.hasAny(4, JPEG_2000) && in.has(20, text(brand));
    }

    private static boolean isTar(Sample in) {
        if (in.length < 512) {
            return false;
        }
        int from = 148;
        int to = 156;
        while (from < to && isTarPadding(in.bytes[from])) {
            from++;
        }
        while (from < to && isTarPadding(in.bytes[to - 1])) {
            to--;
        }
        if (from == to) {
            return false;
        }
        long recorded = 0;
        for (int i = from; i < to && in.bytes[i] != 0; i++) {
            int digit = in.bytes[i] - '0';
            if (digit < 0 || digit > 7) {
                return false;
            }
            recorded = (recorded << 3) | digit;
        }
        long unsigned = 8 * ' ';
        long signed = 8 * ' ';
        for (int i = 0; i < 512; i++) {
            if (i < 148 || i >= 156) {
                unsigned += in.bytes[i] & 0xff;
                signed += in.bytes[i];
            }
        }
        return (recorded == unsigned || recorded == signed) && !in.contains(0, 100, GENTOO_PACKAGE);
    }

    private static boolean isTarPadding(byte b) {
        return b == ' ' || b == 0;
    }

    private static boolean isBmp(Sample in) {
        if (in.length < 18 || in.u8(1) != 'M') {
            return false;
        }
        long headerLength = in.u32le(14);
        return headerLength == 16
                || headerLength == 24
                || headerLength == 40
                || headerLength == 48
                || headerLength == 52
                || headerLength == 56
                || headerLength == 64
                || headerLength == 108
                || headerLength == 124;
    }

    private static boolean isLotus(Sample in) {
        if (in.length <= 20) {
            return false;
        }
        long version = in.u32be(0);
        return version == 0x200 ? in.u8(6) != 0 && in.u8(7) == 0 : version == 0x1a00 && in.u8(20) > 0 && in.u8(20) < 32;
    }

    private static boolean isMp3(Sample in) {
        if (in.length < 3) {
            return false;
        }
        int sync = in.u16be(0) & 0xFFFE;
        return sync == 0xFFFA || sync == 0xFFF2 || sync == 0xFFE2 || (in.u16be(0) == 0x4944 && in.u8(2) == '3');
    }

    private static boolean isQuickTime(Sample in) {
        if (in.length < 12) {
            return false;
        }
        if (in.hasAny(4, QUICKTIME_TYPES)) {
            return in.u8(0) == 0;
        }
        return (in.u8(8) == 0 && in.hasAny(4, QUICKTIME_ATOMS)) || in.has(0, QUICKTIME_WIDE);
    }

    private static boolean isMatroska(Sample in, String docType) {
        if (!in.has(0, MATROSKA)) {
            return false;
        }
        int at = in.indexOf(0, in.length, MATROSKA_DOCTYPE) + 2;
        if (at < 2 || at >= in.length) {
            return false;
        }
        // The length that follows is a number whose leading zero bits tell how many bytes it has.
        int lengthBytes = Math.min(8, Integer.numberOfLeadingZeros(in.u8(at)) - 24 + 1);
        return in.has(at + lengthBytes, text(docType));
    }

    /** Java classes and fat Mach-O binaries start alike; byte 7 tells them apart. */
    private static boolean isFatBinary(Sample in) {
        return in.length >= 8 && in.u32be(0) == 0xCAFEBABEL;
    }

    private static boolean isChromeExtension(Sample in) {
        if (in.length < 16 || in.u32be(0) != 0x43723234) { // Cr24
            return false;
        }
        long zipAt = 16 + in.u32le(8) + in.u32le(12);
        return zipAt < in.length && isZip(in, (int) zipAt);
    }

    private static boolean isTtf(Sample in) {
        return in.has(0, TTF) && in.length >= 16 && in.u16be(4) < 49 && in.hasAny(12, TTF_TABLES);
    }

    private static boolean isOtf(Sample in) {
        return in.length > 48 && in.u32be(0) == 0x4F54544F && in.u8(4) == 0 && in.contains(12, 48, CFF); // OTTO
    }

    private static boolean isDbf(Sample in) {
        return in.length >= 68
                && in.u8(2) >= 1
                && in.u8(2) <= 12
                && in.u8(3) >= 1
                && in.u8(3) <= 31
                && in.u16be(12) == 0
                && in.u16be(30) == 0
                && in.u8(28) <= 1;
    }

    private static boolean isMarc(Sample in) {
        if (!in.has(20, MARC_LEADER_END)) {
            return false;
        }
        for (int i = 1; i < 5; i++) {
            if (in.u8(i) < '0' || in.u8(i) > '9') {
                return false;
            }
        }
        return in.indexOf(0, Math.min(2048, in.length), 0x1E) >= 0;
    }

    private static boolean isZstd(Sample in) {
        long magic = in.u32le(0);
        return (magic >= 0xFD2FB522L && magic <= 0xFD2FB528L) || (magic >= 0x184D2A50L && magic <= 0x184D2A5FL);
    }

    private static boolean isTzif(Sample in) {
        int version = in.u8(4);
        return in.length >= 44
                && in.u32be(0) == 0x545A6966 // TZif
                && in.u32be(36) != 0
                && (version == 0 || version == '2' || version == '3');
    }

    private static boolean isInstallShield(Sample in) {
        int last = in.u8(7);
        return in.u32be(0) == 0x49536328 && in.u8(6) == 0 && (last == 1 || last == 2 || last == 4); // ISc(
    }

    private static boolean isFrameMaker(Sample in) {
        return (in.hasAny(0, MAKER) || in.matchEnd(0, in.length, MAKER_BOOK, true, false) >= 0)
                && in.indexOf(0, Math.min(512, in.length), 0) >= 0;
    }
}
