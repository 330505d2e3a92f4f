// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.exclude.ExcludeRules;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.repository.StageTimes.Stage;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Restores a directory or a file of a snapshot. The calling thread walks the tree and makes the directories; workers read,
 * verify and write the files. Hard links come when all files are there, the metadata of directories last of all. Nothing is
 * given to the exporter that was not verified; a failure of one item does not keep the others.
 *
 * <p>Where asked to, it looks at what is in the target: then items may stay as they are, and what the snapshot does not have
 * is removed once everything else is there. Without an exporter it is a plan: everything is decided and nothing done.
 */
public final class Restore {
    private static final int QUEUED_FILES = 1024;
    /** Threads that do nothing but write small files to a target that is far away, for which most of them wait. */
    private static final int FAR_WRITERS = 32;
    /** So small that what is read and not written yet takes eight MiB and what is being written as much. */
    private static final int SMALL_BYTES = 256 << 10;

    private static final int READ_FILES = 32;
    private static final long LOOK_AGAIN_MILLIS = 20;
    /** Attribute values are at most 64 KiB on Linux. */
    private static final int MAX_XATTR_BYTES = 16 << 20;

    private static final String READS_OTHER = "reads back other than it was written: look after the disk or the memory";

    private static final byte[] TARGET = {};

    private final Repository repository;
    private final Snapshot snapshot;
    /** Null for a plan. */
    private final @Nullable Exporter exporter;
    /** Null when nobody wants to know. */
    private final @Nullable ExistingFiles existing;

    private final RestoreOptions options;
    private final RestoreEvents events;
    private final Map<String, Long> deviceNumbers;
    private final Map<LinkKey, LinkGroup> links = new LinkedHashMap<>();
    private final List<Folder> folders = new ArrayList<>();
    private final ManyToManyConcurrentArrayQueue<Item> queue = new ManyToManyConcurrentArrayQueue<>(QUEUED_FILES);
    /** Small files that were read and go to a target that is far away. */
    private final BlockingQueue<ReadFile> read = new ArrayBlockingQueue<>(READ_FILES);

    private final Collection<LargeFile> large = new ConcurrentLinkedQueue<>();
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicBoolean walkEnded = new AtomicBoolean();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final LongAdder files = new LongAdder();
    private final LongAdder overwritten = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    /** Also of files that fail or are still being written. */
    private final LongAdder written = new LongAdder();

    private final LongAdder failed = new LongAdder();
    private final LongAdder verified = new LongAdder();
    private final AtomicBoolean isDamaged = new AtomicBoolean();
    /** Whether something of the store could not be read, by a failure of the storage. */
    private final AtomicBoolean isUnread = new AtomicBoolean();

    private long madeFolders;
    private long kept;
    private long deleted;

    /** A file's identity in its source: entries that share it are one file with several names. */
    private record LinkKey(long dev, long ino) {}

    /** The names of one file: the first is written or stays, the others become links to it. */
    private static final class LinkGroup {
        final byte[] first;
        /** What the first name is when it stays. */
        final @Nullable FileInfo keptFirst;

        final List<LinkName> others = new ArrayList<>();

        LinkGroup(byte[] first, @Nullable FileInfo keptFirst) {
            this.first = first;
            this.keptFirst = keptFirst;
        }
    }

    private record LinkName(byte[] path, byte[] target, boolean replaces) {}

    /**
     * An item to be written.
     *
     * @param target where it goes, relative to the exporter's target
     * @param replaces whether something is there
     */
    private record Item(Entry entry, byte[] target, boolean replaces) {}

    /** A file that was read in full and is to be written. */
    @SuppressWarnings("ArrayRecordComponent")
    private record ReadFile(
            Entry entry,
            byte[] target,
            boolean replaces,
            List<Exporter.Xattr> xattrs,
            ObjectRecord object,
            byte[] content) {}

    private enum Making {
        UNTRIED,
        DONE,
        FAILED
    }

    /** A directory, made when the first item in it is wanted. Its path is put together from the names above it when needed. */
    private static final class Folder {
        /** For the topmost one, its whole path. */
        final byte[] name;

