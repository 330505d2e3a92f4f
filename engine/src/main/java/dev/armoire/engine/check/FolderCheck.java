// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.check.TargetCheck.Folder;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks directories of one target with one worker's tools, each both in the tree of entries and in its listing, so that
 * damage in one of them hides nothing that the other still knows. Every directory below is a task of its own. Items are
 * checked at once, but of a large directory in batches that others may take, too.
 */
final class FolderCheck {
    /** Enough that handing over costs nothing beside the work, few enough that a queue full of them is no memory. */
    private static final int BATCH_ITEMS = 32;

    private static final long BATCH_BYTES = 256 << 10;

    private final TargetCheck check;
    private final Target target;
    private final BlobChecker own;
    private final WorkQueue<BlobChecker> queue;
    private final BlobSource source;
    private final TreeReader vfs;
    private final @Nullable TreeReader dirpacks;
    private final @Nullable TreeReader summaries;

    /** An item below a directory, and what was found wrong with it so far. */
    private record Item(
            Entry entry, byte[] path, Mac mac, @Nullable String problem) {}

    /** A frame of a listing; its bytes are there until the next one is asked for. */
    private record Listed(MemorySegment bytes, Mac mac, Entry entry) {}

    /** What the directory that is gone through now has shown. */
    private List<Folder> below = new ArrayList<>();

    private List<Item> items = new ArrayList<>();
    private long itemBytes;

    FolderCheck(TargetCheck check, Target target, BlobChecker own, WorkQueue<BlobChecker> queue) {
        this.check = check;
        this.target = target;
        this.own = own;
        this.queue = queue;
        this.source = own.reader();
        SnapshotHeader.Source what = target.header().source();
        this.vfs = new TreeReader(TreeKind.VFS, source, what.vfs());
        this.dirpacks = index(SnapshotHeader.DIRPACK_INDEX);
        this.summaries = index(SnapshotHeader.SUMMARY_INDEX);
    }

    private @Nullable TreeReader index(String name) {
        return target.header()
                .source()
                .index(name)
                .map(root -> new TreeReader(TreeKind.INDEX, source, root))
                .orElse(null);
    }

    /** Finds the target's path, and goes on from there. */
    void start() {
        byte[] path = target.path();
        Mac mac;
        try {
            mac = vfs.find(path);
            if (mac == null) {
                Entry led = Snapshot.of(target.header(), source).follow(path);
                if (led != null) {
                    path = led.path();
                    mac = vfs.find(path);
                }
            }
        } catch (CorruptDataException | UncheckedIOException e) {
            queue.stopIfAsked();
            // Listings are found without this tree.
            check.ofTarget("the tree of entries: " + own.reason(e));
            below.add(new Folder(path, null, Mac.ZERO, check.ofTarget()));
            handOn();
            return;
        }
        if (mac == null) {
            check.ofTarget("no such path in this snapshot");
            check.tell(path, check.ofTarget());
            return;
        }
        child(path, mac, null, check.ofTarget());
        handOn();
    }

    /** Ends a directory: the last of its items are checked, and those that it holds become tasks, the first of them next. */
    private void handOn() {
        checkAll(takeItems(), own);
        List<Folder> folders = below;
        below = new ArrayList<>();
        for (Folder folder : folders.reversed()) {
            queue.fork(tools -> check.folderCheck(tools).directory(folder));
        }
        own.account();
    }

    /** Goes through a directory's children in the tree of entries and in its listing at once: both are sorted by name. */
    private void directory(Folder folder) {
        byte[] path = folder.path();
        Reasons reasons = new Reasons();
        reasons.addIfAny(folder.problem());
        if (folder.entry() != null) {
            reasons.addIfAny(own.entry(folder.entry(), folder.mac()));
            reasons.addIfAny(summary(path));
            reasons.addIfAny(check.attributes(folder.entry(), own));
        }
        try (Listing listing = new Listing(folder, reasons)) {
            byte[] prefix = SnapshotPath.isRoot(path) ? path : Arrays.copyOf(path, path.length + 1);
            prefix[prefix.length - 1] = '/';
            boolean isTreeWhole = true;
            try {
                vfs.scan(prefix, (at, mac) -> {
                    if (SnapshotPath.isRoot(at)) {
                        return true;
                    }
                    if (!Arrays.equals(SnapshotPath.parent(at), path)) {
                        return false;
                    }
                    listed(listing, SnapshotPath.name(at), true);
                    both(listing, at, mac);
                    return true;
                });
            } catch (CorruptDataException | UncheckedIOException e) {
                queue.stopIfAsked();
                reasons.add("the tree of entries: " + own.reason(e));
                isTreeWhole = false;
            }
            listed(listing, null, isTreeWhole);
        }
        check.tell(path, reasons.text());
        handOn();
    }

    private @Nullable String summary(byte[] directory) {
        if (summaries == null) {
            return null;
        }
        try {
            Mac mac = summaries.find(directory);
            String problem = mac == null ? "there is none" : own.blob(ResourceType.VFS_SUMMARY, mac);
            return problem == null ? null : "its summary: " + problem;
        } catch (CorruptDataException | UncheckedIOException e) {
            return "its summary: " + own.reason(e);
        }
    }

