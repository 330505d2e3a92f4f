// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import static dev.armoire.cli.mount.Fuse.U16;
import static dev.armoire.cli.mount.Fuse.U32;
import static dev.armoire.cli.mount.Fuse.U64;

import dev.armoire.cli.ffi.FuseConnection;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Answers the kernel's questions about what is exported. {@link #answer} may be called by many threads; {@link #serve} is one
 * of them. What is shown never changes, so the kernel may keep all that it is told.
 */
public final class FuseServer implements AutoCloseable {
    /** Largest read, and with it the largest reply: 1 MiB, the most that the kernel asks for. */
    private static final int MAX_READ = 1 << 20;

    private static final int REPLY_BYTES = Fuse.REPLY_HEADER + MAX_READ;
    /** The largest write that we take, none; and the kernel wants room for a request of it, and 8 KiB at least. */
    private static final int MAX_WRITE = 4096;

    private static final int REQUEST_BYTES = 64 << 10;
    private static final long FOREVER_SECONDS = 365L * 24 * 3600;
    private static final int MOST_ASKED = 16;
    private static final int MAX_XATTR_BYTES = 64 << 10;
    private static final int BLOCK = 4096;
    private static final int FOLDER_TYPE = FileMode.toUnix(FileMode.DIRECTORY) >> 12;
    /** Inodes that the kernel may remember, some 250 bytes each. */
    private static final int MOST_NODES = 100_000;

    private static final byte[] DOT = {'.'};
    private static final byte[] DOT_DOT = {'.', '.'};

    private final Exported exported;
    private final SnapshotFiles files;
    private final Troubles troubles;
    private final Nodes nodes;
    /** Null until somebody asks. */
    private @Nullable Boolean hasXattrs;

    private final AtomicLong handles = new AtomicLong();
    private final Map<Long, OpenFile> openFiles = new ConcurrentHashMap<>();
    private final Map<Long, Listing> openFolders = new ConcurrentHashMap<>();

    private record OpenFile(SnapshotHeader header, byte[] path, SnapshotFiles.Content content) {}

    /** Told of what cannot be read. Called by many threads. */
    @FunctionalInterface
    public interface Troubles {
        void failed(SnapshotHeader snapshot, byte[] path, String reason);
    }

    public FuseServer(Exported exported, SnapshotFiles files, Troubles troubles) {
        this.exported = exported;
        this.files = files;
        this.troubles = troubles;
        this.nodes = new Nodes(new Nodes.Place(exported.only(), exported.folder(), null, true), MOST_NODES);
    }

