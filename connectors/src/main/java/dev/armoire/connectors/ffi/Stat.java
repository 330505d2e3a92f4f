// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What {@code statx} said last in one {@link Posix}; overwritten by its next call. 256 bytes, the same on every machine:
 * <pre>
 *  16       20     24     28      32     40      48      112          120          128          136
 *  | nlink | uid  | gid  | mode  | ino  | size  | blocks ... | mtime s | mtime ns | rdev maj,min | dev maj,min |
 * </pre>
 */
public final class Stat {
    static final long BYTES = 256;

    private static final int S_IFMT = 0170000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFLNK = 0120000;

    private final MemorySegment statx;

    Stat(MemorySegment statx) {
        this.statx = statx;
    }

    public long nlink() {
        return Integer.toUnsignedLong(statx.get(JAVA_INT, 16));
    }

    public long uid() {
        return Integer.toUnsignedLong(statx.get(JAVA_INT, 20));
    }

    public long gid() {
        return Integer.toUnsignedLong(statx.get(JAVA_INT, 24));
    }

    /** Unix {@code st_mode}: kind and permissions. */
    public int mode() {
        return Short.toUnsignedInt(statx.get(JAVA_SHORT, 28));
    }

    public boolean isRegular() {
        return (mode() & S_IFMT) == S_IFREG;
    }

    public boolean isDirectory() {
        return (mode() & S_IFMT) == S_IFDIR;
    }

    public boolean isSymlink() {
        return (mode() & S_IFMT) == S_IFLNK;
    }

    public long ino() {
        return statx.get(JAVA_LONG, 32);
    }

    public long size() {
        return statx.get(JAVA_LONG, 40);
    }

    /** Bytes that take room on the disk: fewer than {@link #size()} when there are holes. */
    public long allocatedBytes() {
        return statx.get(JAVA_LONG, 48) * 512;
    }

    public long mtimeSeconds() {
        return statx.get(JAVA_LONG, 112);
    }

    public int mtimeNanos() {
        return statx.get(JAVA_INT, 120);
    }

    /** Device number of a device node: major &lt;&lt; 32 | minor; 0 for anything else. */
    public long rdev() {
        return (Integer.toUnsignedLong(statx.get(JAVA_INT, 128)) << 32)
                | Integer.toUnsignedLong(statx.get(JAVA_INT, 132));
    }

    /** The file system's device, as {@code st_dev} has it. */
    public long dev() {
        return encodeDevice(
                Integer.toUnsignedLong(statx.get(JAVA_INT, 136)), Integer.toUnsignedLong(statx.get(JAVA_INT, 140)));
    }

    /** The kernel's and libc's {@code dev_t}. */
    static long encodeDevice(long major, long minor) {
        return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xffL) << 12) | ((major & ~0xfffL) << 32);
    }
}
