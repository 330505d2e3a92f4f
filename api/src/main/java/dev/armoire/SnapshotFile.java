// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.NotDirectoryException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** An item of a snapshot with all that was recorded of it. Immutable; of use as long as its store is open. Thread-safe. */
public final class SnapshotFile {
    private final Tree tree;
    private final Entry entry;

    SnapshotFile(Tree tree, Entry entry) {
        this.tree = tree;
        this.entry = entry;
    }

    /**
     * Absolute path in the snapshot. Names need not be UTF-8: a byte that is not is a lone surrogate U+DC80 to U+DCFF here, and
     * whatever in this package takes a path understands that.
     */
    public String path() {
        return PathText.of(entry.path());
    }

    /** The path as it was on disk, byte for byte. */
    public byte[] pathBytes() {
        return entry.path().clone();
    }

    /** Last part of the path, as {@link #path} has it; {@code /} for the root. */
    public String name() {
        return PathText.of(entry.name());
    }

    /** What it is. */
    public Kind kind() {
        return Kind.of(entry.info().mode());
    }

    /** Whether it is a directory. */
    public boolean isDirectory() {
        return kind() == Kind.DIRECTORY;
    }

    /** Size in bytes. */
    public long size() {
        return entry.info().size();
    }

    /** When its content was last changed. */
    public Instant modified() {
        FileInfo info = entry.info();
        return Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos());
    }

    /** The twelve bits that {@code chmod} takes: permissions, setuid, setgid, sticky. */
    public int permissions() {
        return FileMode.unixPermissions(entry.info().mode());
    }

    /** Number of the user who owns it. */
    public long uid() {
        return entry.info().uid();
    }

    /** Number of its group. */
    public long gid() {
        return entry.info().gid();
    }

    /** Name of the user who owns it, empty when it was not known. */
    public String owner() {
        return entry.info().username();
    }

    /** Name of its group, empty when it was not known. */
    public String group() {
        return entry.info().groupname();
    }

    /** Number of names that it had on disk. */
    public long links() {
        return entry.info().nlink();
    }

    /** Media type as far as it could be told from the content, such as {@code text/plain; charset=utf-8}; may be empty. */
    public String contentType() {
        return entry.contentType();
    }

    /** Where a symbolic link points, as {@link #path} has names; empty for anything else. */
    public Optional<String> linkTarget() {
        return kind() == Kind.SYMBOLIC_LINK ? Optional.of(PathText.of(entry.linkTarget())) : Optional.empty();
    }

    /** Names of its extended attributes, such as {@code user.mime_type}. */
    public List<String> attributeNames() {
        return entry.xattrNames().stream().map(PathText::of).toList();
    }

    /**
     * The value of an extended attribute; empty when there is none.
     *
     * @throws DamagedDataException when it is damaged
     */
    public Optional<byte[]> attribute(String name) throws IOException {
        return Optional.ofNullable(tree.xattr(entry, PathText.bytes(name)));
    }

    /**
     * What is in a directory, by name, without what is in directories below.
     *
     * @throws NotDirectoryException when it is none
     * @throws DamagedDataException when a part of it cannot be read
     */
    public List<SnapshotFile> list() throws IOException {
        if (!isDirectory()) {
            throw new NotDirectoryException(SnapshotPath.display(entry.path()));
        }
        List<SnapshotFile> files = new ArrayList<>();
        for (Tree.Child child : tree.children(entry)) {
            Entry known = child.entry();
            // Asked for once more, it tells what is wrong with it.
            files.add(new SnapshotFile(
                    tree, known != null ? known : tree.entry(SnapshotPath.child(entry.path(), child.name()), false)));
        }
        return files;
    }

    /**
     * This item and all below it, a directory before what is in it, names in their order; read as the stream goes on.
     * Symbolic links are not followed. Damage ends the stream with an {@link UncheckedIOException}; the file system that
     * {@link Snapshot#openFileSystem} gives can be walked around it.
     */
    public Stream<SnapshotFile> walk() {
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(
                        new Walk(this), Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL),
                false);
    }

    private static final class Walk implements Iterator<SnapshotFile> {
        private final Deque<SnapshotFile> open = new ArrayDeque<>();

        Walk(SnapshotFile start) {
            open.push(start);
        }

        @Override
        public boolean hasNext() {
            return !open.isEmpty();
        }

        @Override
        public SnapshotFile next() {
            SnapshotFile file = open.pop();
            if (file.isDirectory()) {
                try {
                    file.list().reversed().forEach(open::push);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return file;
        }
    }

    /**
     * The content of a regular file, front to back; every part is verified before it is given out.
     *
     * @throws FileSystemException when it is no regular file
     */
    public InputStream open() throws IOException {
        return new ContentStream(content(), tree.readers());
    }

    /**
     * The content of a regular file, for reads anywhere: only what is touched is fetched.
     *
     * @throws FileSystemException when it is no regular file
     */
    public SeekableByteChannel openChannel() throws IOException {
        return new ContentChannel(content(), tree.readers());
    }

    private Content content() throws IOException {
        if (kind() != Kind.FILE) {
            throw new FileSystemException(SnapshotPath.display(entry.path()), null, "not a regular file");
        }
        return Content.of(tree, entry);
    }

    /** The path, fit for a terminal: what is not UTF-8 or would disturb a line is escaped. */
    @Override
    public String toString() {
        return SnapshotPath.display(entry.path());
    }
}
