// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.EntryFilter;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.search.IndexFile.Indexed;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds entries of snapshots by their paths without reading the snapshots. Each snapshot is told by its difference to the one
 * before it of the same source, so that what stays the same for a thousand snapshots is there once.
 *
 * <p>What cannot be had is no error: a snapshot that is not in the index is for the caller to walk through. For one thread.
 */
public final class SearchIndex implements AutoCloseable {
    /** More matches than this are faster walked through than sorted, and would fill the heap. */
    private static final int MAX_MATCHES = 200_000;
    /** From so many groups on, some 4 MB of plain text, several threads search. */
    private static final int GROUPS_PER_THREAD = 16;
    /** With fewer tables than this nothing is put together; each one costs a search a little. */
    private static final int TOLERATED_TABLES = 12;
    /** So many snapshots that are gone do not matter. */
    private static final int TOLERATED_DEAD = 16;
    /** A new snapshot is compared with the ends of so many chains of its source. */
    private static final int CHAINS_PER_LINE = 4;

    private final Repository repository;
    private final IndexFile file;
    private final Path lockFile;
    private final LiveSnapshots live;
    private List<IndexFile.Table> tables = List.of();
    /** The snapshots of all tables. */
    private List<Indexed> indexed = List.of();
    /** What {@link #tables} was read from: another process may put a new file in its place. */
    private @Nullable FileChannel channel;

    private SearchIndex(Repository repository, Path path) {
        this.repository = repository;
        this.file = new IndexFile(path, repository.config(), repository.keys());
        this.lockFile = path.resolveSibling(path.getFileName() + ".lock");
        this.live = new LiveSnapshots(
                path.resolveSibling(path.getFileName() + ".live"),
                repository.config().repositoryIdBytes(),
                repository.keys());
    }

    /**
     * Opens the index of a store as it is. The caller closes it.
     *
     * @return null when there is no cache folder
     */
    public static @Nullable SearchIndex open(Repository repository) {
        Path path = repository.cacheFile("search-1");
        if (path == null) {
            return null;
        }
        SearchIndex index = new SearchIndex(repository, path);
        try (IndexCodec codec = index.file.newCodec()) {
            index.load(codec);
        }
        return index;
    }

    /** A snapshot, and when it was made. */
    public static final class Known {
        private final Indexed indexed;

        private Known(Indexed indexed) {
            this.indexed = indexed;
        }

        public Mac id() {
            return indexed.id();
        }

        public Instant timestamp() {
            return indexed.timestamp();
        }
    }

    /**
     * The snapshots that the store had when it had these states, the newest first.
     *
     * @return null when that is not known, or the index lacks one of them
     */
    public @Nullable List<Known> snapshotsOf(Collection<Mac> states) {
        List<Mac> ids = live.read(states);
        return ids == null ? null : known(ids);
    }

    /**
     * Remembers which snapshots there are, for {@link #snapshotsOf}.
     *
     * @param states all that the store had when it was looked at
     */
    public void remember(Collection<Mac> states, List<Known> newestFirst) {
        live.write(states, newestFirst.stream().map(Known::id).toList());
    }

    /**
     * Snapshots, the newest first.
     *
     * @return null when the index lacks one of them
     */
    public @Nullable List<Known> newestFirst(Collection<Mac> snapshots) {
        List<Known> known = known(snapshots);
        if (known != null) {
            known.sort(Comparator.comparing(Known::timestamp)
                    .thenComparing(Known::id)
                    .reversed());
        }
        return known;
    }

    private @Nullable List<Known> known(Collection<Mac> ids) {
        Map<Mac, Indexed> byId = new HashMap<>();
        indexed.forEach(snapshot -> byId.put(snapshot.id(), snapshot));
        List<Known> known = new ArrayList<>(ids.size());
        for (Mac id : ids) {
            Indexed its = byId.get(id);
            if (its == null) {
                return null;
            }
            known.add(new Known(its));
        }
        return known;
    }

    // Building

    /**
     * Adds the snapshots that it lacks.
     *
     * @param headers all snapshots of the store
     * @return whether it may have others than before
     */
    public boolean update(List<SnapshotHeader> headers) {
        try (IndexCodec codec = file.newCodec()) {
            return update(headers, codec);
        } catch (IOException e) {
            return true; // the folder cannot be written, or the disk is full: what is missing is walked through
        }
    }