        final FileInfo info;
        final List<byte[]> xattrNames;
        final @Nullable Folder parent;
        final boolean isIncluded;
        Making making = Making.UNTRIED;
        boolean wasThere;

        Folder(Entry entry, @Nullable Folder parent, boolean isIncluded) {
            this.name = parent == null ? entry.path() : entry.name();
            this.info = entry.info();
            this.xattrNames = entry.xattrNames();
            this.parent = parent;
            this.isIncluded = isIncluded;
        }

        byte[] path() {
            return below(parent == null ? name : root().name);
        }

        /** Where it goes, relative to the exporter's target. */
        byte[] target() {
            return below(TARGET);
        }

        private Folder root() {
            Folder at = this;
            for (Folder above = parent; above != null; above = above.parent) {
                at = above;
            }
            return at;
        }

        /** What lies between the topmost folder and this one, put behind a path. */
        private byte[] below(byte[] base) {
            boolean isBare = base.length == 0 || SnapshotPath.isRoot(base);
            int length = isBare && parent != null ? base.length - 1 : base.length;
            for (Folder at = this; at.parent != null; at = at.parent) {
                length += 1 + at.name.length;
            }
            byte[] joined = Arrays.copyOf(base, Math.max(length, base.length));
            int end = length;
            for (Folder at = this; at.parent != null; at = at.parent) {
                end -= at.name.length;
                System.arraycopy(at.name, 0, joined, end, at.name.length);
                if (end > 0) {
                    joined[--end] = '/';
                }
            }
            return joined;
        }
    }

    private Restore(
            Repository repository,
            Snapshot snapshot,
            @Nullable Exporter exporter,
            @Nullable ExistingFiles existing,
            RestoreOptions options,
            RestoreEvents events) {
        this.repository = repository;
        this.snapshot = snapshot;
        this.exporter = exporter;
        this.existing = existing;
        this.options = options;
        this.events = events;
        this.deviceNumbers =
                DeviceNumbers.fromContext(snapshot.header().source().context());
    }

    /** Restores all below a path, whatever is in the target. See the other form. */
    public static RestoreResult run(
            Repository repository, Mac id, byte[] path, Exporter exporter, RestoreEvents events, int workers)
            throws IOException {
        return run(repository, id, path, exporter, null, RestoreOptions.simple(workers), events);
    }

    /**
     * Restores what lies at a path: the contents of a directory, or a single item under its name. Links in the path itself
     * are followed.
     *
     * @param path clean and absolute; see {@link Snapshot#resolve}
     * @param exporter null to find out what would be done
     * @param existing what is in the target of the exporter; wanted by all options but the simple ones
     * @throws java.nio.file.NoSuchFileException when the path is not in the snapshot
     */
    public static RestoreResult run(
            Repository repository,
            Mac id,
            byte[] path,
            @Nullable Exporter exporter,
            @Nullable ExistingFiles existing,
            RestoreOptions options,
            RestoreEvents events)
            throws IOException {
        boolean looks =
                exporter == null || options.deletes() || options.verifies() || options.overwrite() != Overwrite.ALWAYS;
        if (looks && existing == null) {
            throw new IllegalArgumentException("these options need to know what is in the target");
        }
        try (BlobReader reader = repository.newReader()) {
            Snapshot snapshot = Snapshot.open(reader, id);
            Entry start = snapshot.lookUp(path);
            if (start == null) {
                throw new java.nio.file.NoSuchFileException(
                        SnapshotPath.display(path), null, "not in snapshot " + id.shortHex());
            }
            return new Restore(repository, snapshot, exporter, existing, options, events).run(start);
        }
    }

