// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.snapshot.Directories.Directory;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.function.Consumer;

/**
 * Collects what a backup finds, in any order and from many threads, and then builds the six trees, the directory listings
 * and the summaries of the snapshot (format 2a). Per file it holds nothing on the heap: entries lie in a {@link ScanLog},
 * from which each directory is gathered once, in descending order of paths, so that children come before their parents.
 */
public final class SnapshotTrees implements AutoCloseable {
    /** The indexes that every snapshot has, in the order of the header. */
    public static final List<String> INDEXES =
            List.of(SnapshotHeader.CONTENT_TYPE_INDEX, SnapshotHeader.DIRPACK_INDEX, SnapshotHeader.SUMMARY_INDEX);

    private static final int IS_DIRECTORY = 0xFFFF;
    /** A line of a sorted directory: media u16, name length u16, MAC, name. */
    private static final int RUN_MEDIA_AT = 0;

    private static final int RUN_NAME_LENGTH_AT = 2;
    private static final int RUN_MAC_AT = 4;
    private static final int RUN_NAME_AT = RUN_MAC_AT + Mac.BYTES;

    /** Tells the threads that gather directories to stop. */
    private static final Directory END = new Directory();

    private final ScanLog log;
    private final Directories directories = new Directories();
    private final Positions errors = new Positions();
    private final Positions xattrs = new Positions();
    private final Directory root = directories.root();

    /** @param scratch folder for a temporary file, made when it is not there */
    public SnapshotTrees(Path scratch) throws IOException {
        log = new ScanLog(scratch);
    }

    /** The roots of what was built, as the header carries them. */
    public record Roots(Mac vfs, Mac xattrs, Mac errors, List<SnapshotHeader.Index> indexes, Summary summary) {}

    /** Positions in the log, in arrival order. */
    private static final class Positions {
        private long[] values = new long[16];
        private int count;

        synchronized void add(long position) {
            if (count == values.length) {
                values = Arrays.copyOf(values, count * 2);
            }
            values[count++] = position;
        }
    }

    /**
     * Adds an item. Its entry blob is stored already, or will be before the snapshot is.
     *
     * @param encoded the entry as {@link Entry#encode} gives it, borrowed for the call
     */
    public void add(byte[] path, boolean isDirectory, Mac mac, MemorySegment encoded) {
        Directory parent;
        if (isDirectory) {
            Directory directory = directories.at(path);
            directory.hasEntry = true;
            parent = directory.parent;
        } else {
            parent = directories.parentOf(path);
        }
        synchronized (parent) {
            parent.lastChild = log.append(parent.lastChild, mac, encoded);
            parent.children++;
        }
    }

    /** Adds a path that could not be read, whose error-entry blob is stored. */
    public void addError(byte[] path, Mac mac) {
        errors.add(log.append(ScanLog.NONE, mac, MemorySegment.ofArray(path)));
        directories.parentOf(path); // every ancestor is a directory of the snapshot
    }

    /** Adds an attribute whose xattr-entry blob is stored. */
    public void addXattr(XattrItem item, Mac mac) {
        xattrs.add(log.append(ScanLog.NONE, mac, MemorySegment.ofArray(item.key())));
    }

    /** Visits the paths of all directories that were added, in the order of their bytes. No more items may be added. */
    public void forEachDirectory(Consumer<byte[]> visitor) {
        for (Directory directory : directories.byPath()) {
            if (directory.hasEntry) {
                visitor.accept(directory.path());
            }
        }
    }

    /**
     * What one thread needs to build with; nothing in it is used by two threads at once.
     *
     * @param writer scratch
     */
    public record Builder(BlobSink sink, ContentStore contents, MsgpackWriter writer) {}