    private boolean update(List<SnapshotHeader> headers, IndexCodec codec) throws IOException {
        Set<Mac> known = new HashSet<>();
        indexed.forEach(snapshot -> known.add(snapshot.id()));
        List<SnapshotHeader> missing = new ArrayList<>(headers.stream()
                .filter(header -> !known.contains(header.identifier()) && SnapshotChanges.canCompare(header))
                .toList());
        if (missing.isEmpty()) {
            return false;
        }
        missing.sort(Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier));
        Files.createDirectories(lockFile.getParent());
        try (FileChannel lock = IndexFile.create(lockFile);
                FileLock held = lock.tryLock()) {
            if (held != null) {
                add(missing, headers, codec);
                load(codec);
            }
        } catch (OverlappingFileLockException e) {
            // Another thread of this process does it.
        }
        return true;
    }

    /** Reads what the file has; one that is damaged has nothing. */
    private void load(IndexCodec codec) {
        close();
        try {
            FileChannel in = file.open();
            channel = in;
            take(file.list(in, codec));
        } catch (IOException | CorruptDataException e) {
            take(List.of()); // there is none, or it is damaged: then it is made anew
        }
    }

    private void take(List<IndexFile.Table> all) {
        tables = all;
        indexed = all.stream().flatMap(table -> table.snapshots().stream()).toList();
    }

    private void add(List<SnapshotHeader> missing, List<SnapshotHeader> headers, IndexCodec codec) throws IOException {
        load(codec); // now with the lock
        Map<Mac, SnapshotHeader> byId = new HashMap<>();
        headers.forEach(header -> byId.put(header.identifier(), header));
        long dead = indexed.stream().filter(one -> !byId.containsKey(one.id())).count();
        List<SnapshotHeader> wanted = missing;
        if (dead > indexed.size() - dead + TOLERATED_DEAD) {
            take(List.of());
            wanted = new ArrayList<>(
                    headers.stream().filter(SnapshotChanges::canCompare).toList());
            wanted.sort(Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier));
        }
        int kept = keptTables(wanted.size());
        List<IndexFile.Table> absorbed = tables.subList(kept, tables.size());
        long end = kept == 0 ? 0 : tables.get(kept - 1).end();
        Set<Mac> known = new HashSet<>();
        Map<Integer, Indexed> tails = new LinkedHashMap<>();
        for (Indexed one : indexed) {
            known.add(one.id());
            tails.put(one.chain(), one);
        }
        Map<Line, Deque<Tail>> lines = new HashMap<>();
        for (Indexed tail : tails.values()) {
            SnapshotHeader header = byId.get(tail.id());
            if (header != null) {
                tailsOf(header, lines).push(new Tail(header, tail.chain(), tail.position()));
            }
        }
        int chains = tails.keySet().stream().mapToInt(chain -> chain + 1).max().orElse(0);
        try (BlobReader reader = repository.newReader();
                IndexFile.Writer writer =
                        end > 0 && end == size() ? file.append(end, codec) : file.replace(end, codec)) {
            copy(absorbed, writer);
            for (SnapshotHeader header : wanted) {
                if (known.contains(header.identifier())) {
                    continue;
                }
                Deque<Tail> candidates = tailsOf(header, lines);
                try {
                    Tail before = alike(candidates, header, reader);
                    int chain = before == null ? chains++ : before.chain;
                    int position = before == null ? 0 : before.position + 1;
                    write(before == null ? null : before.header, header, reader, writer);
                    writer.snapshot(header, chain, position);
                    candidates.remove(before);
                    candidates.push(new Tail(header, chain, position));
                    if (candidates.size() > CHAINS_PER_LINE) {
                        candidates.removeLast();
                    }
                } catch (CorruptDataException e) {
                    writer.giveUp(); // who walks through it finds what is left of it, and says what is not
                }
            }
        }
    }

    private static Deque<Tail> tailsOf(SnapshotHeader header, Map<Line, Deque<Tail>> lines) {
        return lines.computeIfAbsent(Line.of(header), key -> new ArrayDeque<>());
    }

    /** The newest snapshot that is worth to be compared with; archives of all kinds, for one, have the same source as it seems. */
    private static @Nullable Tail alike(Deque<Tail> tails, SnapshotHeader header, BlobReader reader)
            throws IOException {
        for (Tail tail : tails) {
            try {
                if (SnapshotChanges.areAlike(tail.header, header, reader)) {
                    return tail;
                }
            } catch (CorruptDataException e) {
                // One of the two: if it is this one, that is found out when it is read as a whole.
            }
        }
        return null;
    }

    /** How many tables stay as they are when some snapshots come: each is larger than what follows it, so there are few. */
    private int keptTables(int newSnapshots) {
        int kept = tables.size();
        if (kept >= TOLERATED_TABLES) {
            for (int after = newSnapshots;
                    kept > 0 && tables.get(kept - 1).snapshots().size() <= 2 * after;
                    kept--) {
                after += tables.get(kept - 1).snapshots().size();
            }
        }
        return kept;
    }

    /** Puts snapshots of small tables into a larger one. */
    private void copy(List<IndexFile.Table> from, IndexFile.Writer writer) throws IOException {
        FileChannel in = channel;
        if (in == null || from.isEmpty()) {
            return;
        }
        try (GroupReader reader = new GroupReader(in, file.newCodec())) {
            for (IndexFile.Table table : from) {
                for (Indexed snapshot : table.snapshots()) {
                    for (IndexFile.Block block : snapshot.blocks()) {
                        writer.block(reader.whole(block));
                    }
                    writer.snapshot(snapshot);
                }
            }
        }
    }

    private long size() throws IOException {
        try (FileChannel in = file.open()) {
            return in.size();
        }
    }

    private static void write(
            @Nullable SnapshotHeader before, SnapshotHeader header, BlobReader reader, IndexFile.Writer writer)
            throws IOException {
        ChangeBlock.Builder builder = new ChangeBlock.Builder();
        SnapshotChanges.between(before, header, reader, (folder, name, entry) -> {
            builder.add(folder, name, entry);
            if (builder.isFull()) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new PipelineAbortedException();
                }
                writer.block(builder.finish());
            }
        });
        if (!builder.isEmpty()) {
            writer.block(builder.finish());
        }
    }

    /** Snapshots with these in common are alike, so their differences are small. */
    private record Line(String type, String origin, String root) {
        static Line of(SnapshotHeader header) {
            SnapshotHeader.Source source = header.source();
            return new Line(source.type(), source.origin(), SnapshotPath.display(source.directory()));
        }
    }

    /** The last snapshot of a chain. */
    private record Tail(SnapshotHeader header, int chain, int position) {}

    // Searching

    /** What was at one path, in the order of the snapshots of a chain. */
    private static final class Timeline {
        private final List<Change> changes = new ArrayList<>(1);
        /** The change that told last: who goes from the newest snapshot to the oldest finds the next one at it or before it. */
        private int last = -1;

        /** What was there at a position of the chain. */
        @Nullable
        Entry at(int position) {
            if (last + 1 < changes.size() && changes.get(last + 1).position <= position) {
                last = changes.size() - 1;
            }
            while (last >= 0 && changes.get(last).position > position) {
                last--;
            }
            return last < 0 ? null : changes.get(last).entry;
        }
    }

    private record Change(int position, @Nullable Entry entry) {}

    /** The matches of one chain. */
    private static final class Matches {
        private final Map<PathKey, Timeline> timelines = new HashMap<>();
        private @Nullable List<Map.Entry<PathKey, Timeline>> sorted;

        List<Map.Entry<PathKey, Timeline>> inOrder() {
            List<Map.Entry<PathKey, Timeline>> known = sorted;
            if (known == null) {
                known = new ArrayList<>(timelines.entrySet());
                // Not Map.Entry.comparingByKey(): what can be serialized is put together anew by each process.
                known.sort((one, other) -> one.getKey().compareTo(other.getKey()));
                sorted = known;
            }
            return known;
        }
    }

    /** A path, in the order of a walk: a folder before what is in it, and that before the folder's next neighbour. */
    private record PathKey(byte[] path) implements Comparable<PathKey> {
        @Override
        public int compareTo(PathKey other) {
            int at = Arrays.mismatch(path, other.path);
            if (at < 0) {
                return 0;
            }
            if (at == path.length || at == other.path.length) {
                return path.length - other.path.length;
            }
            int mine = path[at] == '/' ? 0 : path[at] & 0xff;
            int others = other.path[at] == '/' ? 0 : other.path[at] & 0xff;
            return mine - others;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof PathKey key && Arrays.equals(path, key.path);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(path);
        }
    }

    /** What a search found. */
    public static final class Results {
        private final Map<Mac, Indexed> snapshots;
        private final Map<Integer, Matches> chains;

        private Results(Map<Mac, Indexed> snapshots, Map<Integer, Matches> chains) {
            this.snapshots = snapshots;
            this.chains = chains;
        }

        /** Whether the index knows a snapshot. Others must be walked through. */
        public boolean knows(Mac snapshot) {
            return snapshots.containsKey(snapshot);
        }

        /**
         * Gives the matches in a snapshot that is known, in the order of a walk. Of the entries path, mode, owner, size, time and
         * content type are there.
         */
        public void forEach(Mac snapshot, Consumer<Entry> visitor) {
            Indexed place = snapshots.get(snapshot);
            if (place == null) {
                throw new IllegalArgumentException("not in the index");
            }
            Matches matches = chains.get(place.chain());
            if (matches != null) {
                for (Map.Entry<PathKey, Timeline> match : matches.inOrder()) {
                    Entry entry = match.getValue().at(place.position());
                    if (entry != null) {
                        visitor.accept(entry);
                    }
                }
            }
        }
    }

    /**
     * Searches all snapshots.
     *
     * @param filter what an entry whose path matches must also be; asked by several threads
     * @return null when there are too many matches, or the index turns out to be damaged: then nothing is known
     */
    public @Nullable Results search(List<PathPattern> patterns, EntryFilter filter, int threads) {
        Map<Mac, Indexed> byId = new HashMap<>();
        indexed.forEach(snapshot -> byId.put(snapshot.id(), snapshot));
        try {
            return new Results(byId, matches(patterns, filter, threads));
        } catch (TooManyException e) {
            return null;
        } catch (IOException | CorruptDataException e) {
            drop();
            return null;
        }
    }

    /** In which snapshots something has changed at one path, or directly in it. */
    public static final class PathChanges {
        private final Map<Mac, Indexed> snapshots = new HashMap<>();
        /** Positions in each chain. */
        private final Map<Integer, BitSet> touched = new HashMap<>();

        private PathChanges() {}

        /**
         * Whether two snapshots have the same at the path, and the same entries directly in it.
         *
         * @return false also when the index does not tell
         */
        public boolean areSame(Mac earlier, Mac later) {
            Indexed from = snapshots.get(earlier);
            Indexed to = snapshots.get(later);
            if (from == null || to == null || from.chain() != to.chain() || from.position() > to.position()) {
                return false;
            }
            int next = touched.getOrDefault(to.chain(), new BitSet()).nextSetBit(from.position() + 1);
            return next < 0 || next > to.position();
        }
    }

    /**
     * What the index knows of one path.
     *
     * @param path absolute and clean
     */
    public PathChanges changesAt(byte[] path) {
        PathChanges changes = new PathChanges();
        FileChannel in = channel;
        if (in == null) {
            return changes;
        }
        try (GroupReader reader = new GroupReader(in, file.newCodec())) {
            for (Indexed snapshot : indexed) {
                changes.snapshots.put(snapshot.id(), snapshot);
                for (IndexFile.Block block : snapshot.blocks()) {
                    if (reader.touches(block, path)) {
                        changes.touched
                                .computeIfAbsent(snapshot.chain(), key -> new BitSet())
                                .set(snapshot.position());
                    }
                }
            }
            return changes;
        } catch (IOException | CorruptDataException e) {
            drop();
            return new PathChanges();
        }
    }

    private Map<Integer, Matches> matches(List<PathPattern> patterns, EntryFilter filter, int threads)
            throws IOException {
        List<Slices.Parts> groups = groups();
        Map<Integer, Matches> chains = new HashMap<>();
        FileChannel in = channel;
        if (in == null || groups.isEmpty()) {
            return chains;
        }
        int workers = Math.clamp(groups.size() / GROUPS_PER_THREAD, 1, threads);
        int perSlice = workers == 1 ? groups.size() : GROUPS_PER_THREAD;
        try (Slices slices = new Slices(file, in, patterns, filter, workers)) {
            // In the order of the chains whatever thread is done first: what comes later says what became of it.
            long[] count = {0};
            slices.forEach(groups, perSlice, found -> {
                Indexed snapshot = found.part().snapshot();
                Matches matches = chains.computeIfAbsent(snapshot.chain(), key -> new Matches());
                PathKey key = new PathKey(found.path());
                if (found.entry() == null && !matches.timelines.containsKey(key)) {
                    return;
                }
                matches.timelines
                        .computeIfAbsent(key, path -> new Timeline())
                        .changes
                        .add(new Change(snapshot.position(), found.entry()));
                if (++count[0] > MAX_MATCHES) {
                    throw new TooManyException();
                }
            });
        }
        return chains;
    }

    /** All blocks, by the groups that they are in, in the order of the file. */
    private List<Slices.Parts> groups() {
        List<Slices.Parts> groups = new ArrayList<>();
        for (Indexed snapshot : indexed) {
            for (IndexFile.Block block : snapshot.blocks()) {
                if (groups.isEmpty()
                        || !groups.getLast().names().equals(block.names().group())) {
                    groups.add(new Slices.Parts(block.names().group(), new ArrayList<>()));
                }
                groups.getLast().parts().add(new Slices.Part(snapshot, block));
            }
        }
        return groups;
    }

    private static final class TooManyException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooManyException() {
            super("too many matches", null, false, false);
        }
    }

    /** Removes what is damaged, so that the next process makes it anew. */
    private void drop() {
        take(List.of());
        file.delete();
    }

    @Override
    public void close() {
        FileChannel open = channel;
        channel = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // It was only read.
            }
        }
    }
}