    /** A child that the tree of entries names, and perhaps the listing too. */
    private void both(Listing listing, byte[] path, Mac mac) {
        Listed frame = listing.peek();
        if (frame == null || !Arrays.equals(frame.entry.name(), SnapshotPath.name(path))) {
            child(path, mac, null, listing.isWhole() ? "not in the listing of its directory" : null);
            return;
        }
        String problem = null;
        if (!frame.mac.equals(mac)) {
            problem = "the listing of its directory names entry " + frame.mac.shortHex() + ", the tree of entries "
                    + mac.shortHex();
        } else if (!own.mac(frame.bytes).equals(mac)) {
            problem = "its record in the listing of its directory is not the entry that it is named by";
        }
        child(path, mac, problem == null ? frame.entry : null, problem);
        listing.advance();
    }

    /** Children that only the listing names, up to the one of this name, or to the end. */
    private void listed(Listing listing, byte @Nullable [] upTo, boolean isTreeWhole) {
        for (Listed frame = listing.peek(); frame != null; frame = listing.peek()) {
            if (upTo != null && Arrays.compareUnsigned(frame.entry.name(), upTo) >= 0) {
                return;
            }
            String problem = isTreeWhole ? "in the listing of its directory, but not in the tree of entries" : null;
            if (!own.mac(frame.bytes).equals(frame.mac)) {
                problem = "its record in the listing of its directory is not the entry that it is named by";
            }
            child(frame.entry.path(), frame.mac, frame.entry, problem);
            listing.advance();
        }
    }

    /** @param known the entry where it has been read already */
    private void child(byte[] path, Mac mac, @Nullable Entry known, @Nullable String problem) {
        Reasons reasons = new Reasons();
        reasons.addIfAny(problem);
        Entry entry = known;
        if (entry == null) {
            try {
                entry = Entry.decode(new MsgpackReader(source.read(ResourceType.VFS_ENTRY, mac), "entry"));
            } catch (CorruptDataException | UncheckedIOException e) {
                queue.stopIfAsked();
                reasons.add("its entry: " + own.reason(e));
                below.add(new Folder(path, null, mac, reasons.text()));
                return;
            }
        }
        if (!Arrays.equals(entry.path(), path)) {
            reasons.add("its entry names another path, " + SnapshotPath.display(entry.path()));
        }
        String found = reasons.text();
        if (entry.isDirectory()) {
            below.add(new Folder(path, entry, mac, found));
        } else {
            items.add(new Item(entry, path, mac, found));
            itemBytes += entry.info().size();
            if (items.size() == BATCH_ITEMS || itemBytes >= BATCH_BYTES) {
                List<Item> batch = takeItems();
                if (!queue.offer(tools -> {
                    checkAll(batch, tools);
                    tools.account();
                })) {
                    checkAll(batch, own);
                }
            }
        }
    }

    private List<Item> takeItems() {
        List<Item> taken = items;
        items = new ArrayList<>();
        itemBytes = 0;
        return taken;
    }

    private void checkAll(List<Item> batch, BlobChecker tools) {
        for (Item item : batch) {
            Reasons reasons = new Reasons();
            reasons.addIfAny(item.problem);
            reasons.addIfAny(tools.entry(item.entry, item.mac));
            reasons.addIfAny(check.attributes(item.entry, tools));
            check.tell(item.path, reasons.text());
        }
    }

    /** The listing of a directory, as far as it can be read; empty in snapshots of Plakar 1.0, which have none. */
    private final class Listing implements AutoCloseable {
        private final byte[] directory;
        private final Reasons reasons;
        private Dirpack.@Nullable Frames frames;
        private @Nullable Listed current;
        private byte[] last = {};
        private boolean isWhole;
        private boolean isTold;

        Listing(Folder folder, Reasons reasons) {
            this.directory = folder.path();
            this.reasons = reasons;
            if (dirpacks == null) {
                return;
            }
            try {
                Mac object = dirpacks.find(directory);
                if (object != null) {
                    isWhole = true;
                    tellOnce(own.content(object).problem());
                    frames = Dirpack.read(source, object);
                } else if (folder.entry() != null) {
                    reasons.add("it has no listing");
                }
            } catch (CorruptDataException | UncheckedIOException e) {
                broken(e);
            }
            advance();
        }

        /** The child that comes next, or null. */
        @Nullable
        Listed peek() {
            return current;
        }

        /** Whether all was read so far, so that what is not here is not in the listing. */
        boolean isWhole() {
            return isWhole;
        }

        void advance() {
            current = null;
            if (frames == null || !isWhole) {
                return;
            }
            try {
                if (!frames.hasNext()) {
                    return;
                }
                Dirpack.Frame next = frames.next();
                Entry entry = next.entry();
                byte[] name = entry.name();
                if (!Snapshot.isName(name)
                        || !Arrays.equals(entry.parentPath(), directory)
                        || Arrays.compareUnsigned(last, name) >= 0) {
                    throw new CorruptDataException(
                            "an entry that does not belong here, " + SnapshotPath.display(entry.path()));
                }
                last = name;
                current = new Listed(next.bytes(), next.mac(), entry);
            } catch (CorruptDataException | UncheckedIOException e) {
                broken(e);
            }
        }

        private void broken(RuntimeException e) {
            queue.stopIfAsked();
            isWhole = false;
            tellOnce(own.reason(e));
        }

        private void tellOnce(@Nullable String problem) {
            if (problem != null && !isTold) {
                reasons.add("its listing: " + problem);
                isTold = true;
            }
        }

        @Override
        public void close() {
            if (frames != null) {
                frames.close();
            }
        }
    }
}
