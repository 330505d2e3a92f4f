// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 */
public final class Restore {
    private static final int QUEUED_FILES = 1024;
    /** Attribute values are at most 64 KiB on Linux. */
    private static final int MAX_XATTR_BYTES = 16 << 20;

    private final Repository repository;
    private final Snapshot snapshot;
    private final Exporter exporter;
    private final RestoreEvents events;
    private final int workers;
    private final Map<String, Long> deviceNumbers;
    private final Map<LinkKey, List<byte[]>> links = new HashMap<>();
    private final List<Folder> folders = new ArrayList<>();
    private final ManyToManyConcurrentArrayQueue<Item> queue = new ManyToManyConcurrentArrayQueue<>(QUEUED_FILES);
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicBoolean walkEnded = new AtomicBoolean();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final LongAdder files = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final AtomicBoolean isDamaged = new AtomicBoolean();
    private long madeFolders;

    /** A file's identity in its source: entries that share it are one file with several names. */
    private record LinkKey(long dev, long ino) {}

    /** @param target where it goes, relative to the exporter's target */
    private record Item(
            Entry entry, byte[] target, @Nullable LinkKey links) {}

    private record Folder(Entry entry, byte[] target) {}

    private Restore(Repository repository, Snapshot snapshot, Exporter exporter, RestoreEvents events, int workers) {
        this.repository = repository;
        this.snapshot = snapshot;
        this.exporter = exporter;
        this.events = events;
        this.workers = workers;
        this.deviceNumbers =
                DeviceNumbers.fromContext(snapshot.header().source().context());
    }

    /**
     * Restores what lies at a path: the contents of a directory, or a single item under its name. Links in the path itself
     * are followed.
     *
     * @param path clean and absolute; see {@link Snapshot#resolve}
     * @param workers threads that read and write files, at least 1
     * @throws java.nio.file.NoSuchFileException when the path is not in the snapshot
     */
    public static RestoreResult run(
            Repository repository, Mac id, byte[] path, Exporter exporter, RestoreEvents events, int workers)
            throws IOException {
        try (BlobReader reader = repository.newReader()) {
            Snapshot snapshot = Snapshot.open(reader, id);
            Entry start = snapshot.lookUp(path);
            if (start == null) {
                throw new java.nio.file.NoSuchFileException(
                        SnapshotPath.display(path), null, "not in snapshot " + id.shortHex());
            }
            return new Restore(repository, snapshot, exporter, events, workers).run(start);
        }
    }

