// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter.Xattr;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.tar.TarUtils;
import org.apache.commons.compress.archivers.zip.ZipEncoding;
import org.apache.commons.compress.archivers.zip.ZipEncodingHelper;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the headers of a tar file: ustar, pax, GNU and old ones. An item with a name that must not be is told as such
 * and left out; what is no tar file, or not all of one, ends it with an exception.
 */
final class TarReader {
    private static final int BLOCK_BYTES = 512;
    private static final int UID_AT = 108;
    private static final int GID_AT = 116;
    private static final int OWNER_BYTES = 8;
    private static final int MAX_NAME_BYTES = 64 << 10;
    private static final int MAX_PAX_BYTES = 16 << 20;
    private static final int MAX_OWNERS = 1 << 14;
    private static final byte LF_DUMPDIR = 'D';
    private static final byte LF_VOLUME = 'V';
    private static final ZipEncoding LATIN_1 = ZipEncodingHelper.getZipEncoding(StandardCharsets.ISO_8859_1);
    private static final byte[] NONE = {};

    private final TarStream in;
    private final Map<String, byte[]> forAll = new HashMap<>();
    private final Map<String, String> owners = new HashMap<>();
    private long nextHeader;
    private boolean hasEnd;

    /** @param in at the front; owned by the caller */
    TarReader(TarStream in) {
        this.in = in;
    }

    /** Whether there was a mark where the items end. */
    boolean hasEnd() {
        return hasEnd;
    }

    /** The next item, or null at the end. */
    @Nullable
    TarItem next() throws IOException {
        Map<String, byte[]> pax = new HashMap<>(forAll);
        SparseMap sparse = new SparseMap();
        byte[] longName = null;
        byte[] longLink = null;
        boolean isPrepared = false;
        while (true) {
            in.skipTo(nextHeader);
            long at = in.position();
            byte[] block = new byte[BLOCK_BYTES];
            int length = in.read(block, 0, BLOCK_BYTES);
            if (length == 0 && !isPrepared && at > 0) {
                return null;
            }
            if (length < BLOCK_BYTES) {
                throw at == 0
                        ? new IOException("it is no tar file: it has " + length + " bytes")
                        : TarStream.cutOff(in.position());
            }
            if (isZero(block)) {
                if (isPrepared) {
                    throw TarStream.cutOff(at);
                }
                hasEnd = true;
                return null;
            }
            TarArchiveEntry header = parse(block, at);
            long size = header.getSize();
            nextHeader = in.position() + padded(size, at);
            switch (header.getLinkFlag()) {
                case TarConstants.LF_PAX_EXTENDED_HEADER_LC, TarConstants.LF_PAX_EXTENDED_HEADER_UC ->
                    PaxRecords.forEach(readHeader(size, MAX_PAX_BYTES), (key, value) -> {
                        if (!sparse.take(key, value)) {
                            pax.put(key, value);
                        }
                    });
                case TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER ->
                    PaxRecords.forEach(readHeader(size, MAX_PAX_BYTES), (key, value) -> {
                        forAll.put(key, value);
                        pax.putIfAbsent(key, value);
                    });
                case TarConstants.LF_GNUTYPE_LONGNAME -> longName = withoutEnd(readHeader(size, MAX_NAME_BYTES));
                case TarConstants.LF_GNUTYPE_LONGLINK -> longLink = withoutEnd(readHeader(size, MAX_NAME_BYTES));
                case LF_VOLUME -> {
                    continue; // a name of the whole
                }
                default -> {
                    byte[] name = text(pax, "path", longName == null ? bytes(header.getName()) : longName);
                    byte[] link = text(pax, "linkpath", longLink == null ? bytes(header.getLinkName()) : longLink);
                    return item(header, block, at, name, link, pax, sparse);
                }
            }
            isPrepared = header.getLinkFlag() != TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER || isPrepared;
        }
    }

