// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The downcall handles, and the numbers of system calls. Everything goes through {@code syscall(2)}: each shape of a handle
 * costs milliseconds when the program starts, and this way there are three shapes for thirty calls.
 */
final class Libc {
    static final boolean ARM = System.getProperty("os.arch").equals("aarch64");

    static final int LSEEK = number(8, 62);
    static final int CLOSE = number(3, 57);
    static final int PREAD64 = number(17, 67);
    static final int PWRITE64 = number(18, 68);
    static final int FTRUNCATE = number(77, 46);
    static final int FCHMOD = number(91, 52);
    static final int FCHOWN = number(93, 55);
    static final int GETEUID = number(107, 175);
    static final int SETXATTR = number(188, 5);
    static final int FSETXATTR = number(190, 7);
    static final int LGETXATTR = number(192, 9);
    static final int LLISTXATTR = number(195, 12);
    static final int REMOVEXATTR = number(197, 14);
    static final int FREMOVEXATTR = number(199, 16);
    static final int GETDENTS64 = number(217, 61);
    static final int FADVISE64 = number(221, 223);
    static final int SYNC_FILE_RANGE = number(277, 84);
    static final int OPENAT = number(257, 56);
    static final int MKDIRAT = number(258, 34);
    static final int MKNODAT = number(259, 33);
    static final int FCHOWNAT = number(260, 54);
    static final int UNLINKAT = number(263, 35);
    static final int RENAMEAT = number(264, 38);
    static final int LINKAT = number(265, 37);
    static final int SYMLINKAT = number(266, 36);
    static final int READLINKAT = number(267, 78);
    static final int FCHMODAT = number(268, 53);
    static final int UTIMENSAT = number(280, 88);
    static final int STATX = number(332, 291);
    static final int PWRITEV = number(296, 70);
    static final int PREADV2 = number(327, 286);
    static final int OPENAT2 = 437; // Linux 5.6
    static final int GETXATTRAT = 464; // Linux 6.13, as the next
    static final int LISTXATTRAT = 465;

    private static final Linker LINKER = Linker.nativeLinker();

    /** {@code long syscall(long number, a, b, c, d, e, f)}, after the segment that takes errno. */
    static final MethodHandle SYSCALL = syscall(FunctionDescriptor.of(
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    /** The same with a buffer as second argument, which the linker keeps from being closed during the call. */
    static final MethodHandle SYSCALL_WITH_BUFFER =
            syscall(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));

    static final MemoryLayout ERRNO = Linker.Option.captureStateLayout();

    private Libc() {}

    private static int number(int x86, int arm) {
        return ARM ? arm : x86;
    }

    @SuppressWarnings("restricted")
    private static MethodHandle syscall(FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("syscall"),
                descriptor,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(1));
    }

    /** User and group database: apart, as many commands never need it. Both take (id, entry, buffer, length, result). */
    static final class Accounts {
        static final MethodHandle GETPWUID_R = lookup("getpwuid_r");
        static final MethodHandle GETGRGID_R = lookup("getgrgid_r");

        private Accounts() {}

        @SuppressWarnings("restricted")
        private static MethodHandle lookup(String name) {
            return LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow(name),
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
        }

        /** What a C string pointer points to; its end is looked for within {@code limit} bytes. */
        @SuppressWarnings("restricted")
        static MemorySegment at(MemorySegment pointer, long limit) {
            return pointer.reinterpret(limit);
        }
    }
}