    private RestoreResult run(Entry start) throws IOException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            threads.add(Thread.ofPlatform().name("restore-" + i).daemon().start(this::work));
        }
        try {
            if (start.isDirectory()) {
                folders.add(new Folder(start, new byte[0]));
                walk(start.path(), new byte[0]);
            } else {
                submit(start, start.name());
            }
        } catch (RuntimeException e) {
            failure.compareAndSet(null, e);
        } finally {
            walkEnded.set(true);
            join(threads);
        }
        rethrow();
        restoreLinks();
        for (Folder folder : folders.reversed()) {
            finish(folder);
        }
        return new RestoreResult(files.sum(), madeFolders, bytes.sum(), failed.sum(), isDamaged.get());
    }

    private void walk(byte[] directory, byte[] target) {
        List<Folder> below = new ArrayList<>();
        try {
            snapshot.forEachChild(
                    directory,
                    (entry, mac) -> {
                        byte[] at = target.length == 0 ? entry.name() : join(target, entry.name());
                        if (entry.isDirectory()) {
                            below.add(new Folder(entry, at));
                        } else {
                            submit(entry, at);
                        }
                        return true;
                    },
                    this::damaged);
        } catch (CorruptDataException | UncheckedIOException e) {
            fail(directory, e.getMessage() + "; what lies below is not restored", true);
        }
        for (Folder folder : below) {
            try {
                exporter.makeDirectory(folder.target);
                madeFolders++;
                folders.add(folder);
                walk(folder.entry.path(), folder.target);
            } catch (IOException e) {
                fail(folder.entry.path(), e.getMessage() + "; what lies below is not restored", false);
            }
        }
    }

    /** A damaged listing loses nothing while the tree has the entries; a damaged entry loses its item. */
    private void damaged(byte[] path, CorruptDataException problem) {
        boolean isListing = folders.stream().anyMatch(folder -> Arrays.equals(folder.entry.path(), path));
        if (isListing) {
            isDamaged.set(true);
            events.lost(
                    path, "its listing is damaged (" + problem.getMessage() + "); its entries are taken from the tree");
        } else {
            fail(path, problem.getMessage(), true);
        }
    }

    private static byte[] join(byte[] directory, byte[] name) {
        byte[] path = Arrays.copyOf(directory, directory.length + 1 + name.length);
        path[directory.length] = '/';
        System.arraycopy(name, 0, path, directory.length + 1, name.length);
        return path;
    }

    private final IdleStrategy walkIdle = newIdleStrategy();

    private static IdleStrategy newIdleStrategy() {
        return new BackoffIdleStrategy(10, 1, 20_000, 500_000);
    }

    private void submit(Entry entry, byte[] target) {
        LinkKey key = null;
        if (entry.info().nlink() > 1 && entry.info().ino() != 0) {
            key = new LinkKey(entry.info().dev(), entry.info().ino());
            List<byte[]> known = links.get(key);
            if (known != null) {
                known.add(entry.path());
                known.add(target);
                return;
            }
            List<byte[]> names = new ArrayList<>();
            names.add(target);
            links.put(key, names);
        }
        Item item = new Item(entry, target, key);
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
        try (BlobReader reader = repository.newReader()) {
            Snapshot view = Snapshot.of(snapshot.header(), reader);
            while (failure.get() == null) {
                Item item = queue.poll();
                if (item != null) {
                    idle.reset();
                    restore(view, item.entry, item.target);
                    open.decrementAndGet();
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

    private boolean restore(Snapshot view, Entry entry, byte[] target) {
        try {
            List<Exporter.Xattr> xattrs = xattrs(view, entry);
            int mode = entry.info().mode();
            if (FileMode.isRegular(mode)) {
                restoreFile(view, entry, target, xattrs);
            } else if (FileMode.isSymlink(mode)) {
                exporter.symlink(target, entry.linkTarget(), entry.info(), xattrs);
            } else {
                exporter.special(target, withDeviceNumber(entry), xattrs);
            }
            files.increment();
            events.done(entry.path());
            return true;
        } catch (CorruptDataException e) {
            fail(entry.path(), e.getMessage(), true);
        } catch (UncheckedIOException e) { // the store's; what lies in other packfiles may well be readable
            fail(entry.path(), e.getMessage(), true);
        } catch (IOException e) {
            fail(entry.path(), e.getMessage(), false);
        }
        return false;
    }

    private void restoreFile(Snapshot view, Entry entry, byte[] target, List<Exporter.Xattr> xattrs)
            throws IOException {
        ObjectRecord object = ObjectReader.record(view.source(), entry.object());
        if (object.size() != entry.info().size()) {
            throw new CorruptDataException("its object has " + object.size() + " bytes, its entry says "
                    + entry.info().size());
        }
        try (Exporter.FileOutput out = exporter.createFile(target, entry.info())) {
            ObjectReader.forEachChunk(view.source(), object, out::write);
            out.commit(xattrs);
        }
        bytes.add(object.size());
    }

    private FileInfo withDeviceNumber(Entry entry) {
        FileInfo info = entry.info();
        Long rdev = deviceNumbers.get(DeviceNumbers.key(entry.path()));
        return rdev == null ? info : info.withRdev(rdev);
    }

    private List<Exporter.Xattr> xattrs(Snapshot view, Entry entry) {
        if (entry.xattrNames().isEmpty()) {
            return List.of();
        }
        List<Exporter.Xattr> xattrs = new ArrayList<>();
        for (byte[] name : entry.xattrNames()) {
            try {
                byte[] value = view.xattrValue(entry.path(), name, MAX_XATTR_BYTES);
                if (value == null) {
                    events.lost(
                            entry.path(), "attribute " + SnapshotPath.display(name) + ": its value was never stored");
                } else {
                    xattrs.add(new Exporter.Xattr(name, value));
                }
            } catch (CorruptDataException | UncheckedIOException e) {
                isDamaged.set(true);
                events.lost(entry.path(), "attribute " + SnapshotPath.display(name) + ": " + e.getMessage());
            }
        }
        return xattrs;
    }

    // The walking thread again

    private void restoreLinks() {
        for (List<byte[]> names : links.values()) {
            byte[] existing = names.getFirst();
            for (int i = 1; i < names.size(); i += 2) {
                byte[] path = names.get(i);
                byte[] target = names.get(i + 1);
                try {
                    exporter.link(target, existing);
                    files.increment();
                    events.done(path);
                } catch (IOException e) {
                    // The first name is not there, or links are not to be had: then a copy is the best there is.
                    if (restoreCopy(path, target)) {
                        existing = target;
                    }
                }
            }
        }
    }

    private boolean restoreCopy(byte[] path, byte[] target) {
        try {
            Entry entry = snapshot.find(path);
            if (entry != null) {
                return restore(snapshot, entry, target);
            }
            fail(path, "its entry is not in the tree of the snapshot", true);
        } catch (CorruptDataException | UncheckedIOException e) {
            fail(path, e.getMessage(), true);
        }
        return false;
    }

    private void finish(Folder folder) {
        try {
            exporter.finishDirectory(folder.target, folder.entry.info(), xattrs(snapshot, folder.entry));
            events.done(folder.entry.path());
        } catch (IOException e) {
            fail(folder.entry.path(), e.getMessage(), false);
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
