// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Checks one target: the trees of its snapshot, then everything from its path down, each directory both in the tree of
 * entries and in its listing, so that damage in one of them hides nothing that the other still knows. Run by one thread, which
 * hands the items to the workers.
 */
final class TargetCheck {
    /** Marks names of attributes in a set of MACs; any type would do. */
    private static final int NAME = ResourceType.XATTR_ENTRY;

    private static final byte[] DOT = {'.'};
    private static final byte[] DOT_DOT = {'.', '.'};

    private final Target target;
    private final Mac id;
    private final BlobChecker own;
    private final WorkQueue<BlobChecker> queue;
    private final CheckEvents events;
    private final BlobSource source;
    private final TreeReader vfs;
    private final @Nullable TreeReader dirpacks;
    private final @Nullable TreeReader summaries;
    private final LongAdder errors = new LongAdder();
    private final Deque<Folder> folders = new ArrayDeque<>();

    /** What is wrong with the attributes of a path; the path as ISO-8859-1 text so that it can be a key. */
    private final Map<String, String> damagedAttributes = new ConcurrentHashMap<>();

    private final LongAdder lostAttributes = new LongAdder();
    /** What is wrong with the snapshot as a whole, told of the target's path. */
    private final Reasons ofTarget = new Reasons();

    private boolean knowsAttributes = true;

    /**
     * A directory still to be entered.
     *
     * @param entry null when it cannot be read; then the path may not even be a directory
     * @param problem what was found wrong with it so far
     */
    private record Folder(
            byte[] path,
            @Nullable Entry entry,
            Mac mac,
            @Nullable String problem) {}

