// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Copies of packfiles of a store that is far away, in a folder below the cache folder: those that this machine wrote with the
 * trees of snapshots, in full, and what a backup has read of others. A file has the bytes of its packfile at their places, as they
 * are stored, so encrypted in an encrypted store; what was not read of it is a hole.
 *
 * <p>Nothing here is trusted: whoever reads a blob verifies it, as if it came from the store, and calls {@link #forget} when it is
 * not what it should be. So nothing is synced, two processes may write the same file, and whatever fails counts as not being there.
 * Who wants to know what the store has does not ask here. Owns open files, until it is closed. Thread-safe.
 */
final class PackfileCopies implements AutoCloseable {
    /** What the files of one store may have together, holes included. The trees of a million files take about as much. */
    static final long MAX_BYTES = 1L << 30;

    /** An archive is one packfile, of any size. */
    private static final long MAX_FILE_BYTES = 128L << 20;

    /** What is in use does not make room for more of the same. */
    private static final Duration IN_USE = Duration.ofHours(1);

    private static final long LEFT_FREE_BYTES = 1L << 30;
    private static final int MAX_OPEN = 32;
    private static final int PROBED_BYTES = 16;
    private static final int NAME_DIGITS = 2 * Mac.BYTES;
    private static final String NEW = "new-";

    private final Path folder;
    private final long maxBytes;
    /** Null until somebody asks. */
    private @Nullable Map<Mac, Copy> copies;

    private long bytes;
    private boolean mayGrow = true;
    private final Map<Mac, FileChannel> open = new LinkedHashMap<>(MAX_OPEN, 0.75f, true);

    /** A file. */
    private record Copy(long length, Instant lastUse) {}

    /**
     * @param folder made when there is something to put into it
     * @param maxBytes of all files together
     */
    PackfileCopies(Path folder, long maxBytes) {
        this.folder = folder;
        this.maxBytes = maxBytes;
    }

    private Map<Mac, Copy> copies() {
        Map<Mac, Copy> known = copies;
        if (known != null) {
            return known;
        }
        Map<Mac, Copy> found = new HashMap<>();
        Instant longAgo = Instant.now().minus(IN_USE);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                Instant lastUse = attributes.lastModifiedTime().toInstant();
                String name = String.valueOf(file.getFileName());
                if (name.length() == NAME_DIGITS && !name.startsWith(NEW)) {
                    found.put(Mac.parse(name), new Copy(attributes.size(), lastUse));
                    bytes += attributes.size();
                } else if (lastUse.isBefore(longAgo)) {
                    Files.deleteIfExists(file); // of a process that was killed
                }
            }
        } catch (IOException | RuntimeException e) {
            // There is none yet, or another process tidies up: what was not seen is as not there.
        }
        copies = found;
        return found;
    }

    /** Fills {@code into} from byte {@code at} of a packfile; says whether there was something. */
    boolean read(Mac packfile, long at, MemorySegment into) {
        FileChannel file = channel(packfile);
        if (file == null) {
            return false;
        }
        try {
            ByteBuffer rest = into.asByteBuffer();
            while (rest.hasRemaining()) {
                if (file.read(rest, at + rest.position()) < 0) {
                    return false;
                }
            }
        } catch (IOException e) {
            return false;
        }
        return !isHole(into);
    }

    /** What begins with zeros may be no hole; then it is fetched as if it were one. */
    private static boolean isHole(MemorySegment bytes) {
        long probed = Math.min(PROBED_BYTES, bytes.byteSize());
        for (long i = 0; i < probed; i++) {
            if (bytes.get(JAVA_BYTE, i) != 0) {
                return false;
            }
        }
        return true;
    }

    private synchronized @Nullable FileChannel channel(Mac packfile) {
        FileChannel known = open.get(packfile);
        Copy copy = copies().get(packfile);
        if (known != null || copy == null) {
            return known;
        }
        try {
            Path file = file(packfile);
            FileChannel opened = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            opened(packfile, opened);
            Instant now = Instant.now();
            Files.setLastModifiedTime(file, FileTime.from(now));
            copies().put(packfile, new Copy(copy.length, now));
            return opened;
        } catch (IOException e) {
            forget(packfile);
            return null;
        }
    }

    private void opened(Mac packfile, FileChannel file) throws IOException {
        if (open.size() >= MAX_OPEN) {
            var eldest = open.entrySet().iterator();
            FileChannel least = eldest.next().getValue();
            eldest.remove();
            least.close(); // who reads from it right now goes to the store
        }
        open.put(packfile, file);
    }

    private Path file(Mac packfile) {
        return folder.resolve(packfile.hex());
    }

    /**
     * Keeps a packfile that is in the store.
     *
     * @param parts all of it, borrowed for the call
     */
    void put(Mac packfile, List<MemorySegment> parts) {
        long length = parts.stream().mapToLong(MemorySegment::byteSize).sum();
        if (!makeRoom(packfile, length)) {
            return;
        }
        try {
            Path next = Files.createTempFile(folder, NEW, null); // readable by its owner only
            try {
                try (FileChannel out = FileChannel.open(next, StandardOpenOption.WRITE)) {
                    for (MemorySegment part : parts) {
                        write(out, out.position(), part);
                        out.position(out.position() + part.byteSize());
                    }
                }
                Files.move(next, file(packfile), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(next);
            }
            note(packfile, length);
        } catch (IOException e) {
            stopGrowing();
        }
    }

    /** Keeps what was read of a packfile, from byte {@code at} on, and verified. */
    void put(Mac packfile, long at, MemorySegment verified) {
        long end = at + verified.byteSize();
        if (end > MAX_FILE_BYTES || !makeRoom(packfile, end)) {
            return;
        }
        try {
            FileChannel file = channel(packfile);
            if (file == null) {
                file = create(packfile);
            }
            write(file, at, verified);
            note(packfile, end);
        } catch (IOException e) {
            stopGrowing();
        }
    }

    private synchronized FileChannel create(Mac packfile) throws IOException {
        Path next = Files.createTempFile(folder, NEW, null);
        Files.move(next, file(packfile), StandardCopyOption.ATOMIC_MOVE);
        FileChannel file = FileChannel.open(file(packfile), StandardOpenOption.READ, StandardOpenOption.WRITE);
        opened(packfile, file);
        return file;
    }

    private static void write(FileChannel out, long at, MemorySegment bytes) throws IOException {
        ByteBuffer rest = bytes.asByteBuffer();
        while (rest.hasRemaining()) {
            out.write(rest, at + rest.position());
        }
    }

    private synchronized void note(Mac packfile, long end) {
        Copy before = copies().get(packfile);
        long length = Math.max(end, before == null ? 0 : before.length);
        bytes += length - (before == null ? 0 : before.length);
        copies().put(packfile, new Copy(length, Instant.now()));
    }

    /** A disk that is full, or a folder that may not be written: not tried again by this process. */
    private synchronized void stopGrowing() {
        mayGrow = false;
    }

    /** Whether a file may have so many bytes, for which those that were not used for the longest time go. */
    private synchronized boolean makeRoom(Mac packfile, long length) {
        Copy known = copies().get(packfile);
        long more = length - (known == null ? 0 : known.length);
        if (more <= 0) {
            return mayGrow;
        }
        if (!mayGrow || length > MAX_FILE_BYTES) {
            return false;
        }
        if (known == null && !hasFolder()) {
            mayGrow = false;
            return false;
        }
        if (bytes + more > maxBytes) {
            Instant longAgo = Instant.now().minus(IN_USE);
            List<Map.Entry<Mac, Copy>> unused = new ArrayList<>(copies().entrySet());
            unused.removeIf(entry -> !entry.getValue().lastUse.isBefore(longAgo));
            unused.sort(Comparator.comparing((Map.Entry<Mac, Copy> entry) -> entry.getValue().lastUse));
            for (Map.Entry<Mac, Copy> eldest : unused) {
                if (bytes + more <= maxBytes) {
                    break;
                }
                forget(eldest.getKey());
            }
        }
        return bytes + more <= maxBytes;
    }

    private boolean hasFolder() {
        try {
            Files.createDirectories(folder);
            return Files.getFileStore(folder).getUsableSpace() >= LEFT_FREE_BYTES;
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes a file in which something is wrong. */
    synchronized void forget(Mac packfile) {
        Copy copy = copies().remove(packfile);
        bytes -= copy == null ? 0 : copy.length;
        FileChannel file = open.remove(packfile);
        try {
            if (file != null) {
                file.close();
            }
            Files.deleteIfExists(file(packfile));
        } catch (IOException e) {
            // Then it stays, and is not asked by this process.
        }
    }

    /** Removes the copies of packfiles that the store does not have any more. */
    synchronized void retain(Predicate<Mac> isStored) {
        if (copies != null) {
            copies().keySet().stream()
                    .filter(packfile -> !isStored.test(packfile))
                    .toList()
                    .forEach(this::forget);
        }
    }

    @Override
    public synchronized void close() {
        for (FileChannel file : open.values()) {
            try {
                file.close();
            } catch (IOException e) {
                // Nothing in it is missed.
            }
        }
        open.clear();
    }
}