    private static boolean isZero(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static TarArchiveEntry parse(byte[] block, long at) throws IOException {
        Exception cause = null;
        try {
            TarArchiveEntry header = new TarArchiveEntry(block, LATIN_1);
            if (header.isCheckSumOK()) {
                return header;
            }
        } catch (IllegalArgumentException | IOException e) {
            cause = e;
        }
        throw new IOException(
                at == 0
                        ? "it is no tar file, or its first header is damaged"
                        : "the header at byte " + at + " is damaged",
                cause);
    }

    private static long padded(long size, long at) throws IOException {
        if (size < 0 || size > Long.MAX_VALUE / 4) {
            throw new IOException("the header at byte " + at + " is damaged: an item of " + size + " bytes");
        }
        return (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    }

    private byte[] readHeader(long size, int most) throws IOException {
        if (size > most) {
            throw new IOException("the header at byte " + in.position() + " has " + size
                    + " bytes of names or attributes; at most " + most + " are taken");
        }
        return in.readExactly(size);
    }

    private static byte[] withoutEnd(byte[] name) {
        int end = name.length;
        while (end > 0 && name[end - 1] == 0) {
            end--;
        }
        return Arrays.copyOf(name, end);
    }

    private static byte[] bytes(String latin1) {
        return latin1.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A record without a value counts as none. */
    private static byte[] text(Map<String, byte[]> pax, String key, byte[] other) {
        byte[] value = pax.get(key);
        return value == null || value.length == 0 ? other : value;
    }

    private static long number(Map<String, byte[]> pax, String key, long other) throws IOException {
        byte[] value = pax.get(key);
        return value == null || value.length == 0 ? other : PaxRecords.number(key, value);
    }

    /** The library keeps but 31 bits. */
    private static long owner(byte[] block, int from, long at) throws IOException {
        try {
            return TarUtils.parseOctalOrBinary(block, from, OWNER_BYTES);
        } catch (IllegalArgumentException e) {
            throw new IOException("the header at byte " + at + " is damaged", e);
        }
    }

    private String owner(Map<String, byte[]> pax, String key, String other) {
        String name = new String(text(pax, key, bytes(other)), StandardCharsets.UTF_8);
        String known = owners.get(name);
        if (known == null && owners.size() < MAX_OWNERS) {
            owners.put(name, name);
        }
        return known == null ? name : known;
    }

    private TarItem item(
            TarArchiveEntry header,
            byte[] block,
            long at,
            byte[] name,
            byte[] link,
            Map<String, byte[]> pax,
            SparseMap sparse)
            throws IOException {
        byte type = header.getLinkFlag();
        boolean isOldFile = type == TarConstants.LF_NORMAL || type == TarConstants.LF_OLDNORM;
        if (isOldFile && name.length > 0 && name[name.length - 1] == '/') {
            type = TarConstants.LF_DIR;
        }
        int kind = switch (type) {
            case TarConstants.LF_NORMAL,
                    TarConstants.LF_OLDNORM,
                    TarConstants.LF_CONTIG,
                    TarConstants.LF_GNUTYPE_SPARSE,
                    TarConstants.LF_LINK -> 0;
            case TarConstants.LF_DIR, LF_DUMPDIR -> FileMode.DIRECTORY;
            case TarConstants.LF_SYMLINK -> FileMode.SYMLINK;
            case TarConstants.LF_CHR -> FileMode.DEVICE | FileMode.CHARACTER;
            case TarConstants.LF_BLK -> FileMode.DEVICE;
            case TarConstants.LF_FIFO -> FileMode.PIPE;
            default -> FileMode.IRREGULAR;
        };
        boolean isFile = kind == 0 && type != TarConstants.LF_LINK;
        boolean hasBytes = isFile || kind == FileMode.IRREGULAR || type == LF_DUMPDIR;
        long stored = hasBytes ? number(pax, "size", header.getSize()) : 0;
        if (type == TarConstants.LF_GNUTYPE_SPARSE) {
            sparse.readOldHeader(block, in);
        }
        long contentAt = in.position();
        nextHeader = contentAt + padded(stored, at);
        long size = isFile ? stored : kind == FileMode.SYMLINK ? link.length : 0;
        if (isFile && sparse.isUsed()) {
            sparse.finish(in, stored);
            stored -= in.position() - contentAt;
            contentAt = in.position();
            sparse.check(stored);
            size = sparse.size();
            name = sparse.name(name);
        }
        PaxRecords.Time time = pax.containsKey("mtime") && text(pax, "mtime", NONE).length > 0
                ? PaxRecords.time("mtime", text(pax, "mtime", NONE))
                : new PaxRecords.Time(header.getLastModifiedTime().toInstant().getEpochSecond(), 0);
        long rdev = FileMode.isDevice(kind)
                ? number(pax, "SCHILY.devmajor", header.getDevMajor()) << 32
                        | number(pax, "SCHILY.devminor", header.getDevMinor())
                : 0;
        FileInfo info = new FileInfo(
                size,
                FileMode.fromUnix(header.getMode() & 07777) & ~FileMode.TYPE | kind,
                time.seconds(),
                time.nanos(),
                0,
                0,
                number(pax, "uid", owner(block, UID_AT, at)),
                number(pax, "gid", owner(block, GID_AT, at)),
                1,
                owner(pax, "uname", header.getUserName()),
                owner(pax, "gname", header.getGroupName()),
                rdev);
        byte[] path = BytePath.clean(BytePath.ROOT, name);
        String problem = problem(name, path, kind, type);
        String lost = pax.containsKey("SCHILY.acl.access") || pax.containsKey("SCHILY.acl.default")
                ? "its access control list is written as text, and is not kept"
                : null;
        return new TarItem(
                path,
                info,
                type == TarConstants.LF_LINK || kind == FileMode.SYMLINK ? link : NONE,
                type == TarConstants.LF_LINK,
                xattrs(pax),
                contentAt,
                stored,
                isFile && sparse.isUsed() ? sparse.data() : null,
                problem,
                lost);
    }

    private static @Nullable String problem(byte[] name, byte[] path, int kind, byte type) {
        if (goesUp(name)) {
            return "left out: there is a .. in its name";
        }
        for (byte b : name) {
            if (b == 0) {
                return "left out: there is a NUL in its name";
            }
        }
        if (path.length == 1 && kind != FileMode.DIRECTORY) {
            return "left out: an item without a name";
        }
        if (type == TarConstants.LF_MULTIVOLUME) {
            return "left out: its beginning is in another volume; join the volumes first";
        }
        return kind == FileMode.IRREGULAR ? "left out: nobody knows what an item of type " + (char) type + " is" : null;
    }

    /** Whether a part of a name is {@code ..}. */
    static boolean goesUp(byte[] name) {
        for (int i = 0; i + 1 < name.length; i++) {
            boolean begins = i == 0 || name[i - 1] == '/';
            boolean ends = i + 2 == name.length || name[i + 2] == '/';
            if (begins && ends && name[i] == '.' && name[i + 1] == '.') {
                return true;
            }
        }
        return false;
    }

    private static List<Xattr> xattrs(Map<String, byte[]> pax) {
        List<Xattr> found = new ArrayList<>();
        pax.forEach((key, value) -> {
            if (key.startsWith("SCHILY.xattr.")) {
                String name = PaxRecords.decodeName(key.substring("SCHILY.xattr.".length()));
                found.add(new Xattr(bytes(name), value));
            } else if (key.startsWith("LIBARCHIVE.xattr.")
                    && !pax.containsKey("SCHILY.xattr." + key.substring("LIBARCHIVE.xattr.".length()))) {
                byte[] decoded = decode(value);
                if (decoded != null) {
                    String name = java.net.URLDecoder.decode(
                            key.substring("LIBARCHIVE.xattr.".length()).replace("+", "%2B"),
                            StandardCharsets.ISO_8859_1);
                    found.add(new Xattr(bytes(name), decoded));
                }
            }
        });
        found.removeIf(xattr -> xattr.name().length == 0);
        found.sort((a, b) -> Arrays.compareUnsigned(a.name(), b.name()));
        return found.isEmpty() ? List.of() : found;
    }

    /** Base64 with or without its padding; null for what is none. */
    private static byte @Nullable [] decode(byte[] value) {
        try {
            return Base64.getDecoder().decode(value);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
