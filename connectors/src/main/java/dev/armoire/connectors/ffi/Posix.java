// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * System calls of Linux, with the native scratch memory they need. {@link #take} one, use it from one thread at a time,
 * {@link #close} gives it back. The memory lives as long as the process and there is as much of it as was ever in use at
 * once.
 *
 * <p>Calls return what the kernel returned, and the negative error number (see {@link Errno}) when it refused. Names are
 * bytes. A directory descriptor can be {@link #WORKING_DIRECTORY}. No call follows a symbolic link in the last component
 * unless its comment says so. Interrupted calls are repeated.
 */
public final class Posix implements AutoCloseable {
    /** For a directory descriptor: relative names start at the process's working directory. */
    public static final int WORKING_DIRECTORY = -100;

    public static final int DT_UNKNOWN = 0;
    public static final int DT_DIR = 4;
    public static final int DT_REG = 8;

    /** Longest path of one call, without the NUL at its end. */
    private static final int PATH_LIMIT = 4095;

    /** Largest attribute value and largest list of names (the kernel's XATTR_SIZE_MAX and XATTR_LIST_MAX). */
    private static final int DATA_BYTES = 64 << 10;

    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_NO_AUTOMOUNT = 0x800;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int RESOLVE_NO_SYMLINKS = 0x04;
    private static final int RESOLVE_BENEATH = 0x08;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int POSIX_FADV_WILLNEED = 3;
    private static final int POSIX_FADV_DONTNEED = 4;
    private static final int RWF_NOWAIT = 0x08;
    private static final int SYNC_FILE_RANGE_AND_WAIT = 7;
    private static final int AT_REMOVEDIR = 0x200;
    private static final long UTIME_OMIT = (1 << 30) - 2;
    private static final int SCOPED_TRIES = 8;

    private static final byte[] SELF = {'.'};
    private static final byte[] NOTHING = {};
    private static final byte[] ROOT = {'/'};

    private static final ConcurrentLinkedDeque<Posix> POOL = new ConcurrentLinkedDeque<>();

    private final MemorySegment errno;
    private final MemorySegment path;
    private final MemorySegment other;
    private final MemorySegment arguments;
    private final MemorySegment statx;
    private final MemorySegment data;
    private final Stat stat;
    private boolean taken;

    private Posix() {
        Arena arena = Arena.global();
        errno = arena.allocate(Libc.ERRNO);
        path = arena.allocate(PATH_LIMIT + 1L, 8);
        other = arena.allocate(PATH_LIMIT + 1L, 8);
        arguments = arena.allocate(64, 8);
        statx = arena.allocate(Stat.BYTES, 8);
        data = arena.allocate(DATA_BYTES, 8);
        stat = new Stat(statx);
    }

    /** Whether this system has these calls and this process may make native calls. */
    public static boolean isAvailable() {
        return Availability.AVAILABLE;
    }

    /** A context for one thread, from a pool. */
    public static Posix take() {
        Posix posix = POOL.poll();
        if (posix == null) {
            posix = new Posix();
        }
        posix.taken = true;
        return posix;
    }

    /** Gives this context back. */
    @Override
    public void close() {
        if (taken) {
            taken = false;
            POOL.push(this);
        }
    }

    // ---- opening

    /** {@code openat}. Follows a symbolic link unless the flags say otherwise. */
    public int openat(int directory, byte[] name, int flags, int mode) {
        return putPath(name)
                ? (int) call(Libc.OPENAT, directory, path.address(), flags | OpenFlags.CLOSE_ON_EXEC, mode)
                : -Errno.ENAMETOOLONG;
    }

    /**
     * Opens a path of any length below a directory. No symbolic link is followed on the way, nor at the end, and
     * {@code ..} does not lead out. An empty path is the directory itself.
     */
    public int openBeneath(int directory, byte[] relative, int flags, int mode) {
        boolean whole = Availability.HAS_OPENAT2;
        if (whole && relative.length <= PATH_LIMIT) {
            for (int i = 0; i < SCOPED_TRIES; i++) {
                int fd = openat2(directory, relative, flags, mode);
                if (fd != -Errno.EAGAIN) { // the kernel saw a rename while it looked for "..": nothing is decided
                    return fd;
                }
            }
            whole = false;
        }
        return openStepwise(directory, relative, flags, mode, whole ? PATH_LIMIT : 0);
    }

    /** As {@link #openBeneath}, in steps of at most {@code reach} bytes, or one component each. */
    int openStepwise(int directory, byte[] relative, int flags, int mode, int reach) {
        int fd = directory;
        int from = 0;
        while (true) {
            int end = stepEnd(relative, from, reach);
            boolean isLast = end == relative.length;
            byte[] step = Arrays.copyOfRange(relative, from, end);
            int wanted = isLast ? flags : OpenFlags.PATH | OpenFlags.DIRECTORY;
            int next;
            if (reach > 0) {
                next = openat2(fd, step, wanted, isLast ? mode : 0);
            } else if (Arrays.equals(step, new byte[] {'.', '.'})) {
                next = -Errno.EACCES;
            } else {
                next = openat(fd, step.length == 0 ? SELF : step, wanted | OpenFlags.NO_FOLLOW, isLast ? mode : 0);
            }
            if (fd != directory) {
                closeFile(fd);
            }
            if (next < 0 || isLast) {
                return next;
            }
            fd = next;
            from = end + 1;
        }
    }

    private static int stepEnd(byte[] relative, int from, int reach) {
        if (reach > 0 && relative.length - from <= reach) {
            return relative.length;
        }
        int end = -1;
        for (int i = from; i < relative.length && (end < 0 || i - from <= reach); i++) {
            if (relative[i] == '/') {
                end = i;
                if (reach == 0) {
                    break;
                }
            }
        }
        return end < 0 ? relative.length : end;
    }

    private int openat2(int directory, byte[] relative, int flags, int mode) {
        if (!putPath(relative.length == 0 ? SELF : relative)) {
            return -Errno.ENAMETOOLONG;
        }
        arguments.set(JAVA_LONG, 0, flags | OpenFlags.CLOSE_ON_EXEC);
        arguments.set(JAVA_LONG, 8, mode);
        arguments.set(JAVA_LONG, 16, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
        return (int) call(Libc.OPENAT2, directory, path.address(), arguments.address(), 24);
    }

    /** {@code close}, never repeated: the descriptor is gone whatever it returns. */
    public int closeFile(int fd) {
        return (int) callOnce(Libc.CLOSE, fd, 0, 0, 0, 0, 0);
    }

    // ---- reading

    /** {@code pread}. Into a heap segment no more than 64 KiB at once. */
    public long pread(int fd, MemorySegment into, long offset) {
        if (into.isNative()) {
            return callWithBuffer(Libc.PREAD64, fd, into, into.byteSize(), offset);
        }
        long count = callWithBuffer(Libc.PREAD64, fd, data, Math.min(into.byteSize(), DATA_BYTES), offset);
        if (count > 0) {
            MemorySegment.copy(data, 0, into, 0, count);
        }
        return count;
    }

    /** First byte at or after {@code offset} that is not in a hole; ENXIO when there is none. Moves the descriptor. */
    public long seekData(int fd, long offset) {
        return call(Libc.LSEEK, fd, offset, SEEK_DATA, 0);
    }

    /** Begin of the first hole at or after {@code offset}, the end of the file counts as one. Moves the descriptor. */
    public long seekHole(int fd, long offset) {
        return call(Libc.LSEEK, fd, offset, SEEK_HOLE, 0);
    }

    /** Whether the begin of a file's content is in memory: EAGAIN when it is not, EOPNOTSUPP where the file system cannot tell. */
    public int askForBegin(int fd) {
        arguments.set(JAVA_LONG, 0, data.address());
        arguments.set(JAVA_LONG, 8, 1);
        return (int) callAgain(Libc.PREADV2, fd, arguments.address(), 1, 0, 0, RWF_NOWAIT);
    }

    /** Has the kernel begin to read a part of a file into memory, without waiting for it. */
    public int readAhead(int fd, long offset, long bytes) {
        return (int) call(Libc.FADVISE64, fd, offset, bytes, POSIX_FADV_WILLNEED);
    }

    /** Has the content of a file written to its medium and dropped from memory, so that the next read asks the medium. */
    public int forgetContent(int fd) {
        call(Libc.SYNC_FILE_RANGE, fd, 0, 0, SYNC_FILE_RANGE_AND_WAIT); // pages that are not written cannot be dropped
        return (int) call(Libc.FADVISE64, fd, 0, 0, POSIX_FADV_DONTNEED);
    }

    /** Asks for the metadata of a name; see {@link #stat()}. */
    public int statat(int directory, byte[] name) {
        return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
    }

    /** As {@link #statat}, following symbolic links. */
    public int statFollowing(int directory, byte[] name) {
        return statx(directory, name, 0);
    }

    /** Asks for the metadata of an open file; see {@link #stat()}. */
    public int statFile(int fd) {
        return statx(fd, NOTHING, AT_EMPTY_PATH);
    }

    /** The answer to the last question for metadata. */
    public Stat stat() {
        return stat;
    }

    private int statx(int directory, byte[] name, int flags) {
        return putPath(name)
                ? (int) call(Libc.STATX, directory, path.address(), flags, STATX_BASIC_STATS, statx.address())
                : -Errno.ENAMETOOLONG;
    }

    /** Told of what is in a directory, in no order. */
    @FunctionalInterface
    public interface Entries {
        /**
         * One item.
         *
         * @param type {@link #DT_DIR}, {@link #DT_REG}, {@link #DT_UNKNOWN} or another kind
         */
        void entry(byte[] name, int type);
    }

    /**
     * Lists a directory that was just opened, without {@code .} and {@code ..}.
     * <pre>
     *  struct linux_dirent64   0     8        16               18     19
     *                          | ino | cookie | length (u16)   | type | name, NUL
     * </pre>
     */
    public int list(int directory, Entries entries) {
        byte[] block = new byte[0];
        while (true) {
            int count = (int) call(Libc.GETDENTS64, directory, data.address(), DATA_BYTES, 0);
            if (count <= 0) {
                return count;
            }
            if (block.length < count) {
                block = new byte[count];
            }
            MemorySegment.copy(data, JAVA_BYTE, 0, block, 0, count);
            for (int at = 0; at < count; ) {
                int nameEnd = at + 19;
                while (block[nameEnd] != 0) {
                    nameEnd++;
                }
                if (!isSelfOrParent(block, at + 19, nameEnd)) {
                    entries.entry(Arrays.copyOfRange(block, at + 19, nameEnd), block[at + 18]);
                }
                at += Byte.toUnsignedInt(block[at + 16]) | Byte.toUnsignedInt(block[at + 17]) << 8;
            }
        }
    }

    private static boolean isSelfOrParent(byte[] block, int from, int to) {
        return block[from] == '.' && (to == from + 1 || (to == from + 2 && block[from + 1] == '.'));
    }

    /** Text of a symbolic link: its length; the bytes are then in {@link #result}. */
    public int readlinkat(int directory, byte[] name) {
        return putPath(name)
                ? (int) call(Libc.READLINKAT, directory, path.address(), data.address(), DATA_BYTES)
                : -Errno.ENAMETOOLONG;
    }

    /** The first {@code length} bytes that the last call has left. */
    public byte[] result(int length) {
        return data.asSlice(0, length).toArray(JAVA_BYTE);
    }

    // ---- extended attributes

    /** Names of attributes: the length of all; then in {@link #resultNames}. */
    public int listXattrs(int directory, byte[] name) {
        if (!Availability.HAS_XATTRAT) {
            return listXattrsThroughProc(directory, name);
        }
        return putPath(name)
                ? (int) call(
                        Libc.LISTXATTRAT, directory, path.address(), AT_SYMLINK_NOFOLLOW, data.address(), DATA_BYTES)
                : -Errno.ENAMETOOLONG;
    }

    /** For kernels that cannot list relative to a directory; a full path could lead elsewhere meanwhile. */
    int listXattrsThroughProc(int directory, byte[] name) {
        return putPath(procPath(directory, name))
                ? (int) call(Libc.LLISTXATTR, path.address(), data.address(), DATA_BYTES, 0)
                : -Errno.ENAMETOOLONG;
    }

    /** The names that {@link #listXattrs} has left. */
    public List<byte[]> resultNames(int length) {
        List<byte[]> names = new ArrayList<>();
        byte[] all = result(length);
        int from = 0;
        for (int i = 0; i < all.length; i++) {
            if (all[i] == 0) {
                names.add(Arrays.copyOfRange(all, from, i));
                from = i + 1;
            }
        }
        return names;
    }

    /** Value of an attribute: its length; then in {@link #result}. */
    public int getXattr(int directory, byte[] name, byte[] attribute) {
        if (!Availability.HAS_XATTRAT) {
            return getXattrThroughProc(directory, name, attribute);
        }
        if (!putPath(name) || !put(other, attribute)) {
            return -Errno.ENAMETOOLONG;
        }
        arguments.set(JAVA_LONG, 0, data.address());
        arguments.set(JAVA_INT, 8, DATA_BYTES);
        arguments.set(JAVA_INT, 12, 0);
        return (int) callAgain(
                Libc.GETXATTRAT,
                directory,
                path.address(),
                AT_SYMLINK_NOFOLLOW,
                other.address(),
                arguments.address(),
                16);
    }

    /** See {@link #listXattrsThroughProc}. */
    int getXattrThroughProc(int directory, byte[] name, byte[] attribute) {
        return putPath(procPath(directory, name)) && put(other, attribute)
                ? (int) call(Libc.LGETXATTR, path.address(), other.address(), data.address(), DATA_BYTES)
                : -Errno.ENAMETOOLONG;
    }

    /** Sets an attribute of an open file or directory. */
    public int setXattr(int fd, byte[] attribute, byte[] value) {
        int refused = putAttribute(attribute, value);
        return refused != 0
                ? refused
                : (int) call(Libc.FSETXATTR, fd, other.address(), data.address(), value.length, 0);
    }

    /** As {@link #setXattr}, for a descriptor opened with {@link OpenFlags#PATH}, also of a symbolic link. */
    public int setXattrOfPath(int pathFd, byte[] attribute, byte[] value) {
        int refused = putAttribute(attribute, value);
        return refused != 0 || !putPath(procPath(pathFd, NOTHING))
                ? refused
                : (int) call(Libc.SETXATTR, path.address(), other.address(), data.address(), value.length, 0);
    }

    /** Removes an attribute of an open file or directory; ENODATA when there is none. */
    public int removeXattr(int fd, byte[] attribute) {
        return put(other, attribute) ? (int) call(Libc.FREMOVEXATTR, fd, other.address(), 0, 0) : -Errno.ENAMETOOLONG;
    }

    /** As {@link #removeXattr}, for a descriptor opened with {@link OpenFlags#PATH}. */
    public int removeXattrOfPath(int pathFd, byte[] attribute) {
        return putPath(procPath(pathFd, NOTHING)) && put(other, attribute)
                ? (int) call(Libc.REMOVEXATTR, path.address(), other.address(), 0, 0)
                : -Errno.ENAMETOOLONG;
    }

    private int putAttribute(byte[] attribute, byte[] value) {
        if (!put(other, attribute)) {
            return -Errno.ENAMETOOLONG;
        }
        if (value.length > DATA_BYTES) {
            return -Errno.E2BIG;
        }
        MemorySegment.copy(value, 0, data, JAVA_BYTE, 0, value.length);
        return 0;
    }

    // ---- making

    /** {@code pwrite}. From a heap segment no more than 64 KiB at once. */
    public long pwrite(int fd, MemorySegment from, long offset) {
        if (from.isNative()) {
            return callWithBuffer(Libc.PWRITE64, fd, from, from.byteSize(), offset);
        }
        long count = Math.min(from.byteSize(), DATA_BYTES);
        MemorySegment.copy(from, 0, data, 0, count);
        return callWithBuffer(Libc.PWRITE64, fd, data, count, offset);
    }

    /** {@code pwritev} of up to 1,024 native segments, which stay open until it returns. */
    public long pwritev(int fd, List<MemorySegment> from, long offset) {
        for (int i = 0; i < from.size(); i++) {
            data.set(JAVA_LONG, 16L * i, from.get(i).address());
            data.set(JAVA_LONG, 16L * i + 8, from.get(i).byteSize());
        }
        return call(Libc.PWRITEV, fd, data.address(), from.size(), offset);
    }

    public int truncate(int fd, long size) {
        return (int) call(Libc.FTRUNCATE, fd, size, 0, 0);
    }

    public int mkdirat(int directory, byte[] name, int mode) {
        return putPath(name) ? (int) call(Libc.MKDIRAT, directory, path.address(), mode, 0) : -Errno.ENAMETOOLONG;
    }

    public int symlinkat(byte[] target, int directory, byte[] name) {
        return putPath(name) && put(other, target)
                ? (int) call(Libc.SYMLINKAT, other.address(), directory, path.address(), 0)
                : -Errno.ENAMETOOLONG;
    }

    public int linkat(int oldDirectory, byte[] oldName, int directory, byte[] name) {
        return put(other, oldName) && putPath(name)
                ? (int) call(Libc.LINKAT, oldDirectory, other.address(), directory, path.address(), 0)
                : -Errno.ENAMETOOLONG;
    }

    public int renameat(int directory, byte[] oldName, byte[] name) {
        return put(other, oldName) && putPath(name)
                ? (int) call(Libc.RENAMEAT, directory, other.address(), directory, path.address())
                : -Errno.ENAMETOOLONG;
    }

    /** Removes a name that is no directory. */
    public int unlinkat(int directory, byte[] name) {
        return putPath(name) ? (int) call(Libc.UNLINKAT, directory, path.address(), 0, 0) : -Errno.ENAMETOOLONG;
    }

    /** Removes an empty directory. */
    public int rmdirat(int directory, byte[] name) {
        return putPath(name)
                ? (int) call(Libc.UNLINKAT, directory, path.address(), AT_REMOVEDIR, 0)
                : -Errno.ENAMETOOLONG;
    }

    /** Makes a FIFO, socket or device node: {@code mode} has the kind, {@code rdev} is major &lt;&lt; 32 | minor. */
    public int mknodat(int directory, byte[] name, int mode, long rdev) {
        long major = rdev >>> 32;
        long minor = rdev & 0xffff_ffffL;
        if (major >= 1 << 12 || minor >= 1 << 20) { // the kernel has no more bits, and would make another device
            return -Errno.EINVAL;
        }
        return putPath(name)
                ? (int) call(Libc.MKNODAT, directory, path.address(), mode, Stat.encodeDevice(major, minor))
                : -Errno.ENAMETOOLONG;
    }

    // ---- metadata

    public int fchmod(int fd, int permissions) {
        return (int) call(Libc.FCHMOD, fd, permissions, 0, 0);
    }

    /** As {@link #fchmod}, for a descriptor opened with {@link OpenFlags#PATH}. */
    public int chmodOfPath(int pathFd, int permissions) {
        return putPath(procPath(pathFd, NOTHING))
                ? (int) call(Libc.FCHMODAT, WORKING_DIRECTORY, path.address(), permissions, 0)
                : -Errno.ENAMETOOLONG;
    }

    /** {@code chown}; 0xffffffff leaves the user or the group as it is. */
    public int fchown(int fd, long uid, long gid) {
        return (int) call(Libc.FCHOWN, fd, uid, gid, 0);
    }

    public int chownat(int directory, byte[] name, long uid, long gid) {
        return putPath(name)
                ? (int) call(Libc.FCHOWNAT, directory, path.address(), uid, gid, AT_SYMLINK_NOFOLLOW)
                : -Errno.ENAMETOOLONG;
    }

    /** Sets the time of the last change; that of the last access stays. */
    public int setMtime(int fd, long seconds, int nanos) {
        putTimes(seconds, nanos);
        return (int) call(Libc.UTIMENSAT, fd, 0, arguments.address(), 0);
    }

    public int setMtimeAt(int directory, byte[] name, long seconds, int nanos) {
        putTimes(seconds, nanos);
        return putPath(name)
                ? (int) call(Libc.UTIMENSAT, directory, path.address(), arguments.address(), AT_SYMLINK_NOFOLLOW)
                : -Errno.ENAMETOOLONG;
    }

    private void putTimes(long seconds, int nanos) {
        arguments.set(JAVA_LONG, 0, 0);
        arguments.set(JAVA_LONG, 8, UTIME_OMIT);
        arguments.set(JAVA_LONG, 16, seconds);
        arguments.set(JAVA_LONG, 24, nanos);
    }

    /** The user whose rights count. */
    public long geteuid() {
        return call(Libc.GETEUID, 0, 0, 0, 0);
    }

    /** Name of a user as this system's user database has it, empty when unknown. */
    public String userName(long uid) {
        return accountName(Libc.Accounts.GETPWUID_R, uid);
    }

    /** Name of a group, empty when unknown. A group with very many members is unknown too. */
    public String groupName(long gid) {
        return accountName(Libc.Accounts.GETGRGID_R, gid);
    }

    private String accountName(MethodHandle lookup, long id) {
        // struct passwd (48 bytes) and struct group (32) both begin with the pointer to the name
        int failed;
        try {
            arguments.set(ADDRESS, 56, MemorySegment.NULL);
            failed = (int) lookup.invokeExact((int) id, other, data, (long) DATA_BYTES, arguments.asSlice(56, ADDRESS));
        } catch (Throwable t) {
            throw unexpected(t);
        }
        if (failed != 0 || arguments.get(ADDRESS, 56).equals(MemorySegment.NULL)) {
            return "";
        }
        return Libc.Accounts.at(other.get(ADDRESS, 0), DATA_BYTES).getString(0, StandardCharsets.UTF_8);
    }

    // ---- calling

    private long call(int number, long a, long b, long c, long d) {
        return callAgain(number, a, b, c, d, 0, 0);
    }

    private long call(int number, long a, long b, long c, long d, long e) {
        return callAgain(number, a, b, c, d, e, 0);
    }

    private long callAgain(int number, long a, long b, long c, long d, long e, long f) {
        long result;
        do {
            result = callOnce(number, a, b, c, d, e, f);
        } while (result == -Errno.EINTR);
        return result;
    }

    private long callOnce(int number, long a, long b, long c, long d, long e, long f) {
        try {
            long result = (long) Libc.SYSCALL.invokeExact(errno, (long) number, a, b, c, d, e, f);
            return result != -1 ? result : -errno.get(JAVA_INT, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private long callWithBuffer(int number, int fd, MemorySegment buffer, long length, long offset) {
        try {
            long result;
            do {
                result = (long)
                        Libc.SYSCALL_WITH_BUFFER.invokeExact(errno, (long) number, (long) fd, buffer, length, offset);
            } while (result == -1 && errno.get(JAVA_INT, 0) == Errno.EINTR);
            return result != -1 ? result : -errno.get(JAVA_INT, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static RuntimeException unexpected(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e; // a segment whose arena is closed
            case Error e -> throw e;
            default -> new IllegalStateException("a native call threw", t);
        };
    }

    private boolean putPath(byte[] name) {
        return put(path, name);
    }

    private static boolean put(MemorySegment into, byte[] name) {
        if (name.length > PATH_LIMIT) {
            return false;
        }
        MemorySegment.copy(name, 0, into, JAVA_BYTE, 0, name.length);
        into.set(ValueLayout.JAVA_BYTE, name.length, (byte) 0);
        return true;
    }

    private static byte[] procPath(int fd, byte[] name) {
        byte[] prefix = (fd == WORKING_DIRECTORY ? "" : "/proc/self/fd/" + fd).getBytes(StandardCharsets.US_ASCII);
        if (name.length == 0) {
            return prefix;
        }
        if (prefix.length == 0) {
            return name;
        }
        byte[] whole = Arrays.copyOf(prefix, prefix.length + 1 + name.length);
        whole[prefix.length] = '/';
        System.arraycopy(name, 0, whole, prefix.length + 1, name.length);
        return whole;
    }

    /** What this system can do, asked once. Containers may forbid new calls, so the version of the kernel says little. */
    private static final class Availability {
        static final boolean AVAILABLE = probe();
        static final boolean HAS_OPENAT2 = AVAILABLE && hasOpenat2();
        static final boolean HAS_XATTRAT = AVAILABLE && hasXattrAt();

        private static boolean probe() {
            String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
            String machine = System.getProperty("os.arch");
            boolean isKnown = machine.equals("amd64") || machine.equals("aarch64");
            if (!system.equals("linux") || !isKnown) {
                return false;
            }
            try (Posix posix = take()) {
                return posix.statat(WORKING_DIRECTORY, ROOT) == 0; // statx: Linux 4.11
            } catch (LinkageError | RuntimeException e) {
                return false; // native access is denied, or this libc lacks what we need
            }
        }

        private static boolean hasOpenat2() {
            try (Posix posix = take()) {
                int fd = posix.openat2(WORKING_DIRECTORY, SELF, OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
                if (fd >= 0) {
                    posix.closeFile(fd);
                }
                return fd >= 0;
            }
        }

        private static boolean hasXattrAt() {
            try (Posix posix = take()) {
                long result = posix.call(
                        Libc.LISTXATTRAT,
                        WORKING_DIRECTORY,
                        posix.putPath(ROOT) ? posix.path.address() : 0,
                        AT_SYMLINK_NOFOLLOW,
                        posix.data.address(),
                        DATA_BYTES);
                return result >= 0 || result == -Errno.EOPNOTSUPP;
            }
        }
    }
}