    /** Answers until the file system is unmounted. */
    public void serve(FuseConnection connection) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(REQUEST_BYTES, 8);
            MemorySegment reply = arena.allocate(REPLY_BYTES, 4096);
            while (true) {
                int length = connection.read(request);
                if (length < 0) {
                    return;
                }
                int answer = answer(request.asSlice(0, length), reply);
                if (answer > 0) {
                    connection.write(reply.asSlice(0, answer));
                }
            }
        }
    }

    /** Asks the kernel to forget what it need not remember, whenever that gets too much; for a thread of its own, until an interrupt. */
    public void limitMemory(FuseConnection connection) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment notice = arena.allocate(Fuse.REPLY_HEADER + Fuse.NOTICE + Fuse.MAX_NAME + 1, 8);
            while (true) {
                for (Nodes.Forgettable item : nodes.awaitTooMany()) {
                    if (item.name().length <= Fuse.MAX_NAME) {
                        connection.write(
                                notice.asSlice(0, notice(item, notice))); // refused if it has forgotten it already
                    }
                }
            }
        } catch (InterruptedException e) {
            // The usual end.
        }
    }

    /** Fills a notice; its length. */
    static int notice(Nodes.Forgettable item, MemorySegment out) {
        int length = Fuse.REPLY_HEADER + Fuse.NOTICE + item.name().length + 1;
        out.asSlice(0, length).fill((byte) 0);
        out.set(U32, 0, length);
        out.set(U32, 4, Fuse.NOTIFY_FORGET_NAME);
        out.set(U64, 16, item.parent());
        out.set(U32, 24, item.name().length);
        MemorySegment.copy(item.name(), 0, out, ValueLayout.JAVA_BYTE, 32, item.name().length);
        return length;
    }

    /** The length of the reply to a request; 0 when none is wanted. */
    int answer(MemorySegment request, MemorySegment reply) {
        if (request.byteSize() < Fuse.REQUEST_HEADER || request.get(U32, 0) != request.byteSize()) {
            return 0;
        }
        int opcode = request.get(U32, 4);
        long node = request.get(U64, 16);
        MemorySegment body = request.asSlice(Fuse.REQUEST_HEADER);
        if (opcode == Fuse.FORGET) {
            nodes.forget(node, body.get(U64, 0));
            return 0;
        }
        if (opcode == Fuse.BATCH_FORGET) {
            for (int i = 0; i < body.get(U32, 0); i++) {
                nodes.forget(body.get(U64, 8 + 16L * i), body.get(U64, 16 + 16L * i));
            }
            return 0;
        }
        if (opcode == Fuse.INTERRUPT) {
            return 0; // each question is a short one: it is answered
        }
        int result;
        try {
            result = body(opcode, node, body, reply.asSlice(Fuse.REPLY_HEADER));
        } catch (Refusal e) {
            result = -e.errno;
        } catch (IndexOutOfBoundsException e) { // a body that is shorter than its opcode needs
            result = -Fuse.EPROTO;
        }
        reply.set(U32, 0, Fuse.REPLY_HEADER + Math.max(0, result));
        reply.set(U32, 4, Math.min(0, result));
        reply.set(U64, 8, request.get(U64, 8));
        return Fuse.REPLY_HEADER + Math.max(0, result);
    }

    /** A question that gets an error number for an answer. */
    private static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        final int errno;

        Refusal(int errno) {
            super(null, null, false, false);
            this.errno = errno;
        }
    }

    /** Fills the body of a reply; its length, or a negative error number. */
    private int body(int opcode, long node, MemorySegment body, MemorySegment out) {
        return switch (opcode) {
            case Fuse.INIT -> init(body, out);
            case Fuse.LOOKUP -> lookUp(node, name(body, 0), out);
            case Fuse.GETATTR -> attributes(node, out);
            case Fuse.READLINK -> readLink(place(node), out);
            case Fuse.OPEN -> open(place(node), body, out);
            case Fuse.READ -> read(body, out);
            case Fuse.RELEASE -> {
                openFiles.remove(body.get(U64, 0));
                yield 0;
            }
            case Fuse.OPENDIR -> openFolder(node, out);
            case Fuse.READDIR -> readFolder(node, body, out, false);
            case Fuse.READDIRPLUS -> readFolder(node, body, out, true);
            case Fuse.RELEASEDIR -> {
                Listing listing = openFolders.remove(body.get(U64, 0));
                if (listing != null) {
                    listing.close();
                }
                yield 0;
            }
            // Once told that this is unknown here, the kernel asks no more: `ls -l` would, twice for each file.
            case Fuse.GETXATTR -> hasXattrs() ? xattr(place(node), body, out) : -Fuse.ENOSYS;
            case Fuse.LISTXATTR -> hasXattrs() ? xattrNames(place(node), body, out) : -Fuse.ENOSYS;
            case Fuse.STATFS -> statistics(out);
            case Fuse.FLUSH, Fuse.FSYNC, Fuse.FSYNCDIR, Fuse.DESTROY -> 0;
            case Fuse.SETATTR,
                    Fuse.SYMLINK,
                    Fuse.MKNOD,
                    Fuse.MKDIR,
                    Fuse.UNLINK,
                    Fuse.RMDIR,
                    Fuse.RENAME,
                    Fuse.RENAME2,
                    Fuse.LINK,
                    Fuse.WRITE,
                    Fuse.SETXATTR,
                    Fuse.REMOVEXATTR,
                    Fuse.CREATE,
                    Fuse.FALLOCATE -> -Fuse.EROFS;
            default -> -Fuse.ENOSYS; // then the kernel does it itself, or does without
        };
    }

    private static int init(MemorySegment body, MemorySegment out) {
        if (body.get(U32, 0) < Fuse.VERSION) {
            return -Fuse.EPROTO;
        }
        out.asSlice(0, Fuse.INIT_REPLY).fill((byte) 0);
        out.set(U32, 0, Fuse.VERSION);
        out.set(U32, 4, Fuse.MINOR);
        if (body.get(U32, 0) > Fuse.VERSION) {
            return Fuse.INIT_REPLY; // the kernel asks again in our version
        }
        out.set(U32, 8, body.get(U32, 8)); // read ahead as it likes
        int wanted =
                Fuse.ASYNC_READ | Fuse.DO_READDIRPLUS | Fuse.PARALLEL_DIROPS | Fuse.MAX_PAGES | Fuse.CACHE_SYMLINKS;
        out.set(U32, 12, wanted & body.get(U32, 12));
        out.set(U16, 16, (short) 16); // requests in the background
        out.set(U16, 18, (short) 12);
        out.set(U32, 20, MAX_WRITE);
        out.set(U32, 24, 1); // times are in nanoseconds
        out.set(U16, 28, (short) (MAX_READ / BLOCK));
        return Fuse.INIT_REPLY;
    }

    private Nodes.Place place(long node) {
        Nodes.Place place = nodes.find(node);
        if (place == null) {
            throw new Refusal(Fuse.ESTALE);
        }
        return place;
    }

    /** Up to the zero byte. */
    private static byte[] name(MemorySegment body, long from) {
        byte[] bytes = body.asSlice(from).toArray(ValueLayout.JAVA_BYTE);
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return Arrays.copyOf(bytes, end);
    }

    // Reading the snapshots

    /** A question to a snapshot. */
    @FunctionalInterface
    private interface Question<T extends @Nullable Object> {
        T ask();
    }

    /** What goes wrong is told, and is an input or output error to whoever reads. */
    private <T extends @Nullable Object> T reading(SnapshotHeader header, byte[] path, Question<T> question) {
        try {
            return question.ask();
        } catch (CorruptDataException e) {
            throw failed(header, path, String.valueOf(e.getMessage()));
        } catch (UncheckedIOException e) {
            throw failed(header, path, String.valueOf(e.getCause()));
        }
    }

    private Refusal failed(SnapshotHeader header, byte[] path, String reason) {
        troubles.failed(header, path, reason);
        return new Refusal(Fuse.EIO);
    }

    private Entry entry(SnapshotHeader header, byte[] path) {
        Entry entry = find(header, path);
        if (entry == null) {
            throw new Refusal(Fuse.ENOENT);
        }
        return entry;
    }

    private @Nullable Entry find(SnapshotHeader header, byte[] path) {
        return this.<@Nullable Entry>reading(
                header, path, () -> files.<@Nullable Entry>ask(header, view -> view.find(path)));
    }

    private int lookUp(long parent, byte[] name, MemorySegment out) {
        Nodes.Place folder = place(parent);
        SnapshotHeader header = folder.header();
        byte[] path;
        if (header == null) {
            header = exported.snapshots().get(new String(name, java.nio.charset.StandardCharsets.ISO_8859_1));
            path = SnapshotPath.ROOT;
        } else {
            path = SnapshotPath.child(folder.path(), name);
        }
        Entry entry = header == null ? null : find(header, path);
        if (header == null || entry == null) {
            fillEntry(out, 0);
            return Fuse.ENTRY; // that there is nothing is kept in mind, too
        }
        long id = nodes.retain(Nodes.place(header, entry), parent, entry.isDirectory());
        fillEntry(out, id);
        fillAttributes(out.asSlice(Fuse.ENTRY_ATTRIBUTES_AT), id, header, entry);
        return Fuse.ENTRY;
    }

    private static void fillEntry(MemorySegment out, long id) {
        out.asSlice(0, Fuse.ENTRY).fill((byte) 0);
        out.set(U64, 0, id);
        out.set(U64, 16, FOREVER_SECONDS);
        out.set(U64, 24, FOREVER_SECONDS);
    }

    private int attributes(long node, MemorySegment out) {
        Nodes.Place place = place(node);
        out.asSlice(0, 16).fill((byte) 0);
        out.set(U64, 0, FOREVER_SECONDS);
        SnapshotHeader header = place.header();
        if (header == null) {
            fillListAttributes(out.asSlice(16));
        } else {
            fillAttributes(out.asSlice(16), node, header, entry(header, place.path()));
        }
        return 16 + Fuse.ATTRIBUTES;
    }

    /** The folder of snapshots was never on a disk. */
    private void fillListAttributes(MemorySegment out) {
        out.asSlice(0, Fuse.ATTRIBUTES).fill((byte) 0);
        out.set(U64, 0, Nodes.ROOT);
        exported.snapshots().values().stream()
                .map(SnapshotHeader::timestamp)
                .max(java.time.Instant::compareTo)
                .ifPresent(newest -> fillTimes(out, newest.getEpochSecond(), newest.getNano()));
        out.set(U32, 60, FileMode.toUnix(FileMode.DIRECTORY | 0555));
        out.set(U32, 64, 2 + exported.snapshots().size());
        out.set(U32, 80, BLOCK);
    }

    private static void fillTimes(MemorySegment out, long seconds, int nanos) {
        for (int i = 0; i < 3; i++) {
            out.set(U64, 24 + 8L * i, seconds);
            out.set(U32, 48 + 4L * i, nanos);
        }
    }

    private static void fillAttributes(MemorySegment out, long id, SnapshotHeader header, Entry entry) {
        FileInfo info = entry.info();
        out.asSlice(0, Fuse.ATTRIBUTES).fill((byte) 0);
        out.set(U64, 0, id);
        out.set(U64, 8, Math.max(0, info.size()));
        out.set(U64, 16, Math.ceilDiv(Math.max(0, info.size()), 512L));
        fillTimes(out, info.mtimeSeconds(), info.mtimeNanos());
        int mode = FileMode.toUnix(info.mode());
        if (isMadeUp(header, entry)) {
            // Nothing is known of the folders above the one that was backed up, and all must get through them.
            mode = FileMode.toUnix(FileMode.DIRECTORY | 0755);
            Instant made = header.timestamp();
            fillTimes(out, made.getEpochSecond(), made.getNano());
        }
        out.set(U32, 60, mode);
        out.set(U32, 64, (int) Math.max(1, info.nlink()));
        out.set(U32, 68, (int) info.uid());
        out.set(U32, 72, (int) info.gid());
        out.set(U32, 80, BLOCK);
    }

    private static boolean isMadeUp(SnapshotHeader header, Entry entry) {
        byte[] root = SnapshotPath.clean(header.source().directory());
        return entry.isDirectory() && entry.info().ino() == 0 && !SnapshotPath.isWithin(entry.path(), root);
    }

    private int readLink(Nodes.Place place, MemorySegment out) {
        SnapshotHeader header = place.header();
        if (header == null) {
            return -Fuse.EINVAL;
        }
        byte[] target = entry(header, place.path()).linkTarget();
        MemorySegment.copy(target, 0, out, ValueLayout.JAVA_BYTE, 0, target.length);
        return target.length;
    }

    private int open(Nodes.Place place, MemorySegment body, MemorySegment out) {
        SnapshotHeader header = place.header();
        if (header == null) {
            return -Fuse.EISDIR;
        }
        if ((body.get(U32, 0) & 3) != 0) { // not only for reading
            return -Fuse.EROFS;
        }
        Entry entry = entry(header, place.path());
        if (!entry.isRegular()) {
            return entry.isDirectory() ? -Fuse.EISDIR : -Fuse.EINVAL;
        }
        SnapshotFiles.Content content = reading(header, place.path(), () -> files.content(header, entry));
        long handle = handles.incrementAndGet();
        openFiles.put(handle, new OpenFile(header, place.path(), content));
        // A file that changed while it was backed up may have another size than it says: then the kernel must not go by
        // that.
        boolean isExact = content.size() == entry.info().size();
        return opened(handle, isExact ? Fuse.OPEN_KEEP_CACHE : Fuse.OPEN_DIRECT_IO, out);
    }

    private static int opened(long handle, int flags, MemorySegment out) {
        out.set(U64, 0, handle);
        out.set(U32, 8, flags);
        out.set(U32, 12, 0);
        return 16;
    }

    private int read(MemorySegment body, MemorySegment out) {
        OpenFile file = openFiles.get(body.get(U64, 0));
        if (file == null) {
            return -Fuse.ESTALE;
        }
        long offset = body.get(U64, 8);
        int size = body.get(U32, 16);
        if (offset < 0 || size < 0) {
            return -Fuse.EINVAL;
        }
        int[] filled = {0};
        return this.<Integer>reading(file.header, file.path, () -> {
            file.content.read(offset, Math.min(size, MAX_READ), data -> {
                MemorySegment.copy(data, 0, out, filled[0], data.byteSize());
                filled[0] += (int) data.byteSize();
            });
            return filled[0];
        });
    }

    // Directories

    private int openFolder(long node, MemorySegment out) {
        Nodes.Place place = place(node);
        SnapshotHeader header = place.header();
        Listing listing = new Listing();
        try {
            addDots(listing, node);
            if (header == null) {
                exported.snapshots().forEach((name, snapshot) -> {
                    Entry root = entry(snapshot, SnapshotPath.ROOT);
                    add(listing, snapshot, SnapshotPath.of(name), root);
                });
            } else {
                reading(header, place.path(), () -> {
                    list(header, place.path(), listing);
                    return true;
                });
            }
        } catch (RuntimeException e) {
            listing.close();
            throw e;
        }
        long handle = handles.incrementAndGet();
        openFolders.put(handle, listing);
        return opened(handle, Fuse.OPEN_KEEP_CACHE | Fuse.OPEN_CACHE_DIR, out);
    }

    /** What is damaged but known by name is listed, and an error when it is looked at; so nothing is left out unseen. */
    private void list(SnapshotHeader header, byte[] folder, Listing listing) {
        files.ask(header, (Snapshot view) -> {
            view.forEachChild(
                    folder,
                    (entry, mac) -> {
                        add(listing, header, entry.name(), entry);
                        return true;
                    },
                    (path, problem) -> {
                        troubles.failed(header, path, String.valueOf(problem.getMessage()));
                        if (!Arrays.equals(path, folder)) {
                            listing.add(
                                    SnapshotPath.name(path),
                                    new Nodes.Place(header, path, null, true).number(),
                                    0,
                                    Listing.Extra.NONE);
                        }
                    });
            return true;
        });
    }

    private static void addDots(Listing listing, long node) {
        int type = FOLDER_TYPE;
        for (byte[] name : List.of(DOT, DOT_DOT)) {
            MemorySegment item = listing.add(name, node, type, Listing.Extra.NONE);
            fillEntry(item, 0);
            MemorySegment attributes = item.asSlice(Fuse.ENTRY_ATTRIBUTES_AT);
            attributes.set(U64, 0, node);
            attributes.set(U32, 60, type << 12);
        }
    }

    private static void add(Listing listing, SnapshotHeader header, byte[] name, Entry entry) {
        Nodes.Place place = Nodes.place(header, entry);
        long number = place.number();
        int type = FileMode.toUnix(entry.info().mode()) >> 12;
        MemorySegment item = listing.add(name, number, type, new Listing.Extra(place.link(), place.mayHaveXattrs()));
        fillEntry(item, number);
        fillAttributes(item.asSlice(Fuse.ENTRY_ATTRIBUTES_AT), number, header, entry);
    }

    private int readFolder(long node, MemorySegment body, MemorySegment out, boolean isPlus) {
        Listing listing = openFolders.get(body.get(U64, 0));
        if (listing == null) {
            return -Fuse.ESTALE;
        }
        Nodes.Place folder = place(node);
        long room = Math.min(Integer.toUnsignedLong(body.get(U32, 16)), out.byteSize());
        int[] filled = {0};
        listing.forEach(body.get(U64, 8), (item, extra) -> {
            MemorySegment wanted = isPlus ? item : item.asSlice(Fuse.ENTRY);
            if (filled[0] + wanted.byteSize() > room) {
                return false;
            }
            MemorySegment copy = out.asSlice(filled[0], wanted.byteSize()).copyFrom(wanted);
            if (isPlus && item.get(U64, 0) != 0) {
                boolean isFolder = item.get(U32, Fuse.ENTRY + 20) == FOLDER_TYPE;
                long id = nodes.retain(child(folder, item, extra), node, isFolder);
                copy.set(U64, 0, id);
                copy.set(U64, Fuse.ENTRY_ATTRIBUTES_AT, id);
            }
            filled[0] += (int) wanted.byteSize();
            return true;
        });
        return filled[0];
    }

    private Nodes.Place child(Nodes.Place folder, MemorySegment item, Listing.Extra extra) {
        byte[] name = item.asSlice(Fuse.ENTRY + Fuse.DIRENT, item.get(U32, Fuse.ENTRY + 16))
                .toArray(ValueLayout.JAVA_BYTE);
        if (folder.header() == null) {
            SnapshotHeader header =
                    exported.snapshots().get(new String(name, java.nio.charset.StandardCharsets.ISO_8859_1));
            return new Nodes.Place(header, SnapshotPath.ROOT, null, true);
        }
        return new Nodes.Place(
                folder.header(), SnapshotPath.child(folder.path(), name), extra.link(), extra.mayHaveXattrs());
    }

    // Extended attributes

    /** Whether anything that is shown has one; of many snapshots that differ in this it is taken for granted. */
    private synchronized boolean hasXattrs() {
        Boolean known = hasXattrs;
        if (known == null) {
            known = findXattrs();
            hasXattrs = known;
        }
        return known;
    }

    private boolean findXattrs() {
        SnapshotHeader only = exported.only();
        Collection<SnapshotHeader> shown = only == null ? exported.snapshots().values() : List.of(only);
        Map<Mac, SnapshotHeader> different = new HashMap<>();
        for (SnapshotHeader header : shown) {
            different.putIfAbsent(header.source().xattrs(), header);
            if (different.size() > MOST_ASKED) {
                return true;
            }
        }
        try {
            return different.values().stream().anyMatch(header -> files.<Boolean>ask(header, Snapshot::hasXattrs));
        } catch (CorruptDataException | UncheckedIOException e) {
            return true; // whoever asks for one is told
        }
    }

    private int xattr(Nodes.Place place, MemorySegment body, MemorySegment out) {
        SnapshotHeader header = place.header();
        if (header == null || !place.mayHaveXattrs()) {
            return -Fuse.ENODATA;
        }
        byte[] name = name(body, 8);
        Entry entry = entry(header, place.path());
        if (entry.xattrNames().stream().noneMatch(known -> Arrays.equals(known, name))) {
            return -Fuse.ENODATA;
        }
        byte[] value = this.<byte @Nullable []>reading(
                header,
                place.path(),
                () -> files.<byte @Nullable []>ask(
                        header, view -> view.xattrValue(place.path(), name, MAX_XATTR_BYTES)));
        return value == null ? -Fuse.ENODATA : sized(value, body.get(U32, 0), out);
    }

    private int xattrNames(Nodes.Place place, MemorySegment body, MemorySegment out) {
        SnapshotHeader header = place.header();
        List<byte[]> names = header == null || !place.mayHaveXattrs()
                ? List.of()
                : new ArrayList<>(entry(header, place.path()).xattrNames());
        int length = names.stream().mapToInt(name -> name.length + 1).sum();
        if (length > MAX_XATTR_BYTES) {
            return -Fuse.E2BIG;
        }
        byte[] all = new byte[length];
        int at = 0;
        for (byte[] name : names) {
            System.arraycopy(name, 0, all, at, name.length);
            at += name.length + 1;
        }
        return sized(all, body.get(U32, 0), out);
    }

    /** The value, or its length where no room for it is offered. */
    private static int sized(byte[] value, int room, MemorySegment out) {
        if (room == 0) {
            out.set(U32, 0, value.length);
            out.set(U32, 4, 0);
            return 8;
        }
        if (value.length > room) {
            return -Fuse.ERANGE;
        }
        MemorySegment.copy(value, 0, out, ValueLayout.JAVA_BYTE, 0, value.length);
        return value.length;
    }

    private static int statistics(MemorySegment out) {
        out.asSlice(0, 80).fill((byte) 0);
        out.set(U32, 40, BLOCK);
        out.set(U32, 44, 255); // longest name
        out.set(U32, 48, BLOCK);
        return 80;
    }

    @Override
    public void close() {
        openFiles.clear();
        openFolders.values().forEach(Listing::close);
        openFolders.clear();
    }
}
