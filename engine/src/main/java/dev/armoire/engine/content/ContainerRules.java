// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static dev.armoire.engine.content.Rule.at;
import static dev.armoire.engine.content.Rule.hex;
import static dev.armoire.engine.content.Rule.text;
import static dev.armoire.engine.content.Rule.texts;
import static dev.armoire.engine.content.Rule.when;

/** What lies inside zip, OLE, Ogg, ELF, shape and MP4 containers. Every test here follows the one of its container. */
final class ContainerRules {
    private static final int ZIP_NAMES = 100;
    private static final byte[] ZIP_ENTRY = hex("50 4B 03 04");
    private static final byte[][] OFFICE_FIRST_FOLDERS = texts("_rels/", "docProps/", "customXml/", "[trash]/");
    private static final byte[] OFFICE_FIRST_FILE = text("[Content_Types].xml");
    private static final byte[][] ANDROID = texts(
            "AndroidManifest.xml",
            "META-INF/com/android/build/gradle/app-metadata.properties",
            "classes.dex",
            "resources.arsc",
            "res/drawable");
    private static final byte[][] JAR = texts("META-INF/", "META-INF/MANIFEST.MF");
    private static final byte[][] KMZ = texts("doc.kml");
    private static final byte[][] OGG_AUDIO = texts("\u007fFLAC", "\u0001vorbis", "OpusHead", "Speex   ");
    private static final byte[][] OGG_VIDEO = texts("\u0080theora", "fishead\0", "\u0001video\0\0\0");

    private static final byte[][] EXCEL_IDS = {hex("10 08 02 00 00 00 00 00"), hex("20 08 02 00 00 00 00 00")};
    private static final byte[][] EXCEL_AT_512 = {
        hex("09 08 10 00 00 06 05 00"),
        hex("FD FF FF FF 10"),
        hex("FD FF FF FF 1F"),
        hex("FD FF FF FF 22"),
        hex("FD FF FF FF 23"),
        hex("FD FF FF FF 28"),
        hex("FD FF FF FF 29")
    };
    private static final byte[] EXCEL_BOOK = text("W\0k\0s\0S\0S\0W\0o\0r\0k\0B\0o\0o\0k");
    private static final byte[][] POWERPOINT_IDS = {
        hex("10 8D 81 64 9B 4F CF 11 86 EA 00 AA 00 B9 29 E8"), hex("70 AE 7B EA 3B FB CD 11 A9 03 00 AA 00 51 0E A3")
    };
    private static final byte[][] POWERPOINT_AT_512 = {hex("A0 46 1D F0"), hex("00 6E 1E F0"), hex("0F 00 E8 03")};
    private static final byte[] POWERPOINT_EMPTY = hex("FD FF FF FF");
    // The blank is one byte only, where UTF-16 has two: that is the text Plakar looks for.
    private static final byte[] POWERPOINT_DOCUMENT = text("P\0o\0w\0e\0r\0P\0o\0i\0n\0t\0 D\0o\0c\0u\0m\0e\0n\0t");
    private static final byte[][] WORD_IDS = {
        hex("06 09 02 00 00 00 00 00 C0 00 00 00 00 00 00 46"),
        hex("00 09 02 00 00 00 00 00 C0 00 00 00 00 00 00 46"),
        hex("07 09 02 00 00 00 00 00 C0 00 00 00 00 00 00 46")
    };

    private ContainerRules() {}

