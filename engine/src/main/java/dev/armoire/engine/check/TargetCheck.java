// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Checks one target: the trees of its snapshot, then everything from its path down, directory by directory ({@link
 * FolderCheck}). Run by one thread, which hands everything to the workers.
 */
final class TargetCheck {
    /** Marks names of attributes in a set of MACs; any type would do. */
    private static final int NAME = ResourceType.XATTR_ENTRY;

    private final Target target;
    private final Mac id;
    private final BlobChecker own;
    private final WorkQueue<BlobChecker> queue;
    private final CheckEvents events;
    private final BlobSource source;
    private final LongAdder errors = new LongAdder();
    /** Names of the attributes that have a record; complete before the first folder is entered. */
    private final MacSet attributes = new MacSet();

    private final Map<BlobChecker, FolderCheck> folderChecks = new ConcurrentHashMap<>();

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
    record Folder(
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
    }

    /** Returns the number of items that are not well. */
    long run() {
        try (attributes) {
            checkTrees();
            checkAttributes();
            queue.await();
            queue.submit(tools -> folderCheck(tools).start());
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

    /** The trees by which nothing is looked up below. */
    private void checkTrees() {
        SnapshotHeader.Source what = target.header().source();
        for (SnapshotHeader.Index index : what.indexes()) {
            queue.submit(tools -> {
                TreeReader tree = new TreeReader(TreeKind.INDEX, tools.reader(), index.root());
                guarded(
                        tools,
                        "the " + index.name() + " index of the snapshot",
                        () -> tree.forEachNode((mac, node) -> {}));
                tools.account();
            });
        }
        queue.submit(tools -> {
            checkErrors(tools, what);
            tools.account();
        });
    }

    private void checkErrors(BlobChecker tools, SnapshotHeader.Source what) {
        Reasons damagedErrors = new Reasons();
        TreeReader recorded = new TreeReader(TreeKind.ERRORS, tools.reader(), what.errors());
        guarded(
                tools,
                "the tree of errors",
                () -> recorded.forEachNode((mac, node) -> {
                    for (int i = 0; i < node.values().size(); i++) {
                        String problem = tools.blob(
                                ResourceType.ERROR_ENTRY, node.values().get(i));
                        if (problem != null) {
                            damagedErrors.add("the recorded error of "
                                    + SnapshotPath.display(node.keys().get(i)) + ": " + problem);
                        }
                    }
                }));
        String problem = damagedErrors.text();
        if (problem != null) {
            ofTarget(problem);
        }
    }

    /** Does something that reads trees; what is wrong with them is wrong with the target. */
    private boolean guarded(BlobChecker tools, String what, Runnable work) {
        try {
            work.run();
            return true;
        } catch (CorruptDataException | UncheckedIOException e) {
            queue.stopIfAsked();
            ofTarget(what + ": " + tools.reason(e));
            return false;
        }
    }

    /** Something is wrong with the target as a whole. */
    void ofTarget(String reason) {
        synchronized (ofTarget) {
            ofTarget.add(reason);
        }
    }

    /** What was found wrong so far with the target as a whole. */
    @Nullable
    String ofTarget() {
        synchronized (ofTarget) {
            return ofTarget.text();
        }
    }

    /** Plakar's trees of attributes are not in the order in which they can be searched, so all are gone through. */
    private void checkAttributes() {
        TreeReader tree =
                new TreeReader(TreeKind.XATTRS, source, target.header().source().xattrs());
        boolean isWhole = guarded(
                own,
                "the tree of attributes",
                () -> tree.scanUnordered((key, mac) -> {
                    attribute(key, mac);
                    return true;
                }));
        knowsAttributes &= isWhole;
    }

    private void attribute(byte[] key, Mac mac) {
        XattrItem item;
        try {
            item = XattrItem.decode(new MsgpackReader(source.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
        } catch (CorruptDataException | UncheckedIOException e) {
            queue.stopIfAsked();
            knowsAttributes = false;
            ofTarget("attribute " + SnapshotPath.display(key) + ": " + own.reason(e));
            return;
        }
        attributes.add(NAME, own.mac(attributeName(item.path(), item.name())));
        if (SnapshotPath.isWithin(item.path(), target.path())) {
            queue.submit(tools -> {
                String problem = tools.content(item.object(), item.size(), "record");
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

    /** The one that belongs to a worker's tools. */
    FolderCheck folderCheck(BlobChecker tools) {
        return folderChecks.computeIfAbsent(tools, key -> new FolderCheck(this, target, key, queue));
    }

    /** What is wrong with an item's attributes. Names without a record are counted: Plakar loses some. */
    @Nullable
    String attributes(Entry entry, BlobChecker tools) {
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

    void tell(byte[] path, @Nullable String problem) {
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
}
