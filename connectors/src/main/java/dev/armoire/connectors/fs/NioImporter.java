// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.HostName;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportOptions.FolderTags;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The twin of {@link PosixImporter} for systems without it: no extended attributes, no names of owners, no device numbers
 * and, where NIO does not tell them, no owners and permissions. Says so once in the log.
 */
final class NioImporter implements Importer {
    private static final System.Logger LOG = System.getLogger(NioImporter.class.getName());

    private final Path root;
    private final ImportOptions options;
    private final FsSettings settings;

    NioImporter(Path root, ImportOptions options, FsSettings settings) throws IOException {
        this.root = root.toAbsolutePath().normalize();
        this.options = options;
        this.settings = settings;
        attributes(this.root);
        LOG.log(
                System.Logger.Level.INFO,
                "fs: extended attributes, owner names and device numbers are not read on this system");
    }

    @Override
    public String type() {
        return "fs";
    }

    @Override
    public String origin() {
        return HostName.get();
    }

    @Override
    public byte[] root() {
        return snapshotPath(root.toString(), root.getFileSystem().getSeparator());
    }

    /** {@code C:\a} is stored as {@code /C:/a} (format 2a §1). */
    static byte[] snapshotPath(String path, String separator) {
        String slashes = path.replace(separator, "/");
        return BytePath.clean(BytePath.ROOT, slashes.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] snapshotPath(Path path) {
        return snapshotPath(path.toString(), path.getFileSystem().getSeparator());
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        Path real = Files.isSymbolicLink(root) ? root.toRealPath() : root;
        List<Path> skipped = options.skippedPaths().stream()
                .map(path -> path.toAbsolutePath().normalize())
                .toList();
        deliverParents(sink, real);
        if (options.excludes().isExcluded(snapshotPath(real), isDirectory(real))) {
            return;
        }
        deliver(sink, real);
        FileStore store = Files.getFileStore(real);
        Deque<Path> directories = new ArrayDeque<>();
        if (isDirectory(real)) {
            directories.push(real);
        }
        while (!directories.isEmpty() && !sink.isStopped()) {
            Path directory = directories.pop();
            List<Path> entered = new ArrayList<>();
            for (Path child : withoutTagged(children(sink, directory))) {
                boolean isDirectory = isDirectory(child);
                boolean leftOut = skipped.stream().anyMatch(child::startsWith)
                        || options.excludes().isExcluded(snapshotPath(child), isDirectory)
                        || (isDirectory && isElsewhere(child, store));
                if (!leftOut && deliver(sink, child) && isDirectory) {
                    entered.add(child);
                }
            }
            entered.reversed().forEach(directories::push);
        }
    }

    /** Of the children of a directory that is marked as one whose contents are left out, the marks. */
    private List<Path> withoutTagged(List<Path> children) {
        if (options.tags().isEmpty()) {
            return children;
        }
        List<Path> found = children.stream().filter(this::isTag).toList();
        return found.isEmpty() ? children : found;
    }

    private boolean isTag(Path file) {
        String name = file.getFileName().toString();
        boolean isNamed = options.tags().names().contains(name);
        boolean isCache = options.tags().caches() && name.equals(FolderTags.CACHE_TAG);
        if (!(isNamed || isCache) || isDirectory(file)) {
            return false;
        }
        return isNamed || beginsWithSignature(file);
    }

    private static boolean beginsWithSignature(Path file) {
        byte[] wanted = FolderTags.CACHE_SIGNATURE.getBytes(StandardCharsets.US_ASCII);
        try (var content = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return Arrays.equals(content.readNBytes(wanted.length), wanted);
        } catch (IOException e) {
            return false; // it is told when it is read
        }
    }

    private boolean isElsewhere(Path directory, FileStore store) {
        try {
            return settings.staysOnFileSystem()
                    && !Files.getFileStore(directory).equals(store);
        } catch (IOException e) {
            return false; // it is told when it is read
        }
    }

    private static List<Path> children(ImportSink sink, Path directory) {
        try (var stream = Files.list(directory)) {
            return stream.sorted((a, b) -> Arrays.compareUnsigned(snapshotPath(a), snapshotPath(b)))
                    .toList();
        } catch (IOException | java.io.UncheckedIOException e) {
            sink.error(snapshotPath(directory), "open " + directory + ": " + reason(e));
            return List.of();
        }
    }

    private void deliverParents(ImportSink sink, Path real) {
        Set<Path> paths = new HashSet<>();
        for (Path at = real.getParent(); at != null; at = at.getParent()) {
            paths.add(at);
        }
        for (Path at = real.equals(root) ? null : root; at != null; at = at.getParent()) {
            paths.add(at);
        }
        Set<String> told = new HashSet<>();
        paths.stream().filter(path -> !path.startsWith(real)).sorted().forEach(path -> {
            deliver(sink, path);
            told.add(BytePath.text(snapshotPath(path)));
        });
        if (!told.contains("/") && real.getParent() != null) { // drives have no common directory
            var info = new FileInfo(
                    0, FileMode.DIRECTORY | 0755, -62_135_596_800L, 0, 0, 0, 0, 0, 0, "", "", 0); // Go's zero time
            sink.record(new NioRecord(real, BytePath.ROOT, info, BytePath.EMPTY));
        }
    }

    private static boolean isDirectory(Path path) {
        return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
    }

    private static boolean deliver(ImportSink sink, Path path) {
        byte[] name = snapshotPath(path);
        try {
            FileInfo info = attributes(path);
            byte[] target = FileMode.isSymlink(info.mode())
                    ? Files.readSymbolicLink(path).toString().getBytes(StandardCharsets.UTF_8)
                    : BytePath.EMPTY;
            sink.record(new NioRecord(path, name, info, target));
            return true;
        } catch (IOException e) {
            sink.error(name, e.getMessage() == null ? "lstat " + path : e.getMessage());
            return false;
        }
    }

    static FileInfo attributes(Path path) throws IOException {
        try {
            if (path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
                return unixInfo(Files.readAttributes(
                        path, "unix:size,mode,lastModifiedTime,dev,ino,uid,gid,nlink", LinkOption.NOFOLLOW_LINKS));
            }
            var basic = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            int mode = basic.isDirectory()
                    ? FileMode.DIRECTORY | 0755
                    : basic.isSymbolicLink()
                            ? FileMode.SYMLINK | 0777
                            : basic.isRegularFile() ? 0644 : FileMode.IRREGULAR | 0644;
            var time = basic.lastModifiedTime().toInstant();
            return new FileInfo(basic.size(), mode, time.getEpochSecond(), time.getNano(), 0, 0, 0, 0, 0, "", "", 0);
        } catch (IOException e) {
            throw new IOException("lstat " + path + ": " + reason(e), e);
        }
    }

    private static FileInfo unixInfo(Map<String, Object> values) {
        var time = ((FileTime) value(values, "lastModifiedTime")).toInstant();
        return new FileInfo(
                number(values, "size"),
                FileMode.fromUnix((int) number(values, "mode")),
                time.getEpochSecond(),
                time.getNano(),
                number(values, "dev"),
                number(values, "ino"),
                number(values, "uid"),
                number(values, "gid"),
                number(values, "nlink"),
                "",
                "",
                0);
    }

    private static long number(Map<String, Object> values, String name) {
        return ((Number) value(values, name)).longValue();
    }

    private static Object value(Map<String, Object> values, String name) {
        Object value = values.get(name);
        if (value == null) {
            throw new IllegalStateException("this system does not tell the attribute " + name);
        }
        return value;
    }

    private static String reason(Exception e) {
        return switch (e) {
            case NoSuchFileException missing -> "no such file or directory";
            case java.nio.file.AccessDeniedException denied -> "permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }

    @Override
    public void close() {
        // holds nothing
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record NioRecord(Path file, byte[] path, FileInfo info, byte[] linkTarget) implements ImportRecord {
        @Override
        public List<byte[]> xattrNames() {
            return List.of();
        }

        @Override
        public byte[] readXattr(byte[] name) throws IOException {
            throw new IOException("getxattr " + file + ": extended attributes are not read on this system");
        }

        @Override
        public Content open() throws IOException {
            if (!FileMode.isRegular(info.mode())) {
                throw new IOException("open " + file + ": not a regular file");
            }
            try {
                return new NioContent(file, FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
            } catch (IOException e) {
                throw new IOException("open " + file + ": " + reason(e), e);
            }
        }
    }

    record NioContent(Path file, FileChannel channel) implements ImportRecord.Content {
        private static final long STEP = 1 << 30; // a ByteBuffer cannot be larger than 2 GiB

        @Override
        public long read(MemorySegment into) throws IOException {
            long filled = 0;
            while (filled < into.byteSize()) {
                long step = Math.min(STEP, into.byteSize() - filled);
                int count = channel.read(into.asSlice(filled, step).asByteBuffer());
                if (count < 0) {
                    break;
                }
                filled += count;
            }
            return filled;
        }

        @Override
        public ImportRecord.Version version() throws IOException {
            FileInfo info = attributes(file);
            return new ImportRecord.Version(info.size(), info.mtimeSeconds(), info.mtimeNanos());
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "close of a file that was read", e);
            }
        }
    }
}