    TargetCheck(Target target, BlobChecker own, WorkQueue<BlobChecker> queue, CheckEvents events) {
        this.target = target;
        this.id = target.header().identifier();
        this.own = own;
        this.queue = queue;
        this.events = events;
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

    /** Returns the number of items that are not well. */
    long run() {
        try (MacSet attributes = new MacSet()) {
            checkTrees();
            checkAttributes(attributes);
            if (findStart(attributes)) {
                while (!folders.isEmpty()) {
                    queue.stopIfAsked();
                    directory(folders.pop(), attributes);
                }
            }
            queue.await();
        }
        damagedAttributes.forEach((path, reason) -> fail(path.getBytes(StandardCharsets.ISO_8859_1), reason));
        if (lostAttributes.sum() > 0) {
            events.notice("snapshot " + id.shortHex() + ": the values of " + lostAttributes.sum()
                    + " attributes that its entries name were never stored");
        }
        return errors.sum();
    }

    /** Whether something was told that is no error. */
    boolean hasNotices() {
        return lostAttributes.sum() > 0;
    }

    // What belongs to the snapshot as a whole

    private void checkTrees() {
        SnapshotHeader.Source what = target.header().source();
        for (SnapshotHeader.Index index : what.indexes()) {
            TreeReader tree = new TreeReader(TreeKind.INDEX, source, index.root());
            guarded("the " + index.name() + " index of the snapshot", () -> tree.forEachNode((mac, node) -> {}));
        }
        Reasons damagedErrors = new Reasons();
        TreeReader recorded = new TreeReader(TreeKind.ERRORS, source, what.errors());
        guarded(
                "the tree of errors",
                () -> recorded.forEachNode((mac, node) -> {
                    for (int i = 0; i < node.values().size(); i++) {
                        String problem =
                                own.blob(ResourceType.ERROR_ENTRY, node.values().get(i));
                        if (problem != null) {
                            damagedErrors.add("the recorded error of "
                                    + SnapshotPath.display(node.keys().get(i)) + ": " + problem);
                        }
                    }
                }));
        ofTarget.addIfAny(damagedErrors.text());
    }

    /** Does something that reads trees; what is wrong with them is wrong with the target. */
    private boolean guarded(String what, Runnable work) {
        try {
            work.run();
            return true;
        } catch (CorruptDataException | UncheckedIOException e) {
            queue.stopIfAsked();
            ofTarget.add(what + ": " + BlobChecker.reason(e));
            return false;
        }
    }

    /** Plakar's trees of attributes are not in the order in which they can be searched, so all are gone through. */
    private void checkAttributes(MacSet attributes) {
        TreeReader tree =
                new TreeReader(TreeKind.XATTRS, source, target.header().source().xattrs());
        boolean isWhole = guarded(
                "the tree of attributes",
                () -> tree.scanUnordered((key, mac) -> {
                    attribute(key, mac, attributes);
                    return true;
                }));
        knowsAttributes &= isWhole;
        queue.await();
    }

    private void attribute(byte[] key, Mac mac, MacSet attributes) {
        XattrItem item;
        try {
            item = XattrItem.decode(new MsgpackReader(source.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
        } catch (CorruptDataException | UncheckedIOException e) {
            queue.stopIfAsked();
            knowsAttributes = false;
            ofTarget.add("attribute " + SnapshotPath.display(key) + ": " + BlobChecker.reason(e));
            return;
        }
        attributes.add(NAME, own.mac(attributeName(item.path(), item.name())));
        if (SnapshotPath.isWithin(item.path(), target.path())) {
            queue.submit(tools -> {
                BlobChecker.Content content = tools.content(item.object());
                String problem = content.problem();
                if (problem == null && content.size() != item.size()) {
                    problem = "its object has " + content.size() + " bytes, its record says " + item.size();
                }
                if (problem != null) {
                    damagedAttributes.merge(
                            textOf(item.path()),
                            "attribute " + SnapshotPath.display(item.name()) + ": " + problem,
                            (a, b) -> a + "; " + b);
                }
                tools.account();
            });
        }
    }

    private static MemorySegment attributeName(byte[] path, byte[] name) {
        byte[] joined = Arrays.copyOf(path, path.length + 1 + name.length);
        System.arraycopy(name, 0, joined, path.length + 1, name.length);
        return MemorySegment.ofArray(joined);
    }

    private static String textOf(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    // From the target's path down

    private boolean findStart(MacSet attributes) {
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
            ofTarget.add("the tree of entries: " + BlobChecker.reason(e));
            folders.push(new Folder(path, null, Mac.ZERO, ofTarget.text()));
            return true;
        }
        if (mac == null) {
            ofTarget.add("no such path in this snapshot");
            tell(path, ofTarget.text());
            return false;
        }
        List<Folder> below = new ArrayList<>();
        child(path, mac, null, ofTarget.text(), below, attributes);
        below.forEach(folders::push);
        return true;
    }

    /** Goes through a directory's children in the tree of entries and in its listing at once: both are sorted by name. */
    private void directory(Folder folder, MacSet attributes) {
        byte[] path = folder.path;
        Reasons reasons = new Reasons();
        reasons.addIfAny(folder.problem);
        if (folder.entry != null) {
            reasons.addIfAny(own.entry(folder.entry, folder.mac));
            reasons.addIfAny(summary(path));
            reasons.addIfAny(attributes(folder.entry, own, attributes));
        }
        List<Folder> below = new ArrayList<>();
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
                    listed(listing, SnapshotPath.name(at), true, below, attributes);
                    both(listing, at, mac, below, attributes);
                    return true;
                });
            } catch (CorruptDataException | UncheckedIOException e) {
                queue.stopIfAsked();
                reasons.add("the tree of entries: " + BlobChecker.reason(e));
                isTreeWhole = false;
            }
            listed(listing, null, isTreeWhole, below, attributes);
        }
        below.reversed().forEach(folders::push);
        tell(path, reasons.text());
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
            return "its summary: " + BlobChecker.reason(e);
        }
    }

    /** A child that the tree of entries names, and perhaps the listing too. */
    private void both(Listing listing, byte[] path, Mac mac, List<Folder> below, MacSet attributes) {
        Dirpack.Frame frame = listing.peek();
        if (frame == null || !Arrays.equals(frame.entry().name(), SnapshotPath.name(path))) {
            child(path, mac, null, listing.isWhole() ? "not in the listing of its directory" : null, below, attributes);
            return;
        }
        String problem = null;
        if (!frame.mac().equals(mac)) {
            problem = "the listing of its directory names entry " + frame.mac().shortHex() + ", the tree of entries "
                    + mac.shortHex();
        } else if (!own.mac(frame.bytes()).equals(mac)) {
            problem = "its record in the listing of its directory is not the entry that it is named by";
        }
        child(path, mac, problem == null ? frame.entry() : null, problem, below, attributes);
        listing.advance();
    }

    /** Children that only the listing names, up to the one of this name, or to the end. */
    private void listed(
            Listing listing, byte @Nullable [] upTo, boolean isTreeWhole, List<Folder> below, MacSet attributes) {
        for (Dirpack.Frame frame = listing.peek(); frame != null; frame = listing.peek()) {
            if (upTo != null && Arrays.compareUnsigned(frame.entry().name(), upTo) >= 0) {
                return;
            }
            String problem = isTreeWhole ? "in the listing of its directory, but not in the tree of entries" : null;
            if (!own.mac(frame.bytes()).equals(frame.mac())) {
                problem = "its record in the listing of its directory is not the entry that it is named by";
            }
            child(frame.entry().path(), frame.mac(), frame.entry(), problem, below, attributes);
            listing.advance();
        }
    }

    /** @param known the entry where it has been read already */
    private void child(
            byte[] path,
            Mac mac,
            @Nullable Entry known,
            @Nullable String problem,
            List<Folder> below,
            MacSet attributes) {
        Reasons reasons = new Reasons();
        reasons.addIfAny(problem);
        Entry entry = known;
        if (entry == null) {
            try {
                entry = Entry.decode(new MsgpackReader(source.read(ResourceType.VFS_ENTRY, mac), "entry"));
            } catch (CorruptDataException | UncheckedIOException e) {
                queue.stopIfAsked();
                reasons.add("its entry: " + BlobChecker.reason(e));
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
        } else if (found == null && entry.xattrNames().isEmpty() && own.isKnownGood(mac)) {
            tell(path, null);
        } else {
            Entry item = entry;
            queue.submit(tools -> {
                Reasons all = new Reasons();
                all.addIfAny(found);
                all.addIfAny(tools.entry(item, mac));
                all.addIfAny(attributes(item, tools, attributes));
                tools.account();
                tell(path, all.text());
            });
        }
    }

    /** What is wrong with an item's attributes. Names without a record are counted: Plakar loses some. */
    private @Nullable String attributes(Entry entry, BlobChecker tools, MacSet attributes) {
        if (entry.xattrNames().isEmpty()) {
            return null;
        }
        byte[] path = entry.path();
        for (byte[] name : entry.xattrNames()) {
            if (knowsAttributes && !attributes.contains(NAME, tools.mac(attributeName(path, name)))) {
                lostAttributes.increment();
            }
        }
        return damagedAttributes.remove(textOf(path));
    }

    private void tell(byte[] path, @Nullable String problem) {
        if (problem == null) {
            events.done(id, path);
        } else {
            fail(path, problem);
        }
    }

    private void fail(byte[] path, String reason) {
        errors.increment();
        events.failed(id, path, reason);
    }

    /** The listing of a directory, as far as it can be read; empty in snapshots of Plakar 1.0, which have none. */
    private final class Listing implements AutoCloseable {
        private final byte[] directory;
        private final Reasons reasons;
        private Dirpack.@Nullable Frames frames;
        private Dirpack.@Nullable Frame current;
        private byte[] last = {};
        private boolean isWhole;
        private boolean isTold;

        Listing(Folder folder, Reasons reasons) {
            this.directory = folder.path;
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
                } else if (folder.entry != null) {
                    reasons.add("it has no listing");
                }
            } catch (CorruptDataException | UncheckedIOException e) {
                broken(e);
            }
            advance();
        }

        /** The child that comes next, or null. */
        Dirpack.@Nullable Frame peek() {
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
                byte[] name = next.entry().name();
                boolean isName = name.length > 0
                        && SnapshotPath.slashes(name) == 0
                        && !Arrays.equals(name, DOT)
                        && !Arrays.equals(name, DOT_DOT);
                if (!isName
                        || !Arrays.equals(next.entry().parentPath(), directory)
                        || Arrays.compareUnsigned(last, name) >= 0) {
                    throw new CorruptDataException("an entry that does not belong here, "
                            + SnapshotPath.display(next.entry().path()));
                }
                last = name;
                current = next;
            } catch (CorruptDataException | UncheckedIOException e) {
                broken(e);
            }
        }

        private void broken(RuntimeException e) {
            queue.stopIfAsked();
            isWhole = false;
            tellOnce(BlobChecker.reason(e));
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
