// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

/** Error numbers of Linux, the same on x86_64 and aarch64, and their English texts as Go prints them. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int ENXIO = 6;
    public static final int E2BIG = 7;
    public static final int EAGAIN = 11;
    public static final int EACCES = 13;
    public static final int EEXIST = 17;
    public static final int EXDEV = 18;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOSYS = 38;
    public static final int ELOOP = 40;
    public static final int ENODATA = 61;
    public static final int EOPNOTSUPP = 95;

    private Errno() {}

    /** The text for an error number, in no locale but English, so that stored errors read the same everywhere. */
    public static String text(int errno) {
        return switch (errno) {
            case EPERM -> "operation not permitted";
            case ENOENT -> "no such file or directory";
            case 3 -> "no such process";
            case EINTR -> "interrupted system call";
            case 5 -> "input/output error";
            case ENXIO -> "no such device or address";
            case E2BIG -> "argument list too long";
            case 9 -> "bad file descriptor";
            case EAGAIN -> "resource temporarily unavailable";
            case 12 -> "cannot allocate memory";
            case EACCES -> "permission denied";
            case 14 -> "bad address";
            case 15 -> "block device required";
            case 16 -> "device or resource busy";
            case EEXIST -> "file exists";
            case EXDEV -> "invalid cross-device link";
            case 19 -> "no such device";
            case ENOTDIR -> "not a directory";
            case EISDIR -> "is a directory";
            case EINVAL -> "invalid argument";
            case 23 -> "too many open files in system";
            case 24 -> "too many open files";
            case 25 -> "inappropriate ioctl for device";
            case 26 -> "text file busy";
            case 27 -> "file too large";
            case 28 -> "no space left on device";
            case 29 -> "illegal seek";
            case 30 -> "read-only file system";
            case 31 -> "too many links";
            case 32 -> "broken pipe";
            case 34 -> "numerical result out of range";
            case ENAMETOOLONG -> "file name too long";
            case ENOSYS -> "function not implemented";
            case 39 -> "directory not empty";
            case ELOOP -> "too many levels of symbolic links";
            case ENODATA -> "no data available";
            case 71 -> "protocol error";
            case 74 -> "bad message";
            case 75 -> "value too large for defined data type";
            case EOPNOTSUPP -> "operation not supported";
            case 107 -> "transport endpoint is not connected";
            case 108 -> "cannot send after transport endpoint shutdown";
            case 110 -> "connection timed out";
            case 112 -> "host is down";
            case 113 -> "no route to host";
            case 116 -> "stale file handle";
            case 117 -> "structure needs cleaning";
            case 121 -> "remote I/O error";
            case 122 -> "disk quota exceeded";
            case 126 -> "required key not available";
            default -> "errno " + errno;
        };
    }
}