    static Rule[] zip() {
        String office = "application/vnd.openxmlformats-officedocument.";
        return new Rule[] {
            when(office + "wordprocessingml.document", in -> isOffice(in, text("word/"))),
            when(office + "presentationml.presentation", in -> isOffice(in, text("ppt/"))),
            when(office + "spreadsheetml.sheet", in -> isOffice(in, text("xl/"))),
            at(30, "application/epub+zip", text("mimetypeapplication/epub+zip")),
            when("application/vnd.android.package-archive", in -> hasZipName(in, ANDROID, ZIP_NAMES)),
            when("application/java-archive", in -> isExecutableJar(in) || hasZipName(in, JAR, 1)),
            openDocument("text").with(openDocument("text-template")),
            openDocument("spreadsheet").with(openDocument("spreadsheet-template")),
            openDocument("presentation").with(openDocument("presentation-template")),
            openDocument("graphics").with(openDocument("graphics-template")),
            openDocument("formula"),
            openDocument("chart"),
            at(30, "application/vnd.sun.xml.calc", text("mimetypeapplication/vnd.sun.xml.calc")),
            when("application/vnd.google-earth.kmz", in -> hasZipName(in, KMZ, ZIP_NAMES)),
            when("application/vnd.ms-visio.drawing.main+xml", in -> isOffice(in, text("visio/")))
        };
    }

    private static Rule openDocument(String kind) {
        String type = "application/vnd.oasis.opendocument." + kind;
        return at(30, type, text("mimetype" + type));
    }

    /** The position of the entry at or after {@code from}, or -1. Its name may still be empty or cut off. */
    private static int zipEntry(Sample in, int from) {
        int at = in.indexOf(from, in.length, ZIP_ENTRY);
        return at >= 0 && at + 30 <= in.length ? at : -1;
    }

    private static int zipNameLength(Sample in, int entry) {
        int length = in.u16le(entry + 26);
        return entry + 30 + length <= in.length ? length : 0;
    }

    private static boolean hasZipName(Sample in, byte[][] wanted, int names) {
        int entry = zipEntry(in, 0);
        for (int i = 0; i < names && entry >= 0; i++) {
            int length = zipNameLength(in, entry);
            if (length == 0) {
                return false;
            }
            for (byte[] one : wanted) {
                if (one.length == length && in.has(entry + 30, one)) {
                    return true;
                }
            }
            entry = zipEntry(in, entry + 30);
        }
        return false;
    }

    private static boolean isOffice(Sample in, byte[] folder) {
        int entry = zipEntry(in, 0);
        for (int i = 0; i < ZIP_NAMES && entry >= 0; i++) {
            int length = zipNameLength(in, entry);
            if (length == 0) {
                return false;
            }
            if (nameStartsWith(in, entry, length, folder)) {
                return true;
            }
            if (i == 0 && !isOfficeFirst(in, entry, length)) {
                return false;
            }
            entry = zipEntry(in, entry + 30);
        }
        return false;
    }

    private static boolean isOfficeFirst(Sample in, int entry, int length) {
        if (length == OFFICE_FIRST_FILE.length && in.has(entry + 30, OFFICE_FIRST_FILE)) {
            return true;
        }
        for (byte[] folder : OFFICE_FIRST_FOLDERS) {
            if (nameStartsWith(in, entry, length, folder)) {
                return true;
            }
        }
        return false;
    }

    private static boolean nameStartsWith(Sample in, int entry, int length, byte[] folder) {
        return length >= folder.length && in.has(entry + 30, folder);
    }

    /** The extra field behind the first name begins with CAFE. A step that leads outside the input is not taken. */
    private static boolean isExecutableJar(Sample in) {
        int at = in.length >= 26 ? 26 : 0;
        int nameLength = in.u16le(at);
        at += 2;
        if (at + nameLength + 2 <= in.length) {
            at += nameLength + 2;
        }
        return at + 2 <= in.length && in.u16le(at) == 0xCAFE;
    }

    static Rule[] ole() {
        return new Rule[] {
            ole("application/x-ms-installer", "84 10 0C 00 00 00 00 00 C0 00 00 00 00 00 00 46"),
            ole("application/vnd.ms-outlook", "0B 0D 02 00 00 00 00 00 C0 00 00 00 00 00 00 46"),
            when("application/vnd.ms-excel", ContainerRules::isExcel),
            ole("application/vnd.ms-publisher", "01 12 02 00 00 00 00 00 00 C0 00 00 00 00 00 46"),
            when("application/vnd.ms-powerpoint", ContainerRules::isPowerPoint),
            when("application/msword", in -> hasOleId(in, WORD_IDS))
        };
    }

