// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.Entry;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** A snapshot as NIO sees it. Thread-safe. Owns its store only when it was opened from a URI or a path. */
final class SnapshotFileSystem extends FileSystem implements Lifetime {
    static final Set<String> VIEWS = Set.of("basic", "posix", "owner", "unix");
    private static final String UNRESERVED = "-._~/";

    private final ArmoireFileSystemProvider provider;
    private final Store store;
    private final Snapshot snapshot;
    private final boolean ownsStore;
    private volatile boolean closed;

    SnapshotFileSystem(ArmoireFileSystemProvider provider, Store store, Snapshot snapshot, boolean ownsStore) {
        this.provider = provider;
        this.store = store;
        this.snapshot = snapshot;
        this.ownsStore = ownsStore;
    }

    static SnapshotFileSystem of(Store store, Snapshot snapshot) {
        if (!store.isOpen()) {
            throw new IllegalStateException(store + " is closed");
        }
        return new SnapshotFileSystem(ArmoireFileSystemProvider.installed(), store, snapshot, false);
    }

    Tree tree() {
        return snapshot.tree();
    }

    String storeLocation() {
        return store.location();
    }

    String snapshotId() {
        return snapshot.id();
    }

    @Override
    public void requireOpen() {
        if (!isOpen()) {
            throw new ClosedFileSystemException();
        }
    }

    /** What is at a path. */
    Entry find(SnapshotFilePath path, boolean follows) throws IOException {
        requireOpen();
        Entry known = path.entry();
        if (known != null && !(follows && Kind.of(known.info().mode()) == Kind.SYMBOLIC_LINK)) {
            return known;
        }
        return reading(() -> tree().entry(path.absolute(), follows));
    }

    @Override
    public ArmoireFileSystemProvider provider() {
        return provider;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        provider.forget(this);
        if (ownsStore) {
            store.close();
        }
    }

    @Override
    public boolean isOpen() {
        return !closed && store.isOpen();
    }

    @Override
    public boolean isReadOnly() {
        return true;
    }

    @Override
    public String getSeparator() {
        return "/";
    }

    @Override
    public Iterable<Path> getRootDirectories() {
        requireOpen();
        return List.of(root());
    }

    private SnapshotFilePath root() {
        return SnapshotFilePath.of(this, new byte[] {'/'});
    }

    @Override
    public Iterable<FileStore> getFileStores() {
        requireOpen();
        return List.of(new SnapshotFileStore(this));
    }

    long size() {
        return snapshot.size();
    }

    @Override
    public Set<String> supportedFileAttributeViews() {
        return VIEWS;
    }

    @Override
    public Path getPath(String first, String... more) {
        StringBuilder joined = new StringBuilder(first);
        for (String part : more) {
            if (!part.isEmpty()) {
                joined.append(joined.isEmpty() ? "" : "/").append(part);
            }
        }
        String text = joined.toString();
        if (text.indexOf('\0') >= 0) {
            throw new InvalidPathException(text.replace('\0', '?'), "a path has no zero byte");
        }
        try {
            return SnapshotFilePath.of(this, PathText.bytes(text));
        } catch (IllegalArgumentException e) {
            throw new InvalidPathException(text, String.valueOf(e.getMessage()));
        }
    }

    /** {@code armoire:LOCATION!/ID/PATH}, bytes that could mislead as {@code %XX}. */
    URI uri(byte[] path) {
        StringBuilder text = new StringBuilder(ArmoireFileSystemProvider.SCHEME + ":");
        escape(storeLocation().getBytes(StandardCharsets.UTF_8), ":", text);
        text.append("!/").append(snapshotId());
        escape(path, "", text);
        return URI.create(text.toString());
    }

    private static void escape(byte[] bytes, String alsoPlain, StringBuilder out) {
        for (byte b : bytes) {
            char c = (char) (b & 0xff);
            boolean isPlain = c >= 'a' && c <= 'z'
                    || c >= 'A' && c <= 'Z'
                    || c >= '0' && c <= '9'
                    || UNRESERVED.indexOf(c) >= 0
                    || alsoPlain.indexOf(c) >= 0;
            if (isPlain) {
                out.append(c);
            } else {
                out.append(String.format(Locale.ROOT, "%%%02X", (int) c));
            }
        }
    }

    @Override
    public PathMatcher getPathMatcher(String syntaxAndPattern) {
        int colon = syntaxAndPattern.indexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("glob:PATTERN or regex:PATTERN is wanted: " + syntaxAndPattern);
        }
        String pattern = syntaxAndPattern.substring(colon + 1);
        Pattern compiled = Pattern.compile(
                switch (syntaxAndPattern.substring(0, colon).toLowerCase(Locale.ROOT)) {
                    case "glob" -> GlobPattern.toRegex(pattern);
                    case "regex" -> pattern;
                    default -> throw new UnsupportedOperationException("only glob and regex: " + syntaxAndPattern);
                },
                Pattern.DOTALL);
        return path -> compiled.matcher(path.toString()).matches();
    }

    @Override
    public UserPrincipalLookupService getUserPrincipalLookupService() {
        throw new UnsupportedOperationException("a snapshot has no user database");
    }

    @Override
    public WatchService newWatchService() {
        throw new UnsupportedOperationException("a snapshot does not change");
    }

    @Override
    public String toString() {
        return uri(new byte[0]).toString();
    }
}
