// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/** Go's FileMode bits, as snapshots store them (format 2a §5), and their translation from and to Unix {@code st_mode}. */
public final class FileMode {
    public static final int DIRECTORY = 1 << 31;
    public static final int SYMLINK = 1 << 27;
    public static final int DEVICE = 1 << 26;
    public static final int PIPE = 1 << 25;
    public static final int SOCKET = 1 << 24;
    public static final int SETUID = 1 << 23;
    public static final int SETGID = 1 << 22;
    public static final int CHARACTER = 1 << 21;
    public static final int STICKY = 1 << 20;
    public static final int IRREGULAR = 1 << 19;
    public static final int TYPE = DIRECTORY | SYMLINK | DEVICE | PIPE | SOCKET | CHARACTER | IRREGULAR;
    public static final int PERMISSIONS = 0777;

    private static final int S_IFMT = 0170000;
    private static final int S_IFSOCK = 0140000;
    private static final int S_IFLNK = 0120000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFBLK = 0060000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFCHR = 0020000;
    private static final int S_IFIFO = 0010000;
    private static final int S_ISUID = 04000;
    private static final int S_ISGID = 02000;
    private static final int S_ISVTX = 01000;

    private FileMode() {}

    public static boolean isRegular(int mode) {
        return (mode & TYPE) == 0;
    }

    public static boolean isDirectory(int mode) {
        return (mode & DIRECTORY) != 0;
    }

    public static boolean isSymlink(int mode) {
        return (mode & SYMLINK) != 0;
    }

    public static boolean isDevice(int mode) {
        return (mode & DEVICE) != 0;
    }

    public static int fromUnix(int st) {
        int mode = st & PERMISSIONS;
        mode |= switch (st & S_IFMT) {
            case S_IFREG -> 0;
            case S_IFDIR -> DIRECTORY;
            case S_IFLNK -> SYMLINK;
            case S_IFIFO -> PIPE;
            case S_IFSOCK -> SOCKET;
            case S_IFBLK -> DEVICE;
            case S_IFCHR -> DEVICE | CHARACTER;
            default -> IRREGULAR;
        };
        mode |= (st & S_ISUID) != 0 ? SETUID : 0;
        mode |= (st & S_ISGID) != 0 ? SETGID : 0;
        mode |= (st & S_ISVTX) != 0 ? STICKY : 0;
        return mode;
    }

    /** {@code st_mode}; of what is irregular the type is 0. */
    public static int toUnix(int mode) {
        int type = switch (mode & TYPE) {
            case 0 -> S_IFREG;
            case DIRECTORY -> S_IFDIR;
            case SYMLINK -> S_IFLNK;
            case PIPE -> S_IFIFO;
            case SOCKET -> S_IFSOCK;
            case DEVICE -> S_IFBLK;
            case DEVICE | CHARACTER -> S_IFCHR;
            default -> 0;
        };
        return type | unixPermissions(mode);
    }

    /** The twelve bits that chmod takes: permissions, setuid, setgid, sticky. */
    public static int unixPermissions(int mode) {
        return (mode & PERMISSIONS)
                | ((mode & SETUID) != 0 ? S_ISUID : 0)
                | ((mode & SETGID) != 0 ? S_ISGID : 0)
                | ((mode & STICKY) != 0 ? S_ISVTX : 0);
    }
}
