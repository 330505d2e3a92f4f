// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Something that {@code diff} compares: an entry of a snapshot, or a file on this disk. */
sealed interface DiffItem {
    /** Absolute and clean. */
    byte[] path();

    /** {@code 3f544fc3:/a/b}, or the path alone for a file on the disk. */
    String label();

    /** Go's mode bits. */
    int mode();

    long size();

    long uid();

    long gid();

    Instant changed();

    /** What a symbolic link points to. */
    byte[] target() throws IOException;

    /** The items of a directory, sorted by name. */
    List<DiffItem> children() throws IOException;

    /** The content of a file; closed by the caller. */
    InputStream open() throws IOException;

    default byte[] name() {
        return SnapshotPath.name(path());
    }

    default boolean isDirectory() {
        return FileMode.isDirectory(mode());
    }

    default String display() {
        return SnapshotPath.display(path());
    }

    /** Whether it is known, without reading them, that the contents of two files are the same. */
    static boolean isSameObject(DiffItem a, DiffItem b) {
        return a instanceof Stored left
                && b instanceof Stored right
                && left.entry.object().equals(right.entry.object());
    }

    /** An entry of a snapshot. */
    record Stored(Snapshot snapshot, Entry entry) implements DiffItem {
        @Override
        public byte[] path() {
            return entry.path();
        }

        @Override
        public String label() {
            return snapshot.header().identifier().shortHex() + ":" + display();
        }

        @Override
        public int mode() {
            return entry.info().mode();
        }

        @Override
        public long size() {
            return entry.info().size();
        }

        @Override
        public long uid() {
            return entry.info().uid();
        }

        @Override
        public long gid() {
            return entry.info().gid();
        }

        @Override
        public Instant changed() {
            return Instant.ofEpochSecond(
                    entry.info().mtimeSeconds(), entry.info().mtimeNanos());
        }

        @Override
        public byte[] target() {
            return entry.linkTarget();
        }

        @Override
        public List<DiffItem> children() {
            List<DiffItem> children = new ArrayList<>();
            snapshot.forEachChild(entry.path(), (child, mac) -> children.add(new Stored(snapshot, child)));
            return children;
        }

        /** Nothing else of the same snapshot may be read meanwhile. */
        @Override
        public InputStream open() {
            return new ChunkStream(snapshot.source(), ObjectReader.record(snapshot.source(), entry.object()));
        }
    }

    /** A file on this disk. */
    final class Local implements DiffItem {
        private final byte[] path;
        private final Path file;
        private final int mode;
        private final Map<String, Object> attributes;

        private Local(byte[] path) throws IOException {
            this.path = path;
            this.file = Path.of(uri(path));
            this.attributes =
                    Files.readAttributes(file, "unix:mode,uid,gid,size,lastModifiedTime", LinkOption.NOFOLLOW_LINKS);
            this.mode = FileMode.fromUnix((Integer) value("mode"));
        }

        /** What lies at a path, or null. */
        static @Nullable Local at(byte[] path) throws IOException {
            try {
                return new Local(path);
            } catch (java.nio.file.NoSuchFileException e) {
                return null;
            }
        }

        /** The path's exact bytes, whatever the charset for file names is. */
        private static URI uri(byte[] path) {
            StringBuilder text = new StringBuilder("file://");
            for (byte b : path) {
                boolean isPlain = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '/';
                text.append(isPlain ? String.valueOf((char) b) : String.format(Locale.ROOT, "%%%02x", b & 0xff));
            }
            return URI.create(text.toString());
        }

        private Object value(String name) {
            Object value = attributes.get(name);
            if (value == null) {
                throw new IllegalStateException("no attribute " + name);
            }
            return value;
        }

        @Override
        public byte[] path() {
            return path;
        }

        @Override
        public String label() {
            return display();
        }

        @Override
        public int mode() {
            return mode;
        }

        @Override
        public long size() {
            return (Long) value("size");
        }

        @Override
        public long uid() {
            return (Integer) value("uid");
        }

        @Override
        public long gid() {
            return (Integer) value("gid");
        }

        @Override
        public Instant changed() {
            return ((FileTime) value("lastModifiedTime")).toInstant();
        }

        @Override
        public byte[] target() throws IOException {
            return bytes(Files.readSymbolicLink(file));
        }

        private static byte[] bytes(Path path) {
            // A link's text need not be an absolute path: what an absolute one in front of it adds is taken off again.
            String raw = Path.of("/").resolve(path).toUri().getRawPath();
            byte[] absolute = unescaped(raw);
            return path.isAbsolute() ? absolute : Arrays.copyOfRange(absolute, 1, absolute.length);
        }

        private static byte[] unescaped(String raw) {
            byte[] bytes = new byte[raw.length()];
            int length = 0;
            for (int i = 0; i < raw.length(); i++) {
                if (raw.charAt(i) == '%') {
                    bytes[length++] = (byte) Integer.parseInt(raw, i + 1, i + 3, 16);
                    i += 2;
                } else {
                    bytes[length++] = (byte) raw.charAt(i);
                }
            }
            int end = length > 1 && bytes[length - 1] == '/' ? length - 1 : length;
            return Arrays.copyOf(bytes, end);
        }

        @Override
        public List<DiffItem> children() throws IOException {
            List<DiffItem> children = new ArrayList<>();
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(file)) {
                for (Path entry : entries) {
                    // The URI of a directory ends with a slash.
                    Local child = at(unescaped(entry.toUri().getRawPath()));
                    if (child != null) {
                        children.add(child);
                    }
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
            children.sort((a, b) -> Arrays.compareUnsigned(a.name(), b.name()));
            return children;
        }

        @Override
        public InputStream open() throws IOException {
            return Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS);
        }
    }
}