    private RestoreResult run(Entry start) throws IOException {
        events.progress(written::sum);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; exporter != null && i < options.workers(); i++) {
            threads.add(Thread.ofPlatform().name("restore-" + i).daemon().start(this::work));
        }
        for (int i = 0; isFarAway() && i < FAR_WRITERS; i++) {
            threads.add(Thread.ofPlatform().name("write-" + i).daemon().start(this::write));
        }
        try {
            if (start.isDirectory()) {
                Folder root = new Folder(start, null, options.includes() == null);
                root.making = Making.DONE;
                root.wasThere = true;
                folders.add(root);
                walk(root);
            } else {
                take(start, start.name());
            }
        } catch (RuntimeException e) {
            failure.compareAndSet(null, e);
        } finally {
            walkEnded.set(true);
            join(threads);
        }
        rethrow();
        if (exporter != null) {
            restoreLinks(exporter);
        }
        if (options.deletes() && existing != null && start.isDirectory()) {
            deleteOthers(existing, start);
        }
        for (Folder folder : folders.reversed()) {
            finish(folder);
        }
        if (exporter != null) {
            exporter.finish();
        }
        return new RestoreResult(
                files.sum(),
                madeFolders,
                bytes.sum(),
                overwritten.sum(),
                kept,
                failed.sum(),
                deleted,
                verified.sum(),
                isDamaged.get());
    }

    // The walking thread

    private void walk(Folder root) {
        Deque<Folder> toWalk = new ArrayDeque<>();
        toWalk.push(root);
        while (!toWalk.isEmpty()) {
            Folder folder = toWalk.pop();
            if (!folder.isIncluded || make(folder)) {
                take(folder).reversed().forEach(toWalk::push);
            }
        }
    }

    /** Takes the items of a folder; returns the folders in it. */
    private List<Folder> take(Folder folder) {
        byte[] directory = folder.path();
        byte[] target = folder.target();
        List<Folder> below = new ArrayList<>();
        try {
            snapshot.forEachChild(
                    directory,
                    (entry, mac) -> {
                        byte[] path = entry.path();
                        if (isExcluded(path, entry.isDirectory())) {
                            return true;
                        }
                        boolean isIncluded = isIncluded(path, entry.isDirectory(), folder.isIncluded);
                        if (entry.isDirectory()) {
                            below.add(new Folder(entry, folder, isIncluded));
                        } else if (isIncluded && make(folder)) {
                            take(entry, join(target, entry.name()));
                        }
                        return true;
                    },
                    (path, problem) -> damaged(directory, path, problem));
        } catch (CorruptDataException | UncheckedIOException e) {
            lost(directory, e, "; what lies below is not restored");
        }
        return below;
    }

    private boolean isExcluded(byte[] path, boolean isDirectory) {
        return options.excludes().isExcluded(path, isDirectory);
    }

    /** @param inherited what holds for the directory that it lies in */
    private boolean isIncluded(byte[] path, boolean isDirectory, boolean inherited) {
        ExcludeRules includes = options.includes();
        if (includes == null) {
            return true;
        }
        return switch (includes.verdict(path, isDirectory)) {
            case NONE -> inherited;
            case MATCHED -> true;
            case TAKEN_BACK -> false;
        };
    }

    /** Makes a directory and those above it, unless they are made. */
    private boolean make(Folder folder) {
        Deque<Folder> unmade = new ArrayDeque<>();
        Folder at = folder;
        while (at != null && at.making == Making.UNTRIED) {
            unmade.push(at);
            at = at.parent;
        }
        Making above = at == null ? Making.DONE : at.making;
        for (Folder next : unmade) {
            if (above == Making.DONE) {
                above = makeNow(next);
            }
            next.making = above;
        }
        return folder.making == Making.DONE;
    }

    private Making makeNow(Folder folder) {
        byte[] path = folder.path();
        byte[] target = folder.target();
        try {
            if (existing != null) {
                FileInfo there = existing.info(target);
                folder.wasThere = there != null && FileMode.isDirectory(there.mode());
                if (there != null && !folder.wasThere) {
                    clear(path, target, there);
                }
                if (exporter == null && !folder.wasThere) {
                    events.planned(path, change(there));
                }
            }
            if (exporter != null) {
                exporter.makeDirectory(target);
            }
        } catch (IOException e) {
            fail(path, e.getMessage() + "; what lies below is not restored", false);
            return Making.FAILED;
        }
        madeFolders++;
        folders.add(folder);
        return Making.DONE;
    }

    private static RestoreEvents.Change change(@Nullable FileInfo there) {
        return there == null ? RestoreEvents.Change.WRITE : RestoreEvents.Change.OVERWRITE;
    }

    /** Removes what is in the way of an item of another kind, if that was asked for. */
    private void clear(byte[] path, byte[] target, FileInfo there) throws IOException {
        String what = FileMode.isDirectory(there.mode()) ? "a folder" : "something that is no folder";
        boolean mayReplace = options.overwrite() == Overwrite.ALWAYS || options.overwrite() == Overwrite.CHANGED;
        if (!options.deletes() || !mayReplace) {
            throw new IOException(what + " of this name is in the way; move it away, or restore with -delete");
        }
        FileInfo parent = existing == null ? null : existing.info(parent(target));
        if (parent == null || !delete(path, target, there, parent.dev(), true)) {
            throw new IOException(what + " of this name is in the way, and not all of it could be removed");
        }
    }

    private static byte[] parent(byte[] target) {
        int end = target.length - 1;
        while (end > 0 && target[end] != '/') {
            end--;
        }
        return Arrays.copyOf(target, Math.max(0, end));
    }

    /** Decides about an item that is no directory. */
    private void take(Entry entry, byte[] target) {
        FileInfo there = null;
        boolean isKept = false;
        try {
            if (existing != null) {
                there = existing.info(target);
                isKept = there != null && isKept(existing, entry, target, there);
                if (there != null && !isKept && FileMode.isDirectory(there.mode())) {
                    clear(entry.path(), target, there);
                }
            }
        } catch (IOException e) {
            fail(entry.path(), e.getMessage(), false);
            return;
        }
        boolean mayLink = !isKept || options.overwrite() == Overwrite.CHANGED;
        if (mayLink && entry.info().nlink() > 1 && entry.info().ino() != 0) {
            LinkKey key = new LinkKey(entry.info().dev(), entry.info().ino());
            LinkGroup known = links.get(key);
            if (known == null) {
                links.put(key, new LinkGroup(target, isKept ? there : null));
            } else {
                FileInfo first = known.keptFirst;
                isKept = isKept
                        && there != null
                        && first != null
                        && first.ino() == there.ino()
                        && first.dev() == there.dev();
                if (isKept) {
                    kept++;
                } else if (exporter == null) {
                    plan(entry, there, 0);
                } else {
                    known.others.add(new LinkName(entry.path(), target, there != null));
                }
                return;
            }
        }
        if (isKept) {
            kept++;
        } else if (exporter == null) {
            plan(entry, there, entry.isRegular() ? entry.info().size() : 0);
        } else {
            submit(new Item(entry, target, there != null));
        }
    }

    private void plan(Entry entry, @Nullable FileInfo there, long size) {
        files.increment();
        bytes.add(size);
        if (there != null) {
            overwritten.increment();
        }
        events.planned(entry.path(), change(there));
    }

    private boolean isKept(ExistingFiles files, Entry entry, byte[] target, FileInfo there) throws IOException {
        return switch (options.overwrite()) {
            case ALWAYS -> false;
            case NEVER -> true;
            case NEWER -> !FileMode.isDirectory(there.mode()) && !isLater(entry.info(), there);
            case CHANGED -> isSame(files, entry, target, there);
        };
    }

    private static boolean isLater(FileInfo a, FileInfo b) {
        return a.mtimeSeconds() > b.mtimeSeconds()
                || (a.mtimeSeconds() == b.mtimeSeconds() && a.mtimeNanos() > b.mtimeNanos());
    }

    private boolean isSame(ExistingFiles files, Entry entry, byte[] target, FileInfo there) throws IOException {
        FileInfo info = info(entry);
        boolean isLink = FileMode.isSymlink(info.mode());
        boolean isSame = (info.mode() & FileMode.TYPE) == (there.mode() & FileMode.TYPE)
                && (!entry.isRegular() || info.size() == there.size())
                && info.mtimeSeconds() == there.mtimeSeconds()
                && info.mtimeNanos() == there.mtimeNanos()
                && (!FileMode.isDevice(info.mode()) || info.rdev() == there.rdev());
        if (isSame && options.restoresPermissions()) {
            isSame = info.uid() == there.uid()
                    && info.gid() == there.gid()
                    && (isLink || FileMode.unixPermissions(info.mode()) == FileMode.unixPermissions(there.mode()));
        }
        return isSame && (!isLink || Arrays.equals(entry.linkTarget(), files.linkTarget(target)));
    }

    /** A damaged listing loses nothing while the tree has the entries; a damaged entry loses its item. */
    private void damaged(byte[] directory, byte[] path, CorruptDataException problem) {
        if (Arrays.equals(directory, path)) {
            isDamaged.set(true);
            events.lost(
                    path, "its listing is damaged (" + problem.getMessage() + "); its entries are taken from the tree");
        } else {
            fail(path, problem.getMessage(), true);
        }
    }

    private static byte[] join(byte[] directory, byte[] name) {
        if (directory.length == 0) {
            return name;
        }
        byte[] path = Arrays.copyOf(directory, directory.length + 1 + name.length);
        path[directory.length] = '/';
        System.arraycopy(name, 0, path, directory.length + 1, name.length);
        return path;
    }

    private final IdleStrategy walkIdle = newIdleStrategy();

    private static IdleStrategy newIdleStrategy() {
        return new BackoffIdleStrategy(10, 1, 20_000, 500_000);
    }

    private boolean isFarAway() {
        return exporter != null && exporter.isFarAway();
    }

    private void submit(Item item) {
        open.incrementAndGet();
        walkIdle.reset();
        while (!queue.offer(item)) {
            if (failure.get() != null || Thread.currentThread().isInterrupted()) {
                throw new PipelineAbortedException();
            }
            walkIdle.idle();
        }
    }

    // The workers' threads

    private void work() {
        IdleStrategy idle = newIdleStrategy();
        try (BlobReader reader = repository.newReader();
                ReadBack readBack = newReadBack()) {
            Snapshot view = Snapshot.of(snapshot.header(), reader);
            while (failure.get() == null) {
                Item item = queue.poll();
                if (item != null) {
                    idle.reset();
                    restore(view, readBack, item.entry, item.target, item.replaces);
                    open.decrementAndGet();
                } else if (helpWithLargeFiles(view)) {
                    idle.reset();
                } else if (walkEnded.get() && open.get() == 0) {
                    return;
                } else {
                    idle.idle();
                }
            }
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private @Nullable ReadBack newReadBack() {
        return options.verifies() && existing != null
                ? new ReadBack(existing, repository.keys().newMacHasher())
                : null;
    }

    private boolean restore(Snapshot view, @Nullable ReadBack readBack, Entry entry, byte[] target, boolean replaces) {
        if (exporter == null) {
            throw new IllegalStateException("a plan restores nothing");
        }
        try {
            List<Exporter.Xattr> xattrs = xattrs(view, entry.path(), entry.xattrNames());
            int mode = entry.info().mode();
            if (FileMode.isRegular(mode) && entry.info().size() <= SMALL_BYTES && exporter.isFarAway()) {
                ObjectRecord object = object(view, entry);
                handOver(new ReadFile(entry, target, replaces, xattrs, object, content(view, object)));
                return true;
            } else if (FileMode.isRegular(mode)) {
                if (!restoreFile(view, exporter, readBack, entry, target, xattrs)) {
                    fail(entry.path(), READS_OTHER, false);
                    return false;
                }
            } else if (FileMode.isSymlink(mode)) {
                exporter.symlink(target, entry.linkTarget(), info(entry), xattrs);
            } else {
                exporter.special(target, info(entry), xattrs);
            }
            count(entry.path(), replaces);
            return true;
        } catch (CorruptDataException | UncheckedIOException e) {
            lost(entry.path(), e, "");
        } catch (IOException e) {
            fail(entry.path(), e.getMessage(), false);
        }
        return false;
    }

    private static byte[] content(Snapshot view, ObjectRecord object) throws IOException {
        byte[] content = new byte[Math.toIntExact(object.size())];
        MemorySegment into = MemorySegment.ofArray(content);
        long[] filled = new long[1];
        ObjectReader.forEachChunk(view.source(), object, chunk -> {
            MemorySegment.copy(chunk, 0, into, filled[0], chunk.byteSize());
            filled[0] += chunk.byteSize();
        });
        return content;
    }

    private void handOver(ReadFile file) throws IOException {
        open.incrementAndGet();
        try {
            while (!read.offer(file, LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
                if (failure.get() != null) {
                    throw new PipelineAbortedException();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PipelineAbortedException();
        }
    }

    /** What a thread does that only writes. */
    private void write() {
        try (ReadBack readBack = newReadBack()) {
            while (failure.get() == null) {
                ReadFile file = read.poll(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
                if (file != null) {
                    write(file, readBack);
                    open.decrementAndGet();
                } else if (walkEnded.get() && open.get() == 0) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            failure.compareAndSet(null, new PipelineAbortedException());
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private void write(ReadFile file, @Nullable ReadBack readBack) {
        Entry entry = file.entry;
        Exporter to = Objects.requireNonNull(exporter);
        try {
            try (Exporter.FileOutput out = to.createFile(file.target, info(entry), file.xattrs)) {
                out.write(MemorySegment.ofArray(file.content));
                written.add(file.content.length);
                out.commit(file.xattrs);
            }
            bytes.add(file.content.length);
            if (readBack == null || isRight(readBack, entry, file.target, file.object)) {
                count(entry.path(), file.replaces);
            } else {
                fail(entry.path(), READS_OTHER, false);
            }
        } catch (IOException e) {
            fail(entry.path(), e.getMessage(), false);
        }
    }

    private void count(byte[] path, boolean replaces) {
        files.increment();
        if (replaces) {
            overwritten.increment();
        }
        events.done(path);
    }

    /** Returns false when what was written reads back as something else. */
    private boolean restoreFile(
            Snapshot view,
            Exporter to,
            @Nullable ReadBack readBack,
            Entry entry,
            byte[] target,
            List<Exporter.Xattr> xattrs)
            throws IOException {
        ObjectRecord object = object(view, entry);
        StageTimes stages = repository.stages();
        long begun = stages.begin();
        try (Exporter.FileOutput out = to.createFile(target, info(entry), xattrs)) {
            var _ = stages.end(Stage.WRITE, begun);
            if (!restoreByParts(view, object, out)) {
                ObjectReader.forEachChunk(view.source(), object, chunk -> {
                    long write = stages.begin();
                    out.write(chunk);
                    written.add(chunk.byteSize());
                    var _ = stages.end(Stage.WRITE, write);
                });
            }
            begun = stages.begin();
            out.commit(xattrs);
            var _ = stages.end(Stage.WRITE, begun);
        }
        bytes.add(object.size());
        return readBack == null || isRight(readBack, entry, target, object);
    }

    private static ObjectRecord object(Snapshot view, Entry entry) {
        ObjectRecord object = ObjectReader.record(view.source(), entry.object());
        if (object.size() != entry.info().size()) {
            throw new CorruptDataException("its object has " + object.size() + " bytes, its entry says "
                    + entry.info().size());
        }
        return object;
    }

    /** Lets workers without an item help. Returns false for a file that is better written by one. */
    private boolean restoreByParts(Snapshot view, ObjectRecord object, Exporter.FileOutput out) throws IOException {
        if (options.workers() == 1 || object.size() < LargeFile.LEAST_BYTES) {
            return false;
        }
        try (Exporter.Part part = out.part(0)) {
            if (part == null) {
                return false;
            }
        }
        LargeFile file = new LargeFile(object, out, repository.stages(), written);
        large.add(file);
        try {
            boolean isMore = true;
            while (isMore && failure.get() == null) {
                isMore = file.help(view.source());
            }
        } finally {
            large.remove(file);
            file.await(() -> failure.get() != null);
        }
        return true;
    }

    private boolean helpWithLargeFiles(Snapshot view) {
        for (LargeFile file : large) {
            if (file.help(view.source())) {
                return true;
            }
        }
        return false;
    }

    private boolean isRight(ReadBack readBack, Entry entry, byte[] target, ObjectRecord object) {
        try {
            boolean isRight = readBack.isRight(target, object);
            if (isRight) {
                verified.increment();
            }
            return isRight;
        } catch (IOException e) {
            events.lost(
                    entry.path(), "not verified: " + e.getMessage()); // it may have no right to read, as in its source
            return true;
        }
    }

    /** What the target is to have: the owner that is wanted, and the device number. */
    private FileInfo info(Entry entry) {
        return info(entry.path(), entry.info());
    }

    private FileInfo info(byte[] path, FileInfo stored) {
        FileInfo info = options.owners().apply(stored);
        Long rdev = deviceNumbers.get(DeviceNumbers.key(path));
        return rdev == null ? info : info.withRdev(rdev);
    }

    private List<Exporter.Xattr> xattrs(Snapshot view, byte[] path, List<byte[]> names) {
        if (names.isEmpty()) {
            return List.of();
        }
        List<Exporter.Xattr> xattrs = new ArrayList<>();
        for (byte[] name : names) {
            try {
                byte[] value = view.xattrValue(path, name, MAX_XATTR_BYTES);
                if (value == null) {
                    events.lost(path, "attribute " + SnapshotPath.display(name) + ": its value was never stored");
                } else {
                    xattrs.add(new Exporter.Xattr(name, value));
                }
            } catch (CorruptDataException | UncheckedIOException e) {
                noteLost(e);
                events.lost(path, "attribute " + SnapshotPath.display(name) + ": " + reason(e));
            }
        }
        return xattrs;
    }

    // The walking thread again

    private void restoreLinks(Exporter to) {
        try (ReadBack readBack = newReadBack()) {
            for (LinkGroup group : links.values()) {
                byte[] first = group.first;
                for (LinkName name : group.others) {
                    try {
                        to.link(name.target, first);
                        count(name.path, name.replaces);
                    } catch (IOException e) {
                        // The first name is not there, or links are not to be had: then a copy is the best there is.
                        if (restoreCopy(readBack, name)) {
                            first = name.target;
                        }
                    }
                }
            }
        }
    }

    private boolean restoreCopy(@Nullable ReadBack readBack, LinkName name) {
        try {
            Entry entry = snapshot.find(name.path);
            if (entry != null) {
                return restore(snapshot, readBack, entry, name.target, name.replaces);
            }
            fail(name.path, "its entry is not in the tree of the snapshot", true);
        } catch (CorruptDataException | UncheckedIOException e) {
            lost(name.path, e, "");
        }
        return false;
    }

    private void finish(Folder folder) {
        boolean staysAsItIs = folder.wasThere && options.overwrite() == Overwrite.NEVER;
        if (exporter == null || staysAsItIs) {
            return;
        }
        byte[] path = folder.path();
        try {
            exporter.finishDirectory(
                    folder.target(), info(path, folder.info), xattrs(snapshot, path, folder.xattrNames));
            events.done(path);
        } catch (IOException e) {
            fail(path, e.getMessage(), false);
        }
    }

    // What the snapshot does not have

    /** What could not be read when the snapshot was made: it may be all that there is. */
    private final Set<ByteBuffer> unread = new HashSet<>();

    private void deleteOthers(ExistingFiles from, Entry start) {
        if (isDamaged.get() || isUnread.get()) {
            events.notice(
                    isDamaged.get()
                            ? "nothing was deleted: the snapshot is damaged, and may lack what it had"
                            : "nothing was deleted: not all of the snapshot could be read");
            return;
        }
        try {
            snapshot.forEachError(start.path(), error -> {
                unread.add(ByteBuffer.wrap(error.path()));
                return true;
            });
            FileInfo target = from.info(TARGET);
            if (target != null) {
                deleteOthers(from, start.path(), TARGET, target.dev(), options.includes() == null);
            }
        } catch (CorruptDataException | UncheckedIOException e) {
            lost(start.path(), e, "; not all that the snapshot lacks was deleted");
        } catch (IOException e) {
            fail(start.path(), e.getMessage(), false);
        }
    }

    /** Goes down the directories that both have. */
    private void deleteOthers(ExistingFiles from, byte[] directory, byte[] target, long dev, boolean isIncluded)
            throws IOException {
        List<byte[]> names = from.list(target);
        if (names.isEmpty()) {
            return;
        }
        Map<ByteBuffer, Boolean> wanted = new HashMap<>();
        snapshot.forEachChild(directory, (entry, mac) -> {
            wanted.put(ByteBuffer.wrap(entry.name()), entry.isDirectory());
            return true;
        });
        for (byte[] name : names) {
            stopIfInterrupted();
            byte[] path = SnapshotPath.child(directory, name);
            byte[] at = join(target, name);
            Boolean isFolder = wanted.get(ByteBuffer.wrap(name));
            try {
                FileInfo there = from.info(at);
                boolean isThereFolder = there != null && FileMode.isDirectory(there.mode());
                if (there == null || isExcluded(path, isThereFolder)) {
                    continue;
                }
                if (isFolder == null) {
                    delete(path, at, there, dev, isIncluded);
                } else if (isFolder && isThereFolder) {
                    deleteOthers(from, path, at, there.dev(), isIncluded(path, true, isIncluded));
                }
            } catch (IOException e) {
                fail(path, e.getMessage(), false);
            }
        }
    }

    /**
     * Removes an item of the target and all below it, but for what is to stay. Goes into no other file system.
     *
     * @param dev the file system of the directory that it lies in
     * @param inherited whether that directory is one of those that were asked for
     * @return whether nothing is left
     */
    private boolean delete(byte[] path, byte[] target, FileInfo there, long dev, boolean inherited) throws IOException {
        stopIfInterrupted();
        boolean isFolder = FileMode.isDirectory(there.mode());
        if (existing == null || isExcluded(path, isFolder) || isToStay(path, target)) {
            return false;
        }
        boolean isIncluded = isIncluded(path, isFolder, inherited);
        boolean isGone = isIncluded;
        if (isFolder) {
            if (there.dev() != dev) {
                fail(path, "not deleted: another file system is mounted there", false);
                return false;
            }
            for (byte[] name : existing.list(target)) {
                byte[] at = join(target, name);
                FileInfo below = existing.info(at);
                isGone &= below == null || delete(SnapshotPath.child(path, name), at, below, dev, isIncluded);
            }
        }
        if (!isGone) {
            return false;
        }
        if (exporter == null) {
            events.planned(path, RestoreEvents.Change.DELETE);
        } else {
            existing.delete(target, isFolder);
            events.deleted(path);
        }
        deleted++;
        return true;
    }

    private boolean isToStay(byte[] path, byte[] target) {
        for (byte[] preserved : options.preserved()) {
            if (preserved.length == 0 || SnapshotPath.isWithin(target, preserved)) {
                return true;
            }
        }
        for (byte[] at = path; !SnapshotPath.isRoot(at); at = SnapshotPath.parent(at)) {
            if (unread.contains(ByteBuffer.wrap(at))) {
                return true;
            }
        }
        return false;
    }

    private static void stopIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
    }

    /** Tells of an item that the store did not give: it is damaged, or cannot be read just now, a part of it at least. */
    private void lost(byte[] path, RuntimeException problem, String consequence) {
        noteLost(problem);
        fail(path, reason(problem) + consequence, problem instanceof CorruptDataException);
    }

    private static @Nullable String reason(RuntimeException problem) {
        Throwable told = problem instanceof UncheckedIOException ? problem.getCause() : problem;
        return told == null ? null : told.getMessage();
    }

    private void noteLost(RuntimeException problem) {
        if (problem instanceof CorruptDataException) {
            isDamaged.set(true);
        } else {
            isUnread.set(true);
        }
    }

    private void fail(byte[] path, @Nullable String reason, boolean damage) {
        failed.increment();
        if (damage) {
            isDamaged.set(true);
        }
        events.failed(path, reason == null ? "unknown error" : reason, damage);
    }

    private void join(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    failure.compareAndSet(null, new PipelineAbortedException());
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void rethrow() {
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }
}