    /**
     * Builds and stores everything below the header. No more items may be added.
     *
     * @param builders one for each thread to be used, at least one; the first is the calling thread's
     */
    public Roots build(List<Builder> builders) throws IOException {
        Builder first = builders.getFirst();
        synthesiseParents(first);
        log.flush();
        List<Directory> descending = directories.byPath().reversed();
        Media media = new Media();
        countErrors();
        gatherAll(descending, builders, media);
        Mac[] vfs = {Mac.ZERO};
        Mac[] others = new Mac[5];
        Builder second = builders.size() > 1 ? builders.get(1) : first;
        Threads.runBoth(builders.size() > 1, () -> vfs[0] = buildVfs(second), () -> {
            TreeBuilder dirpacks = new TreeBuilder(TreeKind.INDEX, first.sink, first.writer);
            TreeBuilder summaries = new TreeBuilder(TreeKind.INDEX, first.sink, first.writer);
            for (Directory directory : descending) {
                byte[] path = directory.path();
                dirpacks.add(path, directory.dirpack);
                summaries.add(path, directory.summaryMac);
            }
            others[0] = buildContentTypes(first, media);
            others[1] = dirpacks.finish();
            others[2] = summaries.finish();
            others[3] = buildSorted(TreeKind.XATTRS, xattrs, first);
            others[4] = buildSorted(TreeKind.ERRORS, errors, first);
        });
        List<SnapshotHeader.Index> indexes = new ArrayList<>();
        for (int i = 0; i < INDEXES.size(); i++) {
            indexes.add(new SnapshotHeader.Index(INDEXES.get(i), others[i]));
        }
        Summary summary = root.summary;
        if (summary == null) {
            throw new IllegalStateException("no summary for /");
        }
        return new Roots(vfs[0], others[3], others[4], indexes, summary);
    }

    /** Counts the paths that have an error where they count: in the directory that they stand in. */
    private void countErrors() {
        try (Views views = new Views(log.window(), log.window())) {
            log.sort(errors.values, errors.count, record -> record, views.left, views.right);
            byte[] last = SnapshotPath.ROOT; // which stands in no directory
            for (int i = 0; i < errors.count; i++) {
                views.left.seek(errors.values[i]);
                byte[] path = views.left.entry().toArray(JAVA_BYTE);
                if (!Arrays.equals(path, last) && !SnapshotPath.isRoot(path)) {
                    directories.parentOf(path).errors++;
                }
                last = path;
            }
        }
    }

    /** Gathers every directory once its sub-directories are done, on as many threads as there are builders. */
    private void gatherAll(List<Directory> descending, List<Builder> builders, Media media) throws IOException {
        LinkedBlockingDeque<Directory> ready = new LinkedBlockingDeque<>();
        for (Directory directory : descending) {
            directory.waitingFor.set(directory.subdirectories());
            if (directory.subdirectories() == 0) {
                ready.add(directory);
            }
        }
        List<Threads.Work> work = new ArrayList<>();
        for (Builder builder : builders) {
            work.add(() -> {
                try (Views views = new Views(log.window(), log.window())) {
                    for (Directory directory = ready.take(); directory != END; directory = ready.take()) {
                        gather(directory, builder, media, views);
                        if (directory == root) {
                            break;
                        }
                        Directory parent = directory.parent;
                        if (parent.waitingFor.decrementAndGet() == 0) {
                            ready.addFirst(parent); // soon, while its children are in the cache
                        }
                    }
                } finally {
                    ready.addFirst(END); // also when this thread fails: the others stop
                }
            });
        }
        Threads.runAll(work);
    }

    /** Gives every directory that no source has delivered, but that something lies in, an entry (format 2a §13). */
    private void synthesiseParents(Builder builder) {
        MsgpackWriter writer = builder.writer;
        for (Directory directory : directories.byDepth()) {
            if (!directory.hasEntry) {
                writer.reset();
                byte[] path = directory.path();
                Entry.synthesisedDirectory(path).encode(writer);
                Mac mac = builder.sink.store(ResourceType.VFS_ENTRY, writer.written());
                add(path, true, mac, writer.written());
            }
        }
    }

    /** Two windows on the log, so that records far apart can be compared. */
    private record Views(ScanLog.Window left, ScanLog.Window right) implements AutoCloseable {
        @Override
        public void close() {
            left.close();
            right.close();
        }
    }

    /** Stores listing and summary of a directory, whose sub-directories are done, and leaves its sorted run in the log. */
    private void gather(Directory directory, Builder builder, Media media, Views views) throws IOException {
        MsgpackWriter writer = builder.writer;
        int parentBytes = directory.pathLength();
        long[] positions = new long[directory.children];
        int count = directory.children;
        ScanLog.Window window = views.left;
        try (Arena arena = Arena.ofConfined()) {
            long at = directory.lastChild;
            for (int i = count - 1; i >= 0; i--) {
                positions[i] = at;
                window.seek(at);
                at = window.previous();
            }
            log.sort(positions, count, entry -> Entry.encodedName(entry, parentBytes), window, views.right);
            Summary summary = new Summary();
            Run run = new Run(arena);
            Listing listing = new Listing(directory, positions, count, window, summary, run, media);
            directory.dirpack =
                    builder.contents.store(listing, ContentStore.Kind.LISTING).object();
            summary.finish(directory.errors);
            directory.summary = summary;
            writer.reset();
            summary.encode(writer);
            directory.summaryMac = builder.sink.store(ResourceType.VFS_SUMMARY, writer.written());
            directory.runPosition = log.appendRaw(run.bytes());
            directory.runBytes = run.bytes().byteSize();
        }
    }

