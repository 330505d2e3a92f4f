// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots as read-only file systems, for {@link FileSystems#newFileSystem(URI, Map)} and {@link Path#of(URI)}:
 * {@code armoire:LOCATION!/SNAPSHOT/PATH}, where LOCATION names a store as {@link Store#open(String, OpenOptions)} takes it,
 * and SNAPSHOT is its id, the beginning of it, or {@code latest}. Without the part from {@code !} on the latest is meant. What
 * a URI cannot have as it is, a {@code !} in LOCATION too, is written as {@code %XX}. Also for
 * {@link FileSystems#newFileSystem(Path, Map)} with the folder of a store or a {@code .ptar} file.
 *
 * <p>The environment may have {@link #PASSPHRASE} and {@link #SNAPSHOT}. Closing the file system closes the store.
 */
public final class ArmoireFileSystemProvider extends FileSystemProvider {
    /** Scheme of the URIs. */
    public static final String SCHEME = "armoire";

    /** Key of the environment: a {@code char[]}, which is wiped, or a {@code Supplier<char[]>}. */
    public static final String PASSPHRASE = "passphrase";

    /** Key of the environment: id of the snapshot where neither URI nor path names one. */
    public static final String SNAPSHOT = "snapshot";

    /** File systems opened by URI, whichever instance did it: the JDK may make several. Guarded by itself. */
    private static final List<Registered> OPEN = new ArrayList<>();

    /** @param location as the URI had it */
    private record Registered(String location, String snapshot, SnapshotFileSystem fileSystem) {
        boolean isMeant(Name name) {
            boolean isLocation = name.location.equals(location)
                    || Location.parse(name.location).toString().equals(fileSystem.storeLocation());
            return isLocation
                    && (name.snapshot.equals(snapshot)
                            || fileSystem.snapshotId().startsWith(name.snapshot));
        }
    }

    /** A URI, taken apart. */
    private record Name(String location, String snapshot, byte[] path) {
        static Name parse(URI uri, String standard) {
            if (!SCHEME.equalsIgnoreCase(uri.getScheme())) {
                throw new IllegalArgumentException("no URI of a snapshot: " + uri);
            }
            String text = uri.getRawSchemeSpecificPart();
            int mark = text.indexOf("!/");
            String location = new String(unescape(mark < 0 ? text : text.substring(0, mark)), StandardCharsets.UTF_8);
            String rest = mark < 0 ? "" : text.substring(mark + 2);
            int slash = rest.indexOf('/');
            String snapshot = slash < 0 ? rest : rest.substring(0, slash);
            byte[] path = slash < 0 ? SnapshotPath.ROOT : unescape(rest.substring(slash));
            if (location.isEmpty()) {
                throw new IllegalArgumentException(
                        "no store in " + uri + ": armoire:LOCATION!/SNAPSHOT/PATH is wanted");
            }
            return new Name(location, snapshot.isEmpty() ? standard : snapshot, path);
        }

        private static byte[] unescape(String text) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
            byte[] raw = text.getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < raw.length; i++) {
                if (raw[i] == '%') { // two digits follow: a URI without them cannot be made
                    out.write(Character.digit(raw[i + 1], 16) << 4 | Character.digit(raw[i + 2], 16));
                    i += 2;
                } else {
                    out.write(raw[i]);
                }
            }
            return out.toByteArray();
        }
    }

    private static final class Standalone {
        static final ArmoireFileSystemProvider INSTANCE = new ArmoireFileSystemProvider();
    }

    /** For {@link java.util.ServiceLoader}; nobody else need make one. */
    public ArmoireFileSystemProvider() {}

    /** The one that the JDK knows; one of our own where it does not see our jar. */
    static ArmoireFileSystemProvider installed() {
        for (FileSystemProvider provider : installedProviders()) {
            if (provider instanceof ArmoireFileSystemProvider ours) {
                return ours;
            }
        }
        return Standalone.INSTANCE;
    }

    @Override
    public String getScheme() {
        return SCHEME;
    }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> environment) throws IOException {
        Name name = Name.parse(uri, standard(environment));
        synchronized (OPEN) {
            if (registered(name) != null) {
                throw new FileSystemAlreadyExistsException(uri.toString());
            }
        }
        SnapshotFileSystem opened = open(name.location, name.snapshot, environment);
        boolean isNew;
        synchronized (OPEN) { // by another thread meanwhile, or under another name
            isNew = OPEN.stream().noneMatch(other -> isSame(other.fileSystem, opened));
            if (isNew) {
                OPEN.add(new Registered(name.location, name.snapshot, opened));
            }
        }
        if (!isNew) {
            opened.close();
            throw new FileSystemAlreadyExistsException(uri.toString());
        }
        return opened;
    }

    private static boolean isSame(SnapshotFileSystem a, SnapshotFileSystem b) {
        return a.storeLocation().equals(b.storeLocation()) && a.snapshotId().equals(b.snapshotId());
    }

    /** Called with the lock on {@link #OPEN}. */
    private static @Nullable SnapshotFileSystem registered(Name name) {
        for (Registered registered : OPEN) {
            if (registered.isMeant(name)) {
                return registered.fileSystem;
            }
        }
        return null;
    }

    void forget(SnapshotFileSystem fileSystem) {
        synchronized (OPEN) {
            OPEN.removeIf(registered -> registered.fileSystem == fileSystem);
        }
    }

    @Override
    public FileSystem newFileSystem(Path path, Map<String, ?> environment) throws IOException {
        boolean isStore = path.getFileSystem().equals(FileSystems.getDefault())
                && (path.toString().endsWith(".ptar") || Files.isRegularFile(path.resolve("CONFIG")));
        if (!isStore) {
            throw new UnsupportedOperationException("neither a store nor a .ptar file: " + path);
        }
        return open(path.toAbsolutePath().toString(), standard(environment), environment);
    }

    private static String standard(Map<String, ?> environment) {
        return switch (environment.get(SNAPSHOT)) {
            case null -> Store.LATEST;
            case String id -> id;
            default -> throw new IllegalArgumentException(SNAPSHOT + " is not a String");
        };
    }

    private SnapshotFileSystem open(String location, String snapshot, Map<String, ?> environment) throws IOException {
        Store store = Store.open(location, options(environment.get(PASSPHRASE)));
        try {
            return new SnapshotFileSystem(this, store, store.snapshot(snapshot), true);
        } catch (IOException | RuntimeException e) {
            store.close();
            throw e;
        }
    }

    private static OpenOptions options(@Nullable Object passphrase) {
        return switch (passphrase) {
            case null -> OpenOptions.defaults();
            case char[] given -> OpenOptions.defaults().withPassphrase(given);
            case Supplier<?> supplier ->
                OpenOptions.defaults().withPassphrase(() -> {
                    if (supplier.get() instanceof char[] given) {
                        return given;
                    }
                    throw new IllegalArgumentException("the supplier of " + PASSPHRASE + " gives no char[]");
                });
            default ->
                throw new IllegalArgumentException(
                        PASSPHRASE + " is neither a char[] nor a Supplier of it (a String could not be wiped)");
        };
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
        return find(uri, Name.parse(uri, Store.LATEST));
    }

    private static SnapshotFileSystem find(URI uri, Name name) {
        synchronized (OPEN) {
            SnapshotFileSystem open = registered(name);
            if (open == null) {
                throw new FileSystemNotFoundException(uri + ": open it with FileSystems.newFileSystem first");
            }
            return open;
        }
    }

    @Override
    public Path getPath(URI uri) {
        Name name = Name.parse(uri, Store.LATEST);
        return SnapshotFilePath.of(find(uri, name), name.path);
    }

    // Reading

    static boolean follows(LinkOption... options) {
        return !Arrays.asList(options).contains(LinkOption.NOFOLLOW_LINKS);
    }

    private static Entry find(Path path, LinkOption... options) throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(path);
        return ours.getFileSystem().find(ours, follows(options));
    }

    private static Content content(SnapshotFilePath path, Set<? extends OpenOption> options) throws IOException {
        for (OpenOption option : options) {
            if (option == StandardOpenOption.WRITE
                    || option == StandardOpenOption.APPEND
                    || option == StandardOpenOption.DELETE_ON_CLOSE) {
                throw new ReadOnlyFileSystemException();
            }
        }
        SnapshotFileSystem fileSystem = path.getFileSystem();
        Entry entry = fileSystem.find(path, !options.contains(LinkOption.NOFOLLOW_LINKS));
        if (!entry.isRegular()) {
            throw new FileSystemException(
                    path.toString(), null, entry.isDirectory() ? "is a directory" : "not a regular file");
        }
        return fileSystem.reading(() -> Content.of(fileSystem.tree(), entry));
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(path);
        return new ContentChannel(content(ours, options), ours.getFileSystem());
    }

    @Override
    public FileChannel newFileChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(path);
        return new ContentFileChannel(content(ours, options), ours.getFileSystem());
    }

    @Override
    public InputStream newInputStream(Path path, OpenOption... options) throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(path);
        return new ContentStream(content(ours, Set.of(options)), ours.getFileSystem());
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path directory, DirectoryStream.Filter<? super Path> filter)
            throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(directory);
        Entry entry = find(directory);
        if (!entry.isDirectory()) {
            throw new NotDirectoryException(directory.toString());
        }
        SnapshotFileSystem fileSystem = ours.getFileSystem();
        return new Listing(ours, fileSystem.reading(() -> fileSystem.tree().children(entry)), filter);
    }

    /** The children of a directory. */
    private static final class Listing implements DirectoryStream<Path> {
        private final SnapshotFilePath directory;
        private final Filter<? super Path> filter;
        private @Nullable Iterator<Tree.Child> children;
        private volatile boolean closed;

        Listing(SnapshotFilePath directory, List<Tree.Child> children, Filter<? super Path> filter) {
            this.directory = directory;
            this.children = children.iterator();
            this.filter = filter;
        }

        @Override
        public synchronized Iterator<Path> iterator() {
            Iterator<Tree.Child> rest = children;
            if (rest == null || closed) {
                throw new IllegalStateException(
                        closed ? "the directory stream is closed" : "it has an iterator already");
            }
            children = null;
            return new Iterator<>() {
                private @Nullable Path next;

                @Override
                public synchronized boolean hasNext() {
                    while (next == null && !closed && rest.hasNext()) {
                        directory.getFileSystem().requireOpen();
                        Tree.Child child = rest.next();
                        Path path = directory.child(child.name(), child.entry());
                        try {
                            next = filter.accept(path) ? path : null;
                        } catch (IOException e) {
                            throw new DirectoryIteratorException(e);
                        }
                    }
                    return next != null;
                }

                @Override
                public synchronized Path next() {
                    if (!hasNext() || next == null) {
                        throw new NoSuchElementException();
                    }
                    Path found = next;
                    next = null;
                    return found;
                }
            };
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Override
    public Path readSymbolicLink(Path link) throws IOException {
        SnapshotFilePath ours = SnapshotFilePath.cast(link);
        Entry entry = find(link, LinkOption.NOFOLLOW_LINKS);
        if (Kind.of(entry.info().mode()) != Kind.SYMBOLIC_LINK) {
            throw new NotLinkException(link.toString());
        }
        return SnapshotFilePath.of(ours.getFileSystem(), entry.linkTarget());
    }

    @Override
    public boolean isSameFile(Path path, Path other) throws IOException {
        if (path.equals(other)) {
            return true;
        }
        return other instanceof SnapshotFilePath theirs
                && theirs.getFileSystem() == path.getFileSystem()
                && Arrays.equals(find(path).path(), find(other).path());
    }

    @Override
    public boolean isHidden(Path path) {
        Path name = path.getFileName();
        return name != null && name.toString().startsWith(".");
    }

    @Override
    public FileStore getFileStore(Path path) throws IOException {
        find(path);
        return new SnapshotFileStore(SnapshotFilePath.cast(path).getFileSystem());
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
        Entry entry = find(path);
        for (AccessMode mode : modes) {
            boolean isExecutable = entry.isDirectory()
                    || (FileMode.unixPermissions(entry.info().mode()) & 0111) != 0;
            if (mode == AccessMode.WRITE || mode == AccessMode.EXECUTE && !isExecutable) {
                throw new AccessDeniedException(
                        path.toString(), null, mode == AccessMode.WRITE ? "snapshots do not change" : "not executable");
            }
        }
    }

    // Attributes

    static boolean isSupported(Class<? extends FileAttributeView> type) {
        return type == BasicFileAttributeView.class
                || type == PosixFileAttributeView.class
                || type == FileOwnerAttributeView.class;
    }

    @Override
    public <V extends FileAttributeView> @Nullable V getFileAttributeView(
            Path path, Class<V> type, LinkOption... options) {
        if (!isSupported(type)) {
            return null;
        }
        String name = type == PosixFileAttributeView.class
                ? "posix"
                : type == FileOwnerAttributeView.class ? "owner" : "basic";
        return type.cast(new SnapshotFileAttributeView(name, SnapshotFilePath.cast(path), options));
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options)
            throws IOException {
        if (type != BasicFileAttributes.class && type != PosixFileAttributes.class) {
            throw new UnsupportedOperationException("basic and posix attributes only, not " + type.getName());
        }
        return type.cast(new SnapshotFileAttributes(find(path, options)));
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options) throws IOException {
        int colon = attributes.indexOf(':');
        String view = colon < 0 ? "basic" : attributes.substring(0, colon);
        if (!SnapshotFileSystem.VIEWS.contains(view)) {
            throw new UnsupportedOperationException("no attribute view " + view);
        }
        Map<String, Object> all = all(view, new SnapshotFileAttributes(find(path, options)));
        Map<String, Object> wanted = new LinkedHashMap<>();
        for (String name : attributes.substring(colon + 1).split(",", -1)) {
            if (name.equals("*")) {
                wanted.putAll(all);
            } else if (all.containsKey(name)) {
                wanted.put(name, all.get(name));
            } else {
                throw new IllegalArgumentException("view " + view + " has no attribute " + name);
            }
        }
        return wanted;
    }

    private static Map<String, Object> all(String view, SnapshotFileAttributes attributes) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("owner", attributes.owner());
        if (view.equals("owner")) {
            return all;
        }
        all.clear();
        all.put("size", attributes.size());
        all.put("lastModifiedTime", attributes.lastModifiedTime());
        all.put("lastAccessTime", attributes.lastAccessTime());
        all.put("creationTime", attributes.creationTime());
        all.put("isRegularFile", attributes.isRegularFile());
        all.put("isDirectory", attributes.isDirectory());
        all.put("isSymbolicLink", attributes.isSymbolicLink());
        all.put("isOther", attributes.isOther());
        Object key = attributes.fileKey();
        if (key != null) {
            all.put("fileKey", key);
        }
        if (!view.equals("basic")) {
            all.put("owner", attributes.owner());
            all.put("group", attributes.group());
            all.put("permissions", attributes.permissions());
        }
        if (view.equals("unix")) {
            FileInfo info = attributes.entry().info();
            all.put("mode", FileMode.toUnix(info.mode()));
            all.put("ino", info.ino());
            all.put("dev", info.dev());
            all.put("nlink", (int) info.nlink());
            all.put("uid", (int) info.uid());
            all.put("gid", (int) info.gid());
        }
        return all;
    }

    // Writing

    @Override
    public void setAttribute(Path path, String attribute, @Nullable Object value, LinkOption... options) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void createDirectory(Path directory, FileAttribute<?>... attributes) {
        throw refused(directory);
    }

    @Override
    public void delete(Path path) {
        throw refused(path);
    }

    /** Copies out of snapshots go through streams; there are none within one. */
    @Override
    public void copy(Path source, Path target, CopyOption... options) {
        throw refused(target);
    }

    @Override
    public void move(Path source, Path target, CopyOption... options) {
        throw refused(target);
    }

    private static ReadOnlyFileSystemException refused(Path path) {
        SnapshotFilePath.cast(path).getFileSystem().requireOpen();
        return new ReadOnlyFileSystemException();
    }
}
