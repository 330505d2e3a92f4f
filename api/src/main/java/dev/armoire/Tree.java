// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The tree of one snapshot, for many threads. Each of them uses a cursor of its own, which remembers nodes of the trees. */
final class Tree {
    private static final int IDLE = 4;
    /** Attribute values are at most 64 KiB on Linux. */
    private static final int MAX_XATTR_BYTES = 16 << 20;

    private final Readers readers;
    private final SnapshotHeader header;
    /** Guarded by itself. */
    private final Deque<Cursor> idle = new ArrayDeque<>();

    Tree(Readers readers, SnapshotHeader header) {
        this.readers = readers;
        this.header = header;
    }

    /** The engine's view of the snapshot, which reads through whichever reader is lent to it. */
    private static final class Cursor implements BlobSource {
        private final dev.armoire.engine.snapshot.Snapshot view;
        private @Nullable BlobReader reader;

        @SuppressWarnings("this-escape") // only kept there
        Cursor(SnapshotHeader header) {
            view = dev.armoire.engine.snapshot.Snapshot.of(header, this);
        }

        @Override
        public MemorySegment read(int type, Mac mac) {
            BlobReader lent = reader;
            if (lent == null) {
                throw new IllegalStateException("no reader was lent");
            }
            return lent.read(type, mac);
        }
    }

    /** A child of a directory; its entry is null when that is damaged and only the name is known. */
    record Child(byte[] name, @Nullable Entry entry) {}

    SnapshotHeader header() {
        return header;
    }

    Readers readers() {
        return readers;
    }

    private <T extends @Nullable Object> T ask(Function<dev.armoire.engine.snapshot.Snapshot, T> question)
            throws IOException {
        return readers.read(reader -> {
            Cursor cursor = take();
            cursor.reader = reader;
            try {
                return question.apply(cursor.view);
            } finally {
                cursor.reader = null;
                giveBack(cursor);
            }
        });
    }

    private Cursor take() {
        synchronized (idle) {
            Cursor cursor = idle.poll();
            return cursor == null ? new Cursor(header) : cursor;
        }
    }

    private void giveBack(Cursor cursor) {
        synchronized (idle) {
            if (idle.size() < IDLE) {
                idle.push(cursor);
            }
        }
    }

    /** The directory that was backed up, absolute and clean. */
    byte[] root() {
        byte[] directory = header.source().directory();
        return directory.length == 0 ? SnapshotPath.ROOT : SnapshotPath.clean(directory);
    }

    /** An absolute clean path; one without a leading slash is below {@link #root}. */
    byte[] resolve(byte[] path) {
        return path.length > 0 && path[0] == '/'
                ? SnapshotPath.clean(path)
                : SnapshotPath.clean(SnapshotPath.child(root(), path));
    }

    /**
     * What is at a clean absolute path. Links on the way to it are followed.
     *
     * @param follows whether a link at its end is, too
     */
    Entry entry(byte[] path, boolean follows) throws IOException {
        Entry entry = ask(view -> {
            Entry direct = view.find(path);
            if (direct != null && !(follows && FileMode.isSymlink(direct.info().mode()))) {
                return direct;
            }
            if (follows) {
                return view.follow(path);
            }
            Entry parent = view.follow(SnapshotPath.parent(path));
            return parent == null ? null : view.find(SnapshotPath.child(parent.path(), SnapshotPath.name(path)));
        });
        if (entry == null) {
            throw new NoSuchFileException(
                    SnapshotPath.display(path),
                    null,
                    "not in snapshot " + header.identifier().shortHex());
        }
        return entry;
    }

    /** What is in a directory, by name. A child is never left out: one whose entry is damaged comes without it. */
    List<Child> children(Entry directory) throws IOException {
        return ask(view -> {
            List<Child> children = new ArrayList<>();
            byte[] path = directory.path();
            view.forEachChild(
                    path,
                    (entry, mac) -> {
                        children.add(new Child(entry.name(), entry));
                        return true;
                    },
                    (damaged, problem) -> {
                        if (!Arrays.equals(damaged, path)) {
                            children.add(new Child(SnapshotPath.name(damaged), null));
                        }
                    });
            return children;
        });
    }

    /** The content of a regular file. */
    ObjectRecord content(Entry file) throws IOException {
        return readers.read(reader -> {
            try {
                return ObjectReader.record(reader, file.object());
            } catch (CorruptDataException e) {
                throw new CorruptDataException(SnapshotPath.display(file.path()) + ": " + e.getMessage(), e);
            }
        });
    }

    /** The value of an attribute, or null when there is none. */
    byte @Nullable [] xattr(Entry entry, byte[] name) throws IOException {
        return this.<byte @Nullable []>ask(view -> view.xattrValue(entry.path(), name, MAX_XATTR_BYTES));
    }
}
