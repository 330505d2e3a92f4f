// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import java.lang.foreign.ValueLayout;

/**
 * Numbers and places of the kernel's FUSE protocol, version 7 (linux/fuse.h). All is in the machine's byte order; the
 * machines this runs on are little-endian.
 *
 * <pre>
 * request:  | length 4 | opcode 4 | unique 8 | node 8 | uid 4 | gid 4 | pid 4 | 4 | body
 * reply:    | length 4 | error 4 (0 or negative) | unique 8 | body
 * entry:    | node 8 | generation 8 | entry valid s 8 | attributes valid s 8 | ns 4 | ns 4 | attributes 88 |
 * dirent:   | inode 8 | offset of the next 8 | name length 4 | type 4 | name, zeros to a multiple of 8 |
 * attributes: inode 0, size 8, blocks 16, atime 24, mtime 32, ctime 40 (s), 48, 52, 56 (ns), mode 60, nlink 64,
 *           uid 68, gid 72, rdev 76, block size 80
 * </pre>
 */
final class Fuse {
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;
    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;

    static final int REQUEST_HEADER = 40;
    static final int REPLY_HEADER = 16;
    static final int ATTRIBUTES = 88;
    static final int ENTRY = 128;
    static final int ENTRY_ATTRIBUTES_AT = 40;
    static final int DIRENT = 24;

    static final int LOOKUP = 1;
    static final int FORGET = 2;
    static final int GETATTR = 3;
    static final int SETATTR = 4;
    static final int READLINK = 5;
    static final int SYMLINK = 6;
    static final int MKNOD = 8;
    static final int MKDIR = 9;
    static final int UNLINK = 10;
    static final int RMDIR = 11;
    static final int RENAME = 12;
    static final int LINK = 13;
    static final int OPEN = 14;
    static final int READ = 15;
    static final int WRITE = 16;
    static final int STATFS = 17;
    static final int RELEASE = 18;
    static final int FSYNC = 20;
    static final int SETXATTR = 21;
    static final int GETXATTR = 22;
    static final int LISTXATTR = 23;
    static final int REMOVEXATTR = 24;
    static final int FLUSH = 25;
    static final int INIT = 26;
    static final int OPENDIR = 27;
    static final int READDIR = 28;
    static final int RELEASEDIR = 29;
    static final int FSYNCDIR = 30;
    static final int CREATE = 35;
    static final int INTERRUPT = 36;
    static final int DESTROY = 38;
    static final int BATCH_FORGET = 42;
    static final int FALLOCATE = 43;
    static final int READDIRPLUS = 44;
    static final int RENAME2 = 45;

    /** A notice of ours, with this in the place of the error: forget a name. {@code | parent 8 | length 4 | 0 | name, zero |} */
    static final int NOTIFY_FORGET_NAME = 3;

    static final int NOTICE = 16;
    /** Longer names the kernel does not take. */
    static final int MAX_NAME = 1024;

    static final int VERSION = 7;
    /** Of 2019: MAX_PAGES and CACHE_SYMLINKS are in it. */
    static final int MINOR = 28;

    static final int INIT_REPLY = 64;
    static final int ASYNC_READ = 1;
    static final int DO_READDIRPLUS = 1 << 13;
    static final int PARALLEL_DIROPS = 1 << 18;
    static final int MAX_PAGES = 1 << 22;
    static final int CACHE_SYMLINKS = 1 << 23;

    static final int OPEN_DIRECT_IO = 1;
    static final int OPEN_KEEP_CACHE = 2;
    static final int OPEN_CACHE_DIR = 8;

    static final int ENOENT = 2;
    static final int EIO = 5;
    static final int ENOTDIR = 20;
    static final int EISDIR = 21;
    static final int EINVAL = 22;
    static final int EROFS = 30;
    static final int ERANGE = 34;
    static final int ENOSYS = 38;
    static final int E2BIG = 7;
    static final int ENODATA = 61;
    static final int EPROTO = 71;
    static final int ESTALE = 116;

    private Fuse() {}
}
