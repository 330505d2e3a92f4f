// SPDX-License-Identifier: ISC
package dev.armoire.cli.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The user's ring of Linux's key rings: secrets in the kernel's memory, which never go to swap and end at a time that is set.
 * Only who <i>possesses</i> a key may read it, and one does through rings of one's own process; so the user's ring is linked
 * into that of this process first, in the calling thread, as threads that were there before do not get it.
 */
public final class KeyRing {
    private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
    // glibc has no functions for these two
    private static final long ADD_KEY = ARM ? 217 : 248;
    private static final long KEYCTL = ARM ? 219 : 250;

    private static final long REVOKE = 3;
    private static final long LINK = 8;
    private static final long UNLINK = 9;
    private static final long SEARCH = 10;
    private static final long READ = 11;
    private static final long SET_TIMEOUT = 15;

    private static final long PROCESS_RING = -2;
    private static final long USER_RING = -4;

    private static final int EPERM = 1;
    private static final int EACCES = 13;
    private static final int ENOSYS = 38;
    private static final int EDQUOT = 122;

    private static final String TYPE = "user";
    private static final int MAX_BYTES = 4096;

    private KeyRing() {}

    /**
     * The secret of a name; null when there is none, or not any more. The caller wipes it.
     *
     * @throws IOException when there are no key rings here
     */
    public static byte @Nullable [] find(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Kernel kernel = new Kernel(arena);
            kernel.possess();
            long key = kernel.search(name);
            if (key < 0) {
                return null;
            }
            MemorySegment secret = arena.allocate(MAX_BYTES);
            try {
                long length = kernel.call(KEYCTL, READ, key, secret.address(), MAX_BYTES, 0);
                return length < 0 || length > MAX_BYTES // it has just expired; ours are never that long
                        ? null
                        : secret.asSlice(0, length).toArray(JAVA_BYTE);
            } finally {
                secret.fill((byte) 0);
            }
        }
    }

    /**
     * Keeps a secret under a name, in place of what that has, for some time.
     *
     * @param secret borrowed
     * @throws IOException when it could not be kept
     */
    public static void keep(String name, byte[] secret, int seconds) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Kernel kernel = new Kernel(arena);
            kernel.possess();
            MemorySegment bytes = arena.allocate(Math.max(1, secret.length));
            MemorySegment.copy(secret, 0, bytes, JAVA_BYTE, 0, secret.length);
            long key;
            try {
                // Into the ring of this process, which ends with it, until the time is set: there is never one without.
                key = kernel.call(
                        ADD_KEY,
                        arena.allocateFrom(TYPE).address(),
                        arena.allocateFrom(name).address(),
                        bytes.address(),
                        secret.length,
                        PROCESS_RING);
            } finally {
                bytes.fill((byte) 0);
            }
            check(key);
            check(kernel.call(KEYCTL, SET_TIMEOUT, key, seconds, 0, 0));
            check(kernel.call(KEYCTL, LINK, key, USER_RING, 0, 0));
        }
    }

    /**
     * Forgets the secret of a name. Returns whether there was one.
     *
     * @throws IOException when there are no key rings here
     */
    public static boolean forget(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Kernel kernel = new Kernel(arena);
            kernel.possess();
            long key = kernel.search(name);
            if (key < 0) {
                return false;
            }
            kernel.call(KEYCTL, REVOKE, key, 0, 0, 0);
            kernel.call(KEYCTL, UNLINK, key, USER_RING, 0, 0);
            return true;
        }
    }

    private static void check(long result) throws IOException {
        if (result < 0) {
            throw new IOException(
                    switch ((int) -result) {
                        case EPERM, EACCES -> "the kernel does not permit it, as in most containers";
                        case ENOSYS -> "this kernel has no key rings";
                        case EDQUOT -> "this user has too many keys in them";
                        default -> "the kernel refuses with error " + -result;
                    });
        }
    }

    /** System calls of one thread; results are the kernel's, negative error numbers included. */
    private static final class Kernel {
        private final Arena arena;
        private final MemorySegment errno;

        Kernel(Arena arena) {
            this.arena = arena;
            errno = arena.allocate(Calls.ERRNO);
        }

        void possess() throws IOException {
            check(call(KEYCTL, LINK, USER_RING, PROCESS_RING, 0, 0));
        }

        long search(String name) {
            return call(
                    KEYCTL,
                    SEARCH,
                    USER_RING,
                    arena.allocateFrom(TYPE).address(),
                    arena.allocateFrom(name).address(),
                    0);
        }

        long call(long number, long a, long b, long c, long d, long e) {
            try {
                long result = (long) Calls.SYSCALL.invokeExact(errno, number, a, b, c, d, e);
                return result == -1 ? -errno.get(JAVA_INT, 0) : result;
            } catch (Throwable t) {
                throw new IllegalStateException("a native call threw", t);
            }
        }
    }

    /** Bound when first used. */
    private static final class Calls {
        static final MemoryLayout ERRNO = Linker.Option.captureStateLayout();

        @SuppressWarnings("restricted")
        static final MethodHandle SYSCALL = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                        Linker.Option.captureCallState("errno"),
                        Linker.Option.firstVariadicArg(1));

        private Calls() {}
    }
}