    /** The content of a directory's listing; in passing, its children are counted and its run is written. */
    private final class Listing implements ContentStore.Reader {
        private final Directory directory;
        private final long[] positions;
        private final int count;
        private final ScanLog.Window window;
        private final Summary summary;
        private final Run run;
        private final Media media;
        private byte[] frame = new byte[1024];
        private int frameBytes;
        private int frameRead;
        private int next;

        Listing(
                Directory directory,
                long[] positions,
                int count,
                ScanLog.Window window,
                Summary summary,
                Run run,
                Media media) {
            this.directory = directory;
            this.positions = positions;
            this.count = count;
            this.window = window;
            this.summary = summary;
            this.run = run;
            this.media = media;
        }

        @Override
        public long read(MemorySegment into) {
            long filled = 0;
            while (filled < into.byteSize()) {
                if (frameRead == frameBytes && !nextFrame()) {
                    break;
                }
                int part = (int) Math.min(into.byteSize() - filled, frameBytes - frameRead);
                MemorySegment.copy(MemorySegment.ofArray(frame), frameRead, into, filled, part);
                frameRead += part;
                filled += part;
            }
            return filled;
        }

        private boolean nextFrame() {
            while (next < count) {
                // Of records with one name the last one that came is the one that counts.
                int at = next++;
                window.seek(positions[at]);
                Entry entry = Entry.decode(new MsgpackReader(window.entry(), "entry"));
                if (SnapshotPath.isRoot(entry.name()) || isRepeated(entry.name(), at)) {
                    continue;
                }
                take(entry, window.mac(), window.entry());
                return true;
            }
            return false;
        }

        private boolean isRepeated(byte[] name, int at) {
            if (at + 1 == count) {
                return false;
            }
            window.seek(positions[at + 1]);
            boolean repeated =
                    MemorySegment.ofArray(name).mismatch(Entry.encodedName(window.entry(), directory.pathLength())) < 0;
            window.seek(positions[at]);
            return repeated;
        }

        private void take(Entry entry, Mac mac, MemorySegment encoded) {
            frameBytes = Dirpack.FRAME_OVERHEAD + (int) encoded.byteSize();
            if (frame.length < frameBytes) {
                frame = new byte[frameBytes * 2];
            }
            Dirpack.writeFrame(MemorySegment.ofArray(frame), 0, entry.isDirectory(), encoded, mac);
            frameRead = 0;
            if (entry.isDirectory()) {
                Directory child = directories.find(directory, entry.name());
                if (child == null || child.summary == null) {
                    throw new IllegalStateException("directory " + SnapshotPath.display(entry.path()) + " is not done");
                }
                summary.addDirectory(child.summary);
                child.summary = null;
                run.add(IS_DIRECTORY, entry.name(), mac);
            } else {
                summary.addFile(entry);
                run.add(media.number(entry.contentType()), entry.name(), mac);
            }
        }
    }

    /** Media types by number, and the files of each in descending order of their paths. */
    private static final class Media {
        private final Map<String, Integer> byType = new HashMap<>();
        private final Map<String, Integer> byMedia = new HashMap<>();
        private final List<String> names = new ArrayList<>();

        synchronized int number(String contentType) {
            Integer known = byType.get(contentType);
            if (known != null) {
                return known;
            }
            int semicolon = contentType.indexOf(';');
            String media = (semicolon < 0 ? contentType : contentType.substring(0, semicolon)).strip();
            int number = byMedia.computeIfAbsent(media, key -> {
                names.add(media);
                return names.size() - 1;
            });
            byType.put(contentType, number);
            return number;
        }
    }

    /** The lines of one directory, sorted by name, growing off-heap. */
    private static final class Run {
        private final Arena arena;
        private MemorySegment bytes;
        private long used;

        Run(Arena arena) {
            this.arena = arena;
            this.bytes = arena.allocate(4096);
        }

