// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.packfile.FieldNames;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One item of the file tree (format 2a §4). Its encoding must be what Go's encoder gives, byte for byte: Plakar takes the
 * MAC of its own encoding for the name of the blob that we stored.
 *
 * @param parentPath absolute path of the directory
 * @param name last part of the path, "/" for the root
 * @param object MAC of the object record of a regular file, else zero
 * @param contentType empty for directories only
 * @param xattrNames in byte order
 * @param summary only in snapshots of Plakar 1.0, where directories carry it inline
 */
public record Entry(
        byte[] parentPath,
        byte[] name,
        FileInfo info,
        byte[] linkTarget,
        Mac object,
        String contentType,
        double entropy,
        long chunks,
        List<byte[]> xattrNames,
        @Nullable Summary summary) {
    /** Content type of everything that is neither a directory nor a regular file. */
    public static final String NOT_REGULAR = "application/x-not-regular-file";

    private static final FieldNames FIELDS = FieldNames.of(
            "parent_path",
            "file_info",
            "summary",
            "symlink_target",
            "object",
            "content_type",
            "entropy",
            "chunks",
            "extended_attributes");
    private static final int OBJECT_FIELD = 4;
    private static final FieldNames INFO_FIELDS = FieldNames.of(
            "name", "size", "mode", "mod_time", "dev", "ino", "uid", "gid", "nlink", "username", "groupname");

    /** Seconds of Go's zero time, the first instant of year 1. */
    private static final long GO_ZERO_TIME = -62135596800L;

    private static final int RECORD_VERSION = 0x00010000;
    private static final ValueLayout.OfShort BIG_ENDIAN_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final byte[] VERSION = key("version");
    private static final byte[] PARENT_PATH = key("parent_path");
    private static final byte[] FILE_INFO = key("file_info");
    private static final byte[] SUMMARY = key("summary");
    private static final byte[] SYMLINK_TARGET = key("symlink_target");
    private static final byte[] OBJECT = key("object");
    private static final byte[] CONTENT_TYPE = key("content_type");
    private static final byte[] ENTROPY = key("entropy");
    private static final byte[] CHUNKS = key("chunks");
    private static final byte[] EXTENDED_ATTRIBUTES = key("extended_attributes");
    private static final byte[] NAME = key("name");
    private static final byte[] SIZE = key("size");
    private static final byte[] MODE = key("mode");
    private static final byte[] MOD_TIME = key("mod_time");
    private static final byte[] DEV = key("dev");
    private static final byte[] INO = key("ino");
    private static final byte[] UID = key("uid");
    private static final byte[] GID = key("gid");
    private static final byte[] NLINK = key("nlink");
    private static final byte[] USERNAME = key("username");
    private static final byte[] GROUPNAME = key("groupname");
    private static final byte[] FLAGS = key("flags");

    /** A directory that no source has delivered but that lies above something delivered (format 2a §13). */
    public static Entry synthesisedDirectory(byte[] path) {
        FileInfo info = new FileInfo(0, FileMode.DIRECTORY | 0750, 0, 0, 0, 0, 0, 0, 0, "", "", 0);
        return of(path, info, new byte[0], Mac.ZERO, "", 0, 0, List.of());
    }

    public static Entry of(
            byte[] path,
            FileInfo info,
            byte[] linkTarget,
            Mac object,
            String contentType,
            double entropy,
            long chunks,
            List<byte[]> xattrNames) {
        List<byte[]> sorted = new ArrayList<>(xattrNames);
        sorted.sort(Arrays::compareUnsigned);
        return new Entry(
                SnapshotPath.parent(path),
                SnapshotPath.name(path),
                info,
                linkTarget,
                object,
                contentType,
                entropy,
                chunks,
                sorted,
                null);
    }

    /** The entry of a directory, a link or a special file. */
    public static Entry withoutContent(byte[] path, FileInfo info, byte[] linkTarget, List<byte[]> xattrNames) {
        String contentType = FileMode.isDirectory(info.mode()) ? "" : NOT_REGULAR;
        return of(path, info, linkTarget, Mac.ZERO, contentType, 0, 0, xattrNames);
    }

    public byte[] path() {
        return SnapshotPath.isRoot(name) ? SnapshotPath.ROOT : SnapshotPath.child(parentPath, name);
    }

    public boolean isDirectory() {
        return FileMode.isDirectory(info.mode());
    }

    public boolean isRegular() {
        return FileMode.isRegular(info.mode());
    }

    /** Appends the record. The inline summary of old snapshots is never written. */
    public void encode(MsgpackWriter out) {
        int pairs = 5;
        pairs += linkTarget.length > 0 ? 1 : 0;
        pairs += contentType.isEmpty() ? 0 : 1;
        pairs += entropy != 0 ? 1 : 0;
        pairs += chunks != 0 ? 1 : 0;
        pairs += xattrNames.isEmpty() ? 0 : 1;
        out.mapHeader(pairs);
        encodeHead(out, parentPath, name, info);
        out.str(SUMMARY);
        out.nil();
        if (linkTarget.length > 0) {
            out.str(SYMLINK_TARGET);
            out.str(linkTarget);
        }
        out.str(OBJECT);
        out.mac(object);
        if (!contentType.isEmpty()) {
            out.str(CONTENT_TYPE);
            out.str(contentType);
        }
        if (entropy != 0) {
            out.str(ENTROPY);
            out.f64(entropy);
        }
        if (chunks != 0) {
            out.str(CHUNKS);
            out.u64(chunks);
        }
        if (!xattrNames.isEmpty()) {
            out.str(EXTENDED_ATTRIBUTES);
            out.arrayHeader(xattrNames.size());
            for (byte[] attribute : xattrNames) {
                out.str(attribute);
            }
        }
    }

    /** What of an entry comes from the source's metadata: all between the map header and the summary. */
    static void encodeHead(MsgpackWriter out, byte[] parentPath, byte[] name, FileInfo info) {
        out.str(VERSION);
        out.u32(RECORD_VERSION);
        out.str(PARENT_PATH);
        out.str(parentPath);
        out.str(FILE_INFO);
        out.mapHeader(12);
        out.str(NAME);
        out.str(name);
        out.str(SIZE);
        out.i64(info.size());
        out.str(MODE);
        out.u32(info.mode());
        out.str(MOD_TIME);
        out.time(info.mtimeSeconds(), info.mtimeNanos());
        out.str(DEV);
        out.u64(info.dev());
        out.str(INO);
        out.u64(info.ino());
        out.str(UID);
        out.u64(info.uid());
        out.str(GID);
        out.u64(info.gid());
        out.str(NLINK);
        out.u16((int) info.nlink() & 0xFFFF);
        out.str(USERNAME);
        out.str(info.username());
        out.str(GROUPNAME);
        out.str(info.groupname());
        out.str(FLAGS);
        out.u32(0);
    }

    /** The name inside an entry that {@link #encode} made, given the length of its parent's path. */
    public static MemorySegment encodedName(MemorySegment entry, int parentPathBytes) {
        long at = MAP_HEADER_BYTES + (long) bytesBeforeName(parentPathBytes);
        int head = entry.get(ValueLayout.JAVA_BYTE, at) & 0xff;
        if (head < 0xc0) {
            return entry.asSlice(at + 1, head & 0x1f);
        }
        if (head == 0xd9) {
            return entry.asSlice(at + 2, entry.get(ValueLayout.JAVA_BYTE, at + 1) & 0xff);
        }
        return entry.asSlice(at + 3, entry.get(BIG_ENDIAN_SHORT, at + 1) & 0xffff);
    }

    private static int stringHeader(int bytes) {
        return bytes < 32 ? 1 : bytes < 256 ? 2 : bytes < 65_536 ? 3 : 5;
    }

    public static Entry decode(MsgpackReader in) {
        byte[] parentPath = {};
        byte[] name = {};
        FileInfo info = null;
        byte[] linkTarget = {};
        Mac object = Mac.ZERO;
        String contentType = "";
        double entropy = 0;
        long chunks = 0;
        List<byte[]> xattrNames = List.of();
        Summary summary = null;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(FIELDS)) {
                case 0 -> parentPath = in.bytes();
                case 1 -> {
                    InfoParts parts = InfoParts.decode(in);
                    name = parts.name;
                    info = parts.info();
                }
                case 2 -> summary = in.tryNil() ? null : Summary.decode(in);
                case 3 -> linkTarget = in.bytes();
                case OBJECT_FIELD -> object = in.mac();
                case 5 -> contentType = in.string();
                case 6 -> entropy = in.f64();
                case 7 -> chunks = in.integer();
                case 8 -> xattrNames = Lists.read(in, MsgpackReader::bytes);
                default -> in.skip();
            }
        }
        if (info == null) {
            info = new InfoParts().info();
        }
        return new Entry(parentPath, name, info, linkTarget, object, contentType, entropy, chunks, xattrNames, summary);
    }

    /** Only the {@link #object} of an entry. */
    public static Mac decodeObject(MsgpackReader in) {
        Mac object = Mac.ZERO;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            if (in.field(FIELDS) == OBJECT_FIELD) {
                object = in.mac();
            } else {
                in.skip();
            }
        }
        return object;
    }

    /** The fields of a FileInfo while they come in. */
    private static final class InfoParts {
        private byte[] name = {};
        private long size;
        private int mode;
        private long seconds = GO_ZERO_TIME;
        private int nanos;
        private long dev;
        private long ino;
        private long uid;
        private long gid;
        private long nlink;
        private String username = "";
        private String groupname = "";

        static InfoParts decode(MsgpackReader in) {
            InfoParts parts = new InfoParts();
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.field(INFO_FIELDS)) {
                    case 0 -> parts.name = in.bytes();
                    case 1 -> parts.size = in.integer();
                    case 2 -> parts.mode = (int) in.integer();
                    case 3 -> {
                        in.time();
                        parts.seconds = in.timeSeconds();
                        parts.nanos = in.timeNanos();
                    }
                    case 4 -> parts.dev = in.integer();
                    case 5 -> parts.ino = in.integer();
                    case 6 -> parts.uid = in.integer();
                    case 7 -> parts.gid = in.integer();
                    case 8 -> parts.nlink = in.integer();
                    case 9 -> parts.username = in.string();
                    case 10 -> parts.groupname = in.string();
                    default -> in.skip();
                }
            }
            return parts;
        }

        FileInfo info() {
            return new FileInfo(size, mode, seconds, nanos, dev, ino, uid, gid, nlink, username, groupname, 0);
        }
    }

    /** Bytes of the map header, which has at most 15 pairs. */
    static final int MAP_HEADER_BYTES = 1;

    /** Bytes of the head before the name, given the length of the directory's path. */
    static int bytesBeforeName(int parentPathBytes) {
        return 1
                + VERSION.length
                + 5
                + 1
                + PARENT_PATH.length
                + stringHeader(parentPathBytes)
                + parentPathBytes
                + 1
                + FILE_INFO.length
                + 1
                + 1
                + NAME.length;
    }

    static byte[] key(String name) {
        return name.getBytes(StandardCharsets.US_ASCII);
    }
}
