// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ErrorItem;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot as a file system, read lazily: a question reads the nodes and entries on its way and nothing else. For one
 * thread; reads through a source that its owner closes.
 */
public final class Snapshot {
    private static final int MAX_LINKS = 40;

    private final SnapshotHeader header;
    private final BlobSource source;
    private final TreeReader vfs;
    private final TreeReader errors;
    private final TreeReader xattrs;
    private final @Nullable TreeReader dirpacks;
    private final @Nullable TreeReader summaries;
    private @Nullable Map<String, XattrItem> xattrsByKey;

    private Snapshot(SnapshotHeader header, BlobSource source) {
        this.header = header;
        this.source = source;
        SnapshotHeader.Source what = header.source();
        this.vfs = new TreeReader(TreeKind.VFS, source, what.vfs());
        this.errors = new TreeReader(TreeKind.ERRORS, source, what.errors());
        this.xattrs = new TreeReader(TreeKind.XATTRS, source, what.xattrs());
        this.dirpacks = index(SnapshotHeader.DIRPACK_INDEX);
        this.summaries = index(SnapshotHeader.SUMMARY_INDEX);
    }

    private @Nullable TreeReader index(String name) {
        return header.source()
                .index(name)
                .map(root -> new TreeReader(TreeKind.INDEX, source, root))
                .orElse(null);
    }

    /** The header of a snapshot. */
    public static SnapshotHeader header(BlobSource source, Mac id) {
        SnapshotHeader header = SnapshotHeader.decode(
                new MsgpackReader(source.read(ResourceType.SNAPSHOT, id), "snapshot " + id.shortHex()));
        if (!header.identifier().equals(id)) {
            throw new CorruptDataException("snapshot " + id.shortHex() + ": its header names another snapshot, "
                    + header.identifier().shortHex());
        }
        if (header.sources().isEmpty()) {
            throw new CorruptDataException("snapshot " + id.shortHex() + ": its header names no source");
        }
        return header;
    }

    /**
     * The headers of all snapshots of a store, newest first.
     *
     * @param damaged told of each snapshot whose header cannot be read, and why
     */
    public static List<SnapshotHeader> headers(Repository repository, BiConsumer<Mac, String> damaged) {
        HeaderCache cache = new HeaderCache(repository);
        List<SnapshotHeader> headers = new ArrayList<>();
        List<Mac> unknown = new ArrayList<>();
        for (Mac id : repository.snapshots()) {
            SnapshotHeader its = cache.headers().get(id);
            if (its != null) {
                headers.add(its);
            } else {
                unknown.add(id);
            }
        }
        if (!unknown.isEmpty()) {
            List<SnapshotHeader> read = read(repository, unknown, damaged);
            headers.addAll(read);
            cache.write(headers, read);
        }
        headers.sort(Comparator.comparing(SnapshotHeader::timestamp)
                .thenComparing(SnapshotHeader::identifier)
                .reversed());
        return headers;
    }