        void add(int media, byte[] name, Mac mac) {
            long needed = used + RUN_NAME_AT + name.length;
            if (needed > bytes.byteSize()) {
                MemorySegment larger = arena.allocate(needed * 2);
                MemorySegment.copy(bytes, 0, larger, 0, used);
                bytes = larger;
            }
            bytes.set(JAVA_SHORT_UNALIGNED, used + RUN_MEDIA_AT, (short) media);
            bytes.set(JAVA_SHORT_UNALIGNED, used + RUN_NAME_LENGTH_AT, (short) name.length);
            mac.write(bytes, used + RUN_MAC_AT);
            MemorySegment.copy(name, 0, bytes, JAVA_BYTE, used + RUN_NAME_AT, name.length);
            used = needed;
        }

        MemorySegment bytes() {
            return bytes.asSlice(0, used);
        }
    }

    /** A run read back, with the start of each line. */
    private final class Lines {
        private final MemorySegment bytes;
        private int[] starts = new int[32];
        private int count;

        Lines(Directory directory, Arena arena) {
            bytes = arena.allocate(Math.max(1, directory.runBytes)).asSlice(0, directory.runBytes);
            log.read(bytes, directory.runPosition);
            for (int at = 0; at < bytes.byteSize(); at += RUN_NAME_AT + nameLength(at)) {
                if (count == starts.length) {
                    starts = Arrays.copyOf(starts, count * 2);
                }
                starts[count++] = at;
            }
        }

        private int nameLength(int start) {
            return bytes.get(JAVA_SHORT_UNALIGNED, start + RUN_NAME_LENGTH_AT) & 0xFFFF;
        }

        int start(int line) {
            return starts[line];
        }

        int media(int line) {
            return bytes.get(JAVA_SHORT_UNALIGNED, starts[line] + RUN_MEDIA_AT) & 0xFFFF;
        }

        boolean isDirectory(int line) {
            return media(line) == IS_DIRECTORY;
        }

        Mac mac(int line) {
            return Mac.read(bytes, starts[line] + RUN_MAC_AT);
        }

        byte[] name(int line) {
            return nameAt(starts[line]);
        }

        byte[] nameAt(int start) {
            return bytes.asSlice(start + RUN_NAME_AT, nameLength(start)).toArray(JAVA_BYTE);
        }

        /** Lines in the order of whole paths, where a directory stands for what is below it: "a-b" before "a/x". */
        Integer[] byWholePath() {
            Integer[] lines = new Integer[count];
            for (int i = 0; i < count; i++) {
                lines[i] = i;
            }
            Arrays.sort(lines, Comparator.comparing(this::nameAsPath, SnapshotPath::compareBytes));
            return lines;
        }

        private byte[] nameAsPath(int line) {
            byte[] name = name(line);
            if (!isDirectory(line)) {
                return name;
            }
            byte[] withSlash = Arrays.copyOf(name, name.length + 1);
            withSlash[name.length] = '/';
            return withSlash;
        }
    }

    private Mac buildVfs(Builder builder) {
        TreeBuilder vfs = new TreeBuilder(TreeKind.VFS, builder.sink, builder.writer);
        for (Directory directory : directories.byDepth().reversed()) {
            byte[] path = directory.path();
            try (Arena arena = Arena.ofConfined()) {
                Lines lines = new Lines(directory, arena);
                for (int i = lines.count - 1; i >= 0; i--) {
                    vfs.add(SnapshotPath.child(path, lines.name(i)), lines.mac(i));
                }
            }
        }
        vfs.add(SnapshotPath.ROOT, rootEntry());
        return vfs.finish();
    }

    /** The entry of the root stands among its own children. */
    private Mac rootEntry() {
        try (ScanLog.Window window = log.window()) {
            for (long at = root.lastChild; at != ScanLog.NONE; at = window.previous()) {
                window.seek(at);
                if (SnapshotPath.isRoot(
                        Entry.encodedName(window.entry(), root.pathLength()).toArray(JAVA_BYTE))) {
                    return window.mac();
                }
            }
        }
        throw new IllegalStateException("no entry for /");
    }

    /** A place in the walk down the tree, from the last line of a directory to its first. */
    private final class Step implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final Directory directory;
        private final Lines lines;
        private final Integer[] order;
        private int next;