    private static Rule ole(String type, String id) {
        byte[][] ids = {hex(id)};
        return when(type, in -> hasOleId(in, ids));
    }

    /** The class of the root storage is one of {@code ids}. */
    private static boolean hasOleId(Sample in, byte[][] ids) {
        if (in.length < 512) {
            return false;
        }
        long sectorLength = in.u16le(26) == 4 ? 4096 : 512;
        long at = sectorLength * (1 + in.u32le(48)) + 80;
        return in.length > at + 16 && in.hasAny((int) at, ids);
    }

    private static boolean isExcel(Sample in) {
        return hasOleId(in, EXCEL_IDS)
                || (in.length >= 520 && (in.hasAny(512, EXCEL_AT_512) || in.contains(1152, in.length, EXCEL_BOOK)));
    }

    private static boolean isPowerPoint(Sample in) {
        return hasOleId(in, POWERPOINT_IDS)
                || (in.length >= 520
                        && (in.hasAny(512, POWERPOINT_AT_512)
                                || (in.has(512, POWERPOINT_EMPTY) && in.u16be(518) == 0)
                                || in.contains(1152, in.length, POWERPOINT_DOCUMENT)));
    }

    static Rule[] ogg() {
        return new Rule[] {
            when("audio/ogg", in -> in.length >= 37 && in.hasAny(28, OGG_AUDIO)),
            when("video/ogg", in -> in.length >= 37 && in.hasAny(28, OGG_VIDEO))
        };
    }

    static Rule[] elf() {
        return new Rule[] {
            elf("application/x-object", 1),
            elf("application/x-executable", 2),
            elf("application/x-sharedlib", 3),
            elf("application/x-coredump", 4)
        };
    }

    /** The object type is {@code kind}, in either byte order. */
    private static Rule elf(String type, int kind) {
        return when(type, in -> in.length > 17 && (in.u16le(16) == kind || in.u16be(16) == kind));
    }

    static boolean isShape(Sample in) {
        if (in.length < 112 || in.u32be(0) != 9994 || in.u32le(28) != 1000) {
            return false;
        }
        for (int i = 4; i < 24; i++) {
            if (in.u8(i) != 0) {
                return false;
            }
        }
        return switch ((int) in.u32le(108)) {
            case 0, 1, 3, 5, 8, 11, 13, 15, 18, 21, 23, 25, 28, 31 -> true;
            default -> false;
        };
    }

    static Rule[] mp4() {
        return new Rule[] {
            brand("image/avif", "avif", "avis"),
            brand("video/3gpp", "3gp1", "3gp2", "3gp3", "3gp4", "3gp5", "3gp6", "3gp7", "3gs7", "3ge6", "3ge7", "3gg6"),
            brand("video/3gpp2", "3g24", "3g25", "3g26", "3g2a", "3g2b", "3g2c", "KDDI"),
            brand("audio/mp4", "F4A ", "F4B ", "M4B ", "M4P ", "MSNV", "NDAS"),
            brand("video/quicktime", "mqt "),
            brand("audio/x-m4a", "M4A "),
            brand("video/x-m4v", "M4V ", "M4VH", "M4VP"),
            brand("image/heic", "heic", "heix"),
            brand("image/heic-sequence", "hevc", "hevx"),
            brand("image/heif", "mif1", "heim", "heis", "avic"),
            brand("image/heif-sequence", "msf1", "hevm", "hevs", "avcs"),
            brand("video/mj2", "mj2s", "mjp2", "MFSM", "MGSV"),
            brand(
                    "video/vnd.dvb.file",
                    "dby1",
                    "dsms",
                    "dts1",
                    "dts2",
                    "dts3",
                    "dxo ",
                    "dmb1",
                    "dmpf",
                    "drc1",
                    "dv1a",
                    "dv1b",
                    "dv2a",
                    "dv2b",
                    "dv3a",
                    "dv3b",
                    "dvr1",
                    "dvt1",
                    "emsg")
        };
    }

    private static Rule brand(String type, String... brands) {
        return at(8, type, texts(brands));
    }
}
