// SPDX-License-Identifier: ISC
package dev.armoire.cli.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A mounted file system and the descriptor through which the kernel asks for it. {@code fusermount3} mounts, as it may and we
 * may not, and sends the descriptor over a socket; it stays until that socket closes, by {@link #close} or by the end of this
 * process however it ends, and then takes the mount away. So no dead mount point is left.
 *
 * <p>Owns the descriptor and the socket. {@link #read} and {@link #write} may be called from many threads.
 */
public final class FuseConnection implements AutoCloseable {
    /** The file system is no longer mounted (ENODEV). */
    public static final int UNMOUNTED = -19;
    /** The request was taken back before it was read (ENOENT), or the call was interrupted (EINTR, EAGAIN): read again. */
    private static final List<Integer> AGAIN = List.of(-2, -4, -11);

    private static final String MOUNTER = "fusermount3";
    private static final Path DEVICE = Path.of("/dev/fuse");
    private static final int ENOENT = 2;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_CLOEXEC = 1 | 02000000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    /** Where the child finds the socket; standard streams stay as they are. */
    private static final int CHILD_SOCKET = 3;

    private final byte[] folder;
    private final int device;
    private final int socket;
    private final int mounter;
    private boolean closed;

    private FuseConnection(byte[] folder, int device, int socket, int mounter) {
        this.folder = folder.clone();
        this.device = device;
        this.socket = socket;
        this.mounter = mounter;
    }

    /**
     * Mounts.
     *
     * @param folder where, as bytes of an absolute path
     * @param options those of {@code fusermount3}
     * @throws IOException when it cannot be done here, with what to do about it
     */
    public static FuseConnection mount(byte[] folder, String options) throws IOException {
        if (!Files.exists(DEVICE)) {
            throw new IOException(
                    "there is no " + DEVICE + ", the kernel's door for file systems like this one: load the"
                            + " module (modprobe fuse), or give the container the device (--device /dev/fuse --cap-add SYS_ADMIN)");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(8, 8);
            check("socketpair", (int) Calls.SOCKETPAIR.invokeExact(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair));
            int ours = pair.get(JAVA_INT, 0);
            int theirs = pair.get(JAVA_INT, 4);
            int mounter;
            try {
                mounter = spawn(arena, theirs, folder, "-q", "-o", options); // quiet when it finds nothing to unmount
            } catch (IOException e) {
                closeDescriptor(ours);
                throw e;
            } finally {
                closeDescriptor(theirs);
            }
            int device = receive(arena, ours);
            if (device < 0) {
                closeDescriptor(ours);
                await(mounter);
                throw new IOException(MOUNTER + " has refused to mount; what it says stands above");
            }
            return new FuseConnection(folder, device, ours, mounter);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static int spawn(Arena arena, int socket, byte[] folder, String... options) throws Throwable {
        MemorySegment actions = arena.allocate(256, 16); // 80 bytes with glibc and musl
        check("posix_spawn_file_actions_init", (int) Calls.ACTIONS_INIT.invokeExact(actions));
        check("posix_spawn_file_actions_adddup2", (int) Calls.ACTIONS_DUP2.invokeExact(actions, socket, CHILD_SOCKET));
        List<MemorySegment> words = new ArrayList<>();
        words.add(text(arena, MOUNTER));
        for (String option : options) {
            words.add(text(arena, option));
        }
        words.add(text(arena, "--"));
        words.add(terminated(arena, folder));
        MemorySegment arguments = strings(arena, words);
        String path = System.getenv("PATH");
        MemorySegment environment = strings(
                arena,
                List.of(
                        text(arena, "PATH=" + (path == null ? "/usr/bin:/bin" : path)),
                        text(arena, "_FUSE_COMMFD=" + CHILD_SOCKET)));
        MemorySegment pid = arena.allocate(4, 4);
        int error = (int)
                Calls.SPAWN.invokeExact(pid, text(arena, MOUNTER), actions, MemorySegment.NULL, arguments, environment);
        if (error == ENOENT) {
            throw new IOException(
                    MOUNTER + " is not installed, and only it may mount for a user: install the package fuse3");
        }
        if (error != 0) {
            throw new IOException(MOUNTER + " cannot be started: error " + error);
        }
        return pid.get(JAVA_INT, 0);
    }

    /** The descriptor that comes with one byte, or -1 when the other side has nothing to send. */
    private static int receive(Arena arena, int socket) throws Throwable {
        MemorySegment data = arena.allocate(8, 8);
        MemorySegment vector = arena.allocate(16, 8);
        vector.set(ADDRESS, 0, data);
        vector.set(JAVA_LONG, 8, 1);
        MemorySegment control = arena.allocate(64, 8);
        MemorySegment message = arena.allocate(56, 8);
        message.set(ADDRESS, 16, vector);
        message.set(JAVA_LONG, 24, 1);
        message.set(ADDRESS, 32, control);
        message.set(JAVA_LONG, 40, control.byteSize());
        long received = (long) Calls.RECVMSG.invokeExact(socket, message, MSG_CMSG_CLOEXEC);
        boolean hasDescriptor = received == 1
                && message.get(JAVA_LONG, 40) >= 20
                && control.get(JAVA_INT, 8) == SOL_SOCKET
                && control.get(JAVA_INT, 12) == SCM_RIGHTS;
        return hasDescriptor ? control.get(JAVA_INT, 16) : -1;
    }

    /** Waits for a request; its length, or {@link #UNMOUNTED}, or another negative error number. */
    public int read(MemorySegment into) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.ERRNO);
            while (true) {
                long result = (long) Calls.READ.invokeExact(errno, device, into, into.byteSize());
                int length = result >= 0 ? (int) result : -errno.get(JAVA_INT, 0);
                if (!AGAIN.contains(length)) {
                    return length;
                }
            }
        } catch (Throwable t) {
            throw new IllegalStateException("a native call threw", t);
        }
    }

    /** Sends a reply; 0 or a negative error number. One that nobody waits for any more is refused by the kernel. */
    public int write(MemorySegment reply) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.ERRNO);
            long result = (long) Calls.WRITE.invokeExact(errno, device, reply, reply.byteSize());
            return result >= 0 ? 0 : -errno.get(JAVA_INT, 0);
        } catch (Throwable t) {
            throw new IllegalStateException("a native call threw", t);
        }
    }

    /** Takes the mount away, even one that is in use: whoever uses it gets errors from then on. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (Arena arena = Arena.ofConfined()) {
            // That is what the one that waits waits for: it takes the mount away.
            closeDescriptor(socket);
            await(mounter);
            if (isMounted()) {
                await(spawn(arena, device, folder, "-u", "-q", "-z"));
            }
            closeDescriptor(device);
        } catch (Throwable t) {
            throw new IllegalStateException("a native call threw", t);
        }
    }

    /** Whether the kernel still lists it; blanks and the like are escaped there, so then it is taken for granted. */
    private boolean isMounted() throws IOException {
        String place = new String(folder, StandardCharsets.UTF_8);
        return place.matches(".*[\\s\\\\].*")
                || Files.readString(Path.of("/proc/self/mountinfo")).contains(' ' + place + ' ');
    }

    private static void await(int process) throws Throwable {
        var _ = (int) Calls.WAITPID.invokeExact(process, MemorySegment.NULL, 0);
    }

    private static void closeDescriptor(int descriptor) throws Throwable {
        var _ = (int) Calls.CLOSE.invokeExact(descriptor);
    }

    private static void check(String call, int result) throws IOException {
        if (result != 0) {
            throw new IOException(call + " failed");
        }
    }

    private static IOException unexpected(Throwable t) {
        return switch (t) {
            case IOException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> new IOException(t);
        };
    }

    private static MemorySegment text(Arena arena, String text) {
        return terminated(arena, text.getBytes(StandardCharsets.UTF_8));
    }

    private static MemorySegment terminated(Arena arena, byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    /** A list of pointers with a null behind it. */
    private static MemorySegment strings(Arena arena, List<MemorySegment> strings) {
        MemorySegment list = arena.allocate(8L * (strings.size() + 1), 8);
        for (int i = 0; i < strings.size(); i++) {
            list.setAtIndex(ADDRESS, i, strings.get(i));
        }
        return list;
    }

    /** The handles: apart, so that they are made when something is mounted. */
    private static final class Calls {
        static final java.lang.foreign.MemoryLayout ERRNO = Linker.Option.captureStateLayout();
        static final MethodHandle SOCKETPAIR =
                find("socketpair", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
        static final MethodHandle ACTIONS_INIT =
                find("posix_spawn_file_actions_init", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        static final MethodHandle ACTIONS_DUP2 =
                find("posix_spawn_file_actions_adddup2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
        static final MethodHandle SPAWN = find(
                "posix_spawnp", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
        static final MethodHandle RECVMSG =
                find("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle WAITPID =
                find("waitpid", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle CLOSE = find("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        static final MethodHandle READ = find(
                "read",
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
                Linker.Option.captureCallState("errno"));
        static final MethodHandle WRITE = find(
                "write",
                FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
                Linker.Option.captureCallState("errno"));

        private Calls() {}

        @SuppressWarnings("restricted")
        private static MethodHandle find(String name, FunctionDescriptor descriptor, Linker.Option... options) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
        }
    }
}