        Step(Directory directory) {
            this.directory = directory;
            this.lines = new Lines(directory, arena);
            this.order = lines.byWholePath();
            this.next = order.length - 1;
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    /** Which line of which directory: what is kept of each file between the walk and the building of its media's part. */
    private static final class FileList implements AutoCloseable {
        private Arena arena = Arena.ofConfined();
        private MemorySegment bytes = arena.allocate(1024);
        private long used;

        void add(int directory, int start) {
            if (used == bytes.byteSize()) {
                Arena next = Arena.ofConfined();
                MemorySegment larger = next.allocate(used * 2);
                MemorySegment.copy(bytes, 0, larger, 0, used);
                arena.close();
                arena = next;
                bytes = larger;
            }
            bytes.set(JAVA_INT_UNALIGNED, used, directory);
            bytes.set(JAVA_INT_UNALIGNED, used + 4, start);
            used += 8;
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    /** Walks the tree in descending order of whole paths, once, dealing the files out to their media types. */
    private Mac buildContentTypes(Builder builder, Media media) {
        List<Directory> visited = new ArrayList<>();
        List<FileList> files = new ArrayList<>();
        for (int i = 0; i < media.names.size(); i++) {
            files.add(new FileList());
        }
        Deque<Step> stack = new ArrayDeque<>();
        try {
            stack.push(new Step(root));
            Map<Directory, Integer> numbers = new HashMap<>();
            while (!stack.isEmpty()) {
                Step step = stack.peek();
                if (step.next < 0) {
                    stack.pop().close();
                    continue;
                }
                int line = step.order[step.next--];
                if (step.lines.isDirectory(line)) {
                    byte[] name = step.lines.name(line);
                    Directory child = directories.find(step.directory, name);
                    if (child == null) {
                        throw new IllegalStateException("directory " + SnapshotPath.display(name) + " is unknown");
                    }
                    stack.push(new Step(child));
                } else {
                    int number = numbers.computeIfAbsent(step.directory, key -> {
                        visited.add(step.directory);
                        return visited.size() - 1;
                    });
                    files.get(step.lines.media(line)).add(number, step.lines.start(line));
                }
            }
            return buildContentTypes(builder, media, visited, files);
        } finally {
            stack.forEach(Step::close);
            files.forEach(FileList::close);
        }
    }

    private Mac buildContentTypes(Builder builder, Media media, List<Directory> visited, List<FileList> files) {
        List<byte[]> prefixes = new ArrayList<>();
        for (String name : media.names) {
            prefixes.add(("/" + name + "/").getBytes(StandardCharsets.UTF_8));
        }
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < prefixes.size(); i++) {
            order.add(i);
        }
        order.sort(
                Comparator.comparing(prefixes::get, SnapshotPath::compareBytes).reversed());
        TreeBuilder types = new TreeBuilder(TreeKind.INDEX, builder.sink, builder.writer);
        for (int number : order) {
            FileList list = files.get(number);
            byte[] prefix = prefixes.get(number);
            for (long at = 0; at < list.used; ) {
                at = addTypes(types, prefix, list, at, visited);
            }
        }
        return types.finish();
    }

    /** Adds the files of one directory, which stand together in the list; returns where the next directory's begin. */
    private long addTypes(TreeBuilder types, byte[] prefix, FileList list, long from, List<Directory> visited) {
        int number = list.bytes.get(JAVA_INT_UNALIGNED, from);
        Directory directory = visited.get(number);
        byte[] parent = directory.path();
        long at = from;
        try (Arena arena = Arena.ofConfined()) {
            Lines lines = new Lines(directory, arena);
            for (; at < list.used && list.bytes.get(JAVA_INT_UNALIGNED, at) == number; at += 8) {
                int start = list.bytes.get(JAVA_INT_UNALIGNED, at + 4);
                byte[] path = SnapshotPath.child(parent, lines.nameAt(start));
                byte[] key = Arrays.copyOf(prefix, prefix.length - 1 + path.length);
                System.arraycopy(path, 0, key, prefix.length - 1, path.length);
                types.add(key, Mac.read(lines.bytes, start + RUN_MAC_AT));
            }
        }
        return at;
    }

    private Mac buildSorted(TreeKind kind, Positions positions, Builder builder) {
        TreeBuilder tree = new TreeBuilder(kind, builder.sink, builder.writer);
        try (Views views = new Views(log.window(), log.window())) {
            ScanLog.Window window = views.left;
            log.sort(positions.values, positions.count, record -> record, window, views.right);
            byte[] last = null;
            for (int i = positions.count - 1; i >= 0; i--) {
                window.seek(positions.values[i]);
                byte[] key = window.entry().toArray(JAVA_BYTE);
                if (last == null || !Arrays.equals(key, last)) { // two errors of one path: the last one counts
                    tree.add(key, window.mac());
                }
                last = key;
            }
        }
        return tree.finish();
    }

    @Override
    public void close() throws IOException {
        log.close();
    }
}
