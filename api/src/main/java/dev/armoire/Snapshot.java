// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.SnapshotHeader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** One moment of a source. Immutable; of use as long as its store is open. Thread-safe. */
public final class Snapshot {
    private final Store store;
    private final Tree tree;

    Snapshot(Store store, Tree tree) {
        this.store = store;
        this.tree = tree;
    }

    private SnapshotHeader header() {
        return tree.header();
    }

    Tree tree() {
        return tree;
    }

    /** The 64 hexadecimal digits of its identifier. */
    public String id() {
        return header().identifier().hex();
    }

    /** When it was taken. */
    public Instant time() {
        return header().timestamp();
    }

    /** How long that took. */
    public Duration duration() {
        return Duration.ofNanos(header().durationNanos());
    }

    /** The name that it was given. */
    public String name() {
        return header().name();
    }

    /** The category that it was given, or nothing. */
    public String category() {
        return header().category();
    }

    /** The environment that it was given, or nothing. */
    public String environment() {
        return header().environment();
    }

    /** The perimeter that it was given, or nothing. */
    public String perimeter() {
        return header().perimeter();
    }

    /** The job that it was made by, or nothing. */
    public String job() {
        return header().job();
    }

    /** Its tags. */
    public List<String> tags() {
        return List.copyOf(header().tags());
    }

    /** Where it was taken, such as the name of a host. */
    public String origin() {
        return header().source().origin();
    }

    /** Kind of its source, such as {@code fs}. */
    public String sourceType() {
        return header().source().type();
    }

    /** Bytes of content of all files. */
    public long size() {
        return header().source().summary().directory().size
                + header().source().summary().below().size;
    }

    /** The directory that was backed up. */
    public SnapshotFile root() throws IOException {
        return new SnapshotFile(tree, tree.entry(tree.root(), true));
    }

    /**
     * What is at a path, symbolic links in it and at its end followed.
     *
     * @param path absolute, or below the directory that was backed up
     * @throws java.nio.file.NoSuchFileException when there is no such thing
     */
    public SnapshotFile file(String path) throws IOException {
        return new SnapshotFile(tree, tree.entry(tree.resolve(PathText.bytes(path)), true));
    }

    /** The content of the regular file at a path, front to back; see {@link #file} and {@link SnapshotFile#open}. */
    public InputStream open(String path) throws IOException {
        return file(path).open();
    }

    /** The content of the regular file at a path, for reads anywhere; see {@link SnapshotFile#openChannel}. */
    public SeekableByteChannel openChannel(String path) throws IOException {
        return file(path).openChannel();
    }

    /** Restores everything below {@link #root} into a folder, which is made if need be, with all metadata. */
    public RestoreReport restore(Path target) throws IOException {
        return restore(target, RestoreOptions.defaults());
    }

    /**
     * Restores into a folder, which is made if need be: of a directory what is in it, of anything else the item under its name.
     * Files of the same names are replaced, others left alone. A file appears under its name only when it is whole and
     * verified; what fails is in the report and keeps nothing else.
     *
     * @param target in the default file system
     * @throws java.nio.file.NoSuchFileException when the snapshot does not have the path of the options
     * @throws java.io.InterruptedIOException when the thread was interrupted; files restored until then are whole
     */
    public RestoreReport restore(Path target, RestoreOptions options) throws IOException {
        return store.restore(this, target, options);
    }

    /**
     * The snapshot as a read-only file system whose root is {@code /} and whose relative paths begin at {@link #root}. The
     * caller closes it; closing the store closes it too.
     */
    public FileSystem openFileSystem() {
        return SnapshotFileSystem.of(store, this);
    }

    /** Its id and time. */
    @Override
    public String toString() {
        return "snapshot " + header().identifier().shortHex() + " of " + time();
    }
}
