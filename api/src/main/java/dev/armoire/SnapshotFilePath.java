// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.net.URI;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A path in a {@link SnapshotFileSystem}: names that are bytes, of any value but slash and zero. A path that a directory
 * stream gave carries the entry that it came from, which never goes stale, so that walking a tree looks nothing up twice.
 */
final class SnapshotFilePath implements Path {
    private final SnapshotFileSystem fileSystem;
    private final boolean isAbsolute;
    /** The empty path has one empty name; the root has none. */
    private final List<byte[]> names;

    private final @Nullable Entry entry;

    private SnapshotFilePath(
            SnapshotFileSystem fileSystem, boolean isAbsolute, List<byte[]> names, @Nullable Entry entry) {
        this.fileSystem = fileSystem;
        this.isAbsolute = isAbsolute;
        this.names = names;
        this.entry = entry;
    }

    static SnapshotFilePath of(SnapshotFileSystem fileSystem, byte[] path) {
        List<byte[]> names = SnapshotPath.components(path);
        boolean isAbsolute = path.length > 0 && path[0] == '/';
        return make(fileSystem, isAbsolute, names);
    }

    private static SnapshotFilePath make(SnapshotFileSystem fileSystem, boolean isAbsolute, List<byte[]> names) {
        boolean isEmpty = names.isEmpty() && !isAbsolute;
        return new SnapshotFilePath(fileSystem, isAbsolute, isEmpty ? List.of(new byte[0]) : names, null);
    }

    /** A child that a directory stream found. */
    SnapshotFilePath child(byte[] name, @Nullable Entry known) {
        List<byte[]> all = isEmpty() ? new ArrayList<>() : new ArrayList<>(names);
        all.add(name);
        return new SnapshotFilePath(fileSystem, isAbsolute, all, known);
    }

    /** What is at this path itself, if that is known. */
    @Nullable
    Entry entry() {
        return entry;
    }

    /** The path as bytes. */
    byte[] bytes() {
        byte[] joined = isAbsolute ? SnapshotPath.ROOT : names.getFirst();
        for (byte[] name : isAbsolute ? names : names.subList(1, names.size())) {
            joined = SnapshotPath.child(joined, name);
        }
        return joined;
    }

    private boolean isEmpty() {
        return !isAbsolute && names.size() == 1 && names.getFirst().length == 0;
    }

    static SnapshotFilePath cast(Path path) {
        if (path instanceof SnapshotFilePath ours) {
            return ours;
        }
        throw new ProviderMismatchException();
    }

    private SnapshotFilePath of(boolean absolute, List<byte[]> parts) {
        return make(fileSystem, absolute, parts);
    }

    @Override
    public SnapshotFileSystem getFileSystem() {
        return fileSystem;
    }

    @Override
    public boolean isAbsolute() {
        return isAbsolute;
    }

    @Override
    public @Nullable Path getRoot() {
        return isAbsolute ? of(true, List.of()) : null;
    }

    @Override
    public @Nullable Path getFileName() {
        return names.isEmpty() ? null : of(false, List.of(names.getLast()));
    }

    @Override
    public @Nullable Path getParent() {
        if (names.isEmpty() || names.size() == 1 && !isAbsolute) {
            return null;
        }
        return of(isAbsolute, names.subList(0, names.size() - 1));
    }

    @Override
    public int getNameCount() {
        return names.size();
    }

    @Override
    public Path getName(int index) {
        return subpath(index, index + 1);
    }

    @Override
    public Path subpath(int begin, int end) {
        if (begin < 0 || end > names.size() || begin >= end) {
            throw new IllegalArgumentException("no names " + begin + " to " + end + " in a path of " + names.size());
        }
        return of(false, names.subList(begin, end));
    }

    private boolean equals(int from, List<byte[]> others) {
        if (from < 0 || from + others.size() > names.size()) {
            return false;
        }
        for (int i = 0; i < others.size(); i++) {
            if (!Arrays.equals(names.get(from + i), others.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean startsWith(Path other) {
        return other instanceof SnapshotFilePath path
                && path.fileSystem == fileSystem
                && path.isAbsolute == isAbsolute
                && path.isEmpty() == isEmpty()
                && equals(0, path.names);
    }

    @Override
    public boolean endsWith(Path other) {
        if (!(other instanceof SnapshotFilePath path) || path.fileSystem != fileSystem) {
            return false;
        }
        if (path.isAbsolute) {
            return isAbsolute && path.names.size() == names.size() && equals(0, path.names);
        }
        return path.isEmpty() == isEmpty() && equals(names.size() - path.names.size(), path.names);
    }

    @Override
    public Path normalize() {
        List<byte[]> kept = new ArrayList<>();
        for (byte[] name : names) {
            if (isDots(name, 2)) {
                if (kept.isEmpty() ? !isAbsolute : isDots(kept.getLast(), 2)) {
                    kept.add(name);
                } else if (!kept.isEmpty()) {
                    kept.removeLast();
                }
            } else if (name.length > 0 && !isDots(name, 1)) {
                kept.add(name);
            }
        }
        return of(isAbsolute, kept);
    }

    private static boolean isDots(byte[] name, int count) {
        return name.length == count && name[0] == '.' && name[count - 1] == '.';
    }

    @Override
    public Path resolve(Path other) {
        SnapshotFilePath path = cast(other);
        if (path.isAbsolute || isEmpty()) {
            return path;
        }
        if (path.isEmpty()) {
            return this;
        }
        List<byte[]> all = new ArrayList<>(names);
        all.addAll(path.names);
        return of(isAbsolute, all);
    }

    @Override
    public Path relativize(Path other) {
        SnapshotFilePath path = cast(other);
        if (path.isAbsolute != isAbsolute) {
            throw new IllegalArgumentException("one of the paths is absolute, the other is not");
        }
        if (isEmpty()) {
            return path;
        }
        List<byte[]> theirs = path.isEmpty() ? List.of() : path.names;
        int same = 0;
        while (same < names.size() && same < theirs.size() && Arrays.equals(names.get(same), theirs.get(same))) {
            same++;
        }
        List<byte[]> steps = new ArrayList<>();
        for (int i = same; i < names.size(); i++) {
            if (isDots(names.get(i), 2)) {
                throw new IllegalArgumentException("no way back over .. in " + this);
            }
            steps.add(new byte[] {'.', '.'});
        }
        steps.addAll(theirs.subList(same, theirs.size()));
        return of(false, steps);
    }

    @Override
    public URI toUri() {
        return fileSystem.uri(absolute());
    }

    /** Absolute and clean, as the engine wants it. */
    byte[] absolute() {
        return fileSystem.tree().resolve(isEmpty() ? new byte[0] : bytes());
    }

    @Override
    public Path toAbsolutePath() {
        return isAbsolute ? this : of(fileSystem, fileSystem.tree().root()).resolve(this);
    }

    @Override
    public Path toRealPath(LinkOption... options) throws IOException {
        return of(
                fileSystem,
                fileSystem
                        .find(this, ArmoireFileSystemProvider.follows(options))
                        .path());
    }

    @Override
    public WatchKey register(WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
        throw new UnsupportedOperationException("a snapshot does not change");
    }

    @Override
    public int compareTo(Path other) {
        return Arrays.compareUnsigned(bytes(), cast(other).bytes());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SnapshotFilePath path
                && path.fileSystem == fileSystem
                && Arrays.equals(path.bytes(), bytes());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes());
    }

    /** As {@link SnapshotFile#path} has paths, so that {@code FileSystem.getPath} makes the same path of it again. */
    @Override
    public String toString() {
        return PathText.of(bytes());
    }
}