    private static List<SnapshotHeader> read(
            Repository repository, List<Mac> snapshots, BiConsumer<Mac, String> damaged) {
        List<SnapshotHeader> headers = new ArrayList<>();
        try (BlobReader reader = repository.newReader()) {
            repository.refreshPackfiles();
            for (Mac id : snapshots) {
                try {
                    headers.add(header(reader, id));
                } catch (CorruptDataException e) {
                    damaged.accept(id, "snapshot " + id.shortHex() + " cannot be read: " + e.getMessage());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return headers;
    }

    public static Snapshot open(BlobSource source, Mac id) {
        return new Snapshot(header(source, id), source);
    }

    public static Snapshot of(SnapshotHeader header, BlobSource source) {
        return new Snapshot(header, source);
    }

    public SnapshotHeader header() {
        return header;
    }

    /** What this snapshot reads through. */
    public BlobSource source() {
        return source;
    }

    /** The directory that was backed up. */
    public byte[] root() {
        byte[] directory = header.source().directory();
        return directory.length == 0 ? SnapshotPath.ROOT : SnapshotPath.clean(directory);
    }

    /** An absolute path as a user means it: one without a leading slash is below the root. */
    public byte[] resolve(byte[] path) {
        if (path.length > 0 && path[0] == '/') {
            return SnapshotPath.clean(path);
        }
        byte[] root = root();
        byte[] joined = Arrays.copyOf(root, root.length + 1 + path.length);
        joined[root.length] = '/';
        System.arraycopy(path, 0, joined, root.length + 1, path.length);
        return SnapshotPath.clean(joined);
    }

    /** The entry at a clean absolute path, links not followed, or null. */
    public @Nullable Entry find(byte[] path) {
        Mac mac = vfs.find(path);
        return mac == null ? null : entry(path, mac);
    }

    private Entry entry(byte[] path, Mac mac) {
        Entry entry = Entry.decode(
                new MsgpackReader(source.read(ResourceType.VFS_ENTRY, mac), "entry of " + SnapshotPath.display(path)));
        if (!Arrays.equals(entry.path(), path)) {
            throw new CorruptDataException("the entry of " + SnapshotPath.display(path) + " names another path, "
                    + SnapshotPath.display(entry.path()));
        }
        return entry;
    }

    /** The entry that a path leads to, symbolic links followed in the middle and at the end, or null. */
    public @Nullable Entry follow(byte[] path) {
        byte[] wanted = SnapshotPath.clean(path);
        for (int links = 0; links < MAX_LINKS; links++) {
            Entry direct = find(wanted);
            if (direct != null && !FileMode.isSymlink(direct.info().mode())) {
                return direct;
            }
            byte[] next = direct != null ? target(direct) : throughFirstLink(wanted);
            if (next == null) {
                return null;
            }
            wanted = next;
        }
        return null;
    }

    /** Like {@link #follow}; a link that leads nowhere is what it is itself. */
    public @Nullable Entry lookUp(byte[] path) {
        Entry entry = follow(path);
        return entry == null ? find(path) : entry;
    }

    /** The path with the first component that is a link replaced by where it points, or null. */
    private byte @Nullable [] throughFirstLink(byte[] path) {
        byte[] at = SnapshotPath.ROOT;
        for (byte[] name : SnapshotPath.components(path)) {
            at = SnapshotPath.child(at, name);
            Entry entry = find(at);
            if (entry == null) {
                return null;
            }
            if (FileMode.isSymlink(entry.info().mode())) {
                byte[] rest = SnapshotPath.relative(path, at);
                byte[] base = target(entry);
                byte[] joined = Arrays.copyOf(base, base.length + 1 + rest.length);
                joined[base.length] = '/';
                System.arraycopy(rest, 0, joined, base.length + 1, rest.length);
                return SnapshotPath.clean(joined);
            }
        }
        return null;
    }

    private static byte[] target(Entry link) {
        byte[] target = link.linkTarget();
        if (target.length > 0 && target[0] == '/') {
            return SnapshotPath.clean(target);
        }
        byte[] parent = link.parentPath();
        byte[] joined = Arrays.copyOf(parent, parent.length + 1 + target.length);
        joined[parent.length] = '/';
        System.arraycopy(target, 0, joined, parent.length + 1, target.length);
        return SnapshotPath.clean(joined);
    }

    /** Receives the entries of a directory in the order of their names; returns false to stop. */
    @FunctionalInterface
    public interface EntryVisitor {
        boolean entry(Entry entry, Mac mac);
    }

    /** Visits the direct children of a directory. */
    public void forEachChild(byte[] directory, EntryVisitor visitor) {
        if (dirpacks == null) {
            // Snapshots of Plakar 1.0 have no listings.
            forEachChildInVfs(directory, (path, mac) -> visitor.entry(entry(path, mac), mac));
            return;
        }
        Mac listing = dirpacks.find(directory);
        if (listing == null) {
            throw new CorruptDataException("directory " + SnapshotPath.display(directory) + " has no listing");
        }
        try (Dirpack.Frames frames = Dirpack.read(source, listing)) {
            while (frames.hasNext()) {
                Dirpack.Frame frame = frames.next();
                Entry entry = frame.entry();
                if (!Arrays.equals(entry.parentPath(), directory) || !isName(entry.name())) {
                    throw new CorruptDataException("the listing of " + SnapshotPath.display(directory)
                            + " holds an entry of elsewhere, " + SnapshotPath.display(entry.path()));
                }
                if (!visitor.entry(entry, frame.mac())) {
                    return;
                }
            }
        }
    }

    /** Names that could lead out of their directory are damage or malice; no file system has them. */
    public static boolean isName(byte[] name) {
        if (name.length == 0
                || name.length == 1 && name[0] == '.'
                || name.length == 2 && name[0] == '.' && name[1] == '.') {
            return false;
        }
        for (byte b : name) {
            if (b == '/' || b == 0) {
                return false;
            }
        }
        return true;
    }

    /** Told of damage met on the way. */
    @FunctionalInterface
    public interface Damage {
        void damaged(byte[] path, CorruptDataException problem);
    }

    /**
     * Visits the direct children of a directory, and when its listing is damaged takes from the tree what the listing did not
     * give: every entry is stored twice.
     *
     * @param damage told of the directory whose listing, and of each child whose own entry is damaged
     */
    public void forEachChild(byte[] directory, EntryVisitor visitor, Damage damage) {
        byte[][] last = {null};
        try {
            forEachChild(directory, (entry, mac) -> {
                last[0] = entry.name();
                return visitor.entry(entry, mac);
            });
        } catch (CorruptDataException e) {
            damage.damaged(directory, e);
            forEachChildInVfs(directory, (path, mac) -> {
                byte[] name = SnapshotPath.name(path);
                if (last[0] != null && Arrays.compareUnsigned(name, last[0]) <= 0) {
                    return true;
                }
                Entry entry;
                try {
                    entry = entry(path, mac);
                } catch (CorruptDataException again) {
                    damage.damaged(path, again);
                    return true;
                }
                return visitor.entry(entry, mac);
            });
        }
    }

    /** Children are neighbours in the tree. */
    private void forEachChildInVfs(byte[] directory, TreeReader.Visitor visitor) {
        byte[] prefix = SnapshotPath.isRoot(directory) ? directory : Arrays.copyOf(directory, directory.length + 1);
        prefix[prefix.length - 1] = '/';
        List<byte[]> paths = new ArrayList<>();
        List<Mac> macs = new ArrayList<>();
        vfs.scan(prefix, (path, mac) -> {
            if (SnapshotPath.isRoot(path)) {
                return true;
            }
            if (!Arrays.equals(SnapshotPath.parent(path), directory)) {
                return false;
            }
            if (!isName(SnapshotPath.name(path))) {
                throw new CorruptDataException("the tree holds the path " + SnapshotPath.display(path));
            }
            paths.add(path);
            macs.add(mac);
            return true;
        });
        for (int i = 0; i < paths.size(); i++) {
            if (!visitor.pair(paths.get(i), macs.get(i))) {
                return;
            }
        }
    }

    /** The object that lists what is directly in a directory, or null where the snapshot has none. */
    public @Nullable Mac listing(byte[] directory) {
        return dirpacks == null ? null : dirpacks.find(directory);
    }

    /** The summary of a directory, or null where the snapshot has none. */
    public @Nullable Summary summary(byte[] directory) {
        if (summaries != null) {
            Mac mac = summaries.find(directory);
            if (mac != null) {
                return Summary.decode(new MsgpackReader(
                        source.read(ResourceType.VFS_SUMMARY, mac), "summary of " + SnapshotPath.display(directory)));
            }
        }
        Entry entry = find(directory);
        return entry == null ? null : entry.summary();
    }

    /** Visits the errors of a path and of all below it, in the order of their paths; returns false to stop. */
    public void forEachError(byte[] below, Predicate<ErrorItem> visitor) {
        errors.scan(below, (path, mac) -> {
            if (!SnapshotPath.isWithin(path, below)) {
                // Names such as "a-b" stand between "a" and "a/x".
                return Arrays.compareUnsigned(path, 0, Math.min(path.length, below.length), below, 0, below.length)
                        <= 0;
            }
            return visitor.test(ErrorItem.decode(new MsgpackReader(
                    source.read(ResourceType.ERROR_ENTRY, mac), "error of " + SnapshotPath.display(path))));
        });
    }

    /** Visits all attributes, in the order of the tree. */
    public void forEachXattr(Predicate<XattrItem> visitor) {
        xattrs.scanUnordered((key, mac) -> visitor.test(xattr(mac)));
    }

    /** Whether there is any attribute. */
    public boolean hasXattrs() {
        boolean[] hasOne = {false};
        xattrs.scanUnordered((key, mac) -> {
            hasOne[0] = true;
            return false;
        });
        return hasOne[0];
    }

    /** The record of an attribute that an entry names, or null: Plakar names some that it never stored. */
    public @Nullable XattrItem xattr(byte[] path, byte[] name) {
        byte[] key = new XattrItem(path, name, 0, 0, Mac.ZERO).key();
        Mac mac = xattrs.find(key);
        return mac == null ? unsortedXattrs().get(new String(key, StandardCharsets.ISO_8859_1)) : xattr(mac);
    }

    /**
     * The value of an attribute, or null when none was stored.
     *
     * @throws CorruptDataException when it is damaged or longer than {@code limit} bytes
     */
    public byte @Nullable [] xattrValue(byte[] path, byte[] name, int limit) {
        XattrItem item = xattr(path, name);
        return item == null ? null : ObjectReader.bytes(source, item.object(), limit);
    }

    /** Plakar's trees are in another order than its readers search in, so a look-up may miss what is there. */
    private Map<String, XattrItem> unsortedXattrs() {
        if (xattrsByKey == null) {
            Map<String, XattrItem> items = new HashMap<>();
            boolean[] isSorted = {true};
            byte[][] last = {null};
            xattrs.scanUnordered((key, mac) -> {
                isSorted[0] &= last[0] == null || Arrays.compareUnsigned(last[0], key) < 0;
                last[0] = key;
                return true;
            });
            if (!isSorted[0]) {
                forEachXattr(item -> {
                    items.put(
                            new String(
                                    new XattrItem(item.path(), item.name(), 0, 0, Mac.ZERO).key(),
                                    StandardCharsets.ISO_8859_1),
                            item);
                    return true;
                });
            }
            xattrsByKey = items;
        }
        return xattrsByKey;
    }

    private XattrItem xattr(Mac mac) {
        return XattrItem.decode(
                new MsgpackReader(source.read(ResourceType.XATTR_ENTRY, mac), "attribute " + mac.shortHex()));
    }

    /** The content type index, the listings index and the summary index, where the snapshot has them; for checks. */
    public List<TreeReader> indexes() {
        List<TreeReader> indexes = new ArrayList<>();
        for (SnapshotHeader.Index index : header.source().indexes()) {
            indexes.add(new TreeReader(TreeKind.INDEX, source, index.root()));
        }
        return indexes;
    }

    /** The tree of entries; for checks. */
    public TreeReader vfs() {
        return vfs;
    }

    /** The tree of errors; for checks. */
    public TreeReader errors() {
        return errors;
    }

    /** The tree of attributes; for checks. */
    public TreeReader xattrs() {
        return xattrs;
    }
}
