// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * (resource type, MAC) → location, off-heap, in open-addressing tables of 48-byte slots. Owns one shared arena per table.
 * Thread-safe: the keys are spread over shards, each with a lock of its own.
 *
 * <pre>
 *  0         32                     40         44       48
 *  | MAC     | type:8 | offset:40.. | packfile | length |
 * </pre>
 *
 * The type is the low byte of the word at 32, the offset its upper 56 bits; type 0 is an empty slot. One blob may have
 * several slots, one for each packfile that holds a copy.
 *
 * <p>Behind the tables there may be {@link LocationRuns}, files with what an earlier process had learned. They are asked last,
 * and never trusted for what cannot be undone: what is damaged in them is read again from where it came from, and a blob
 * that they do not have is looked for there, too, before a reader is told that it is nowhere.
 */
public final class BlobIndex implements AutoCloseable {
    /** Packfile ordinal of a blob that this process has claimed and not yet placed. */
    private static final int PENDING = -1;

    private static final int SHARDS = 16;
    private static final int SLOT_BYTES = 48;
    private static final long LEAST_SLOTS = 64;
    private static final int WORD_AT = 32;
    private static final int PACKFILE_AT = 40;
    private static final int LENGTH_AT = 44;
    /** Largest offset in bytes that a location can have. */
    public static final long MAX_OFFSET = (1L << 56) - 1;

    private final PackfileTable packfiles;
    private final Shard[] shards = new Shard[SHARDS];
    private final Object reloading = new Object();
    private volatile @Nullable LocationRuns runs;
    /** Puts what the runs say into the tables. */
    private Runnable reload = () -> {};
    /** Given up, but perhaps still in use by another thread. */
    private @Nullable LocationRuns givenUp;

    private volatile boolean metDamage;

    public BlobIndex(PackfileTable packfiles) {
        this.packfiles = packfiles;
        for (int i = 0; i < SHARDS; i++) {
            shards[i] = new Shard(packfiles);
        }
    }

    /**
     * Gives the tables a folder for what is too much for memory. Unlike {@link LocationRuns} that goes with this process, and is as good
     * as what is in the tables: wherever these are spoken of, it is a part of them.
     *
     * @param mostInTables how many locations there are to be in memory, about; more if the folder cannot be written to
     */
    public void spillTo(Path folder, long mostInTables) {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.folder = folder;
                shard.mostInTable = mostInTables / SHARDS;
            }
        }
    }

    /**
     * Puts files behind the tables; the index closes them. At most once, before other threads use the index.
     *
     * @param reload adds to the tables, from the source of all knowledge, whatever the files should say
     */
    public void attach(LocationRuns older, Runnable reload) {
        this.reload = reload;
        this.runs = older;
    }

    /**
     * Takes from the tables what files have that were just made of them, and puts these behind the tables. Does nothing when files were given up: then the tables have all. Other threads may use the index meanwhile.
     *
     * @param files all that belong behind the tables now, older ones first, each with all that it had before
     * @param packfileCount number of packfiles that their locations may name
     * @param newReload see {@link #attach}
     * @param kept the locations that stay; all that the files lack
     */
    public void moveToFiles(List<Path> files, int packfileCount, Runnable newReload, Kept kept) {
        synchronized (reloading) {
            if (givenUp != null) {
                return;
            }
            LocationRuns older = runs;
            try {
                if (older == null) {
                    runs = new LocationRuns(files, packfileCount);
                } else {
                    older.replace(files, packfileCount);
                }
            } catch (DamagedIndexException e) {
                return; // the tables still have all
            }
            reload = newReload;
        }
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.keepAlsoOfSpilled((type, packfile) -> packfile == PENDING || kept.isKept(type, packfile));
            }
        }
    }

    /** Begins to open the files behind the tables in the background: for those who are about to look up much. */
    public void prepare() {
        LocationRuns older = runs;
        if (older != null) {
            older.prepare();
        }
    }

    /** Does without the files, for good. */
    private void giveUp(LocationRuns older) {
        synchronized (reloading) {
            if (runs == older) {
                reload.run();
                givenUp = older;
                runs = null;
            }
        }
    }

    /** Whether the tables alone have all: no files are behind them, or they were given up. */
    public boolean isWhole() {
        return runs == null;
    }

    /** Whether files behind the tables were found damaged. */
    public boolean metDamage() {
        return metDamage;
    }

    /** The packfiles that locations refer to. */
    public PackfileTable packfiles() {
        return packfiles;
    }

    /** Makes room for so many locations at once, which otherwise is made bit by bit. */
    public void reserve(long locations) {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.reserve(locations / SHARDS * 9 / 8);
            }
        }
    }

    /** Adds a location. A second one of the same blob in the same packfile is ignored, as the format has it. */
    public void add(int type, Mac mac, int packfile, long offset, long length) {
        if (offset < 0 || offset > MAX_OFFSET || length < 0 || length > 0xFFFFFFFFL) {
            throw new IllegalArgumentException("location out of range: offset " + offset + ", length " + length);
        }
        Shard shard = shard(mac);
        synchronized (shard) {
            shard.add(type, mac, packfile, offset, length);
        }
    }

    /**
     * The place to read a blob from, or null when no readable packfile holds it. Of several copies the one in the packfile
     * with the lowest name is taken, as Plakar does; those that only files have count when the tables have none.
     */
    public @Nullable BlobLocation find(int type, Mac mac) {
        return find(type, mac, packfiles::isVisible);
    }

    /**
     * Whether {@link #find} would find something, as far as the tables and the files tell: when they do not, the source of all
     * knowledge is not asked. For what is usually not there, and not missed.
     */
    public boolean isKnown(int type, Mac mac) {
        LocationRuns older = runs;
        Lowest lowest = new Lowest(packfiles, packfiles::isVisible);
        try {
            if (older != null && findInTables(type, mac, packfiles::isVisible) == null) {
                older.find(type, mac, lowest);
                return lowest.best != null;
            }
        } catch (DamagedIndexException e) {
            metDamage = true;
        }
        return find(type, mac) != null;
    }

    /** Like {@link #find}, but also a place in a packfile that should be there and is not. */
    public @Nullable BlobLocation findExpected(int type, Mac mac) {
        return find(type, mac, packfiles::isExpected);
    }

    /** Like {@link #find}, but where no readable packfile has it, also a place in one that is coloured. For maintenance. */
    public @Nullable BlobLocation findStored(int type, Mac mac) {
        doWithoutFiles();
        BlobLocation visible = find(type, mac);
        return visible != null ? visible : find(type, mac, packfiles::isStored);
    }

    private @Nullable BlobLocation find(int type, Mac mac, IntPredicate accepts) {
        BlobLocation best = findInTables(type, mac, accepts);
        LocationRuns older = runs; // afterwards: what leaves the tables is in files before
        if (best != null) {
            return best; // without opening the files: what every command reads is in the tables
        }
        if (older == null) {
            return findInTables(type, mac, accepts); // if they were given up between, all is in the tables now
        }
        Lowest lowest = new Lowest(packfiles, accepts);
        try {
            older.find(type, mac, lowest);
            if (lowest.best != null) {
                return lowest.best;
            }
        } catch (DamagedIndexException e) {
            metDamage = true; // the same as when they lack what somebody wants to read
        }
        giveUp(older);
        best = findInTables(type, mac, accepts);
        metDamage |= best != null;
        return best;
    }

    private @Nullable BlobLocation findInTables(int type, Mac mac, IntPredicate accepts) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.find(type, mac, accepts);
        }
    }

    /** Keeps the place in the packfile with the lowest name. */
    private static final class Lowest implements LocationFile.Places {
        private final PackfileTable packfiles;
        private final IntPredicate accepts;
        private @Nullable BlobLocation best;
        private @Nullable Mac name;

        Lowest(PackfileTable packfiles, IntPredicate accepts) {
            this.packfiles = packfiles;
            this.accepts = accepts;
        }

        @Override
        public boolean place(int packfile, long offset, long length) {
            if (packfile != PENDING && accepts.test(packfile)) {
                Mac found = packfiles.name(packfile);
                if (name == null || found.compareTo(name) < 0) {
                    best = new BlobLocation(packfile, offset, length);
                    name = found;
                }
            }
            return true;
        }
    }

    /** Where a blob lies in one packfile, whatever is known of that packfile; null when no location says so. For checks. */
    public @Nullable BlobLocation findIn(int type, Mac mac, int packfile) {
        doWithoutFiles();
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.findIn(type, mac, packfile);
        }
    }

    /** Checks ask what the store says, not what a file remembers of it. */
    private void doWithoutFiles() {
        LocationRuns older = runs;
        if (older != null) {
            giveUp(older);
        }
    }

    /** Whether the blob is readable, or claimed by this process. */
    public boolean contains(int type, Mac mac) {
        if (tablesContain(type, mac)) {
            return true;
        }
        LocationRuns older = runs; // afterwards: what leaves the tables is in files before
        // If they were given up between, all is in the tables now.
        return older == null ? tablesContain(type, mac) : filesContain(older, type, mac);
    }

    private boolean tablesContain(int type, Mac mac) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.contains(type, mac);
        }
    }

    /** Asked without the lock of a shard, as reading all again takes the locks of all. */
    private boolean filesContain(LocationRuns older, int type, Mac mac) {
        boolean[] found = new boolean[1];
        try {
            older.find(type, mac, (packfile, offset, length) -> {
                found[0] = packfiles.isVisible(packfile);
                return !found[0];
            });
            return found[0];
        } catch (DamagedIndexException e) {
            metDamage = true;
            giveUp(older);
            return tablesContain(type, mac);
        }
    }

    /**
     * Takes the duty to store a blob: true for the one caller who must store it, false when it is stored already or another
     * caller has the duty.
     */
    public boolean claim(int type, Mac mac) {
        Shard shard = shard(mac);
        while (true) {
            LocationRuns older = runs;
            if (older != null && contains(type, mac)) {
                return false;
            }
            synchronized (shard) {
                if (older == null && runs != null) {
                    continue; // it may have left the table for a file just now
                }
                if (shard.contains(type, mac)) {
                    return false;
                }
                shard.add(type, mac, PENDING, 0, 0);
                return true;
            }
        }
    }

    /** Gives up all claims that have not become locations: whoever had the duty will not fulfil it. */
    public void dropClaims() {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.dropClaims();
            }
        }
    }

    /** Number of locations in the tables, and of claims. */
    public long size() {
        long sum = 0;
        for (Shard shard : shards) {
            synchronized (shard) {
                sum += shard.size();
            }
        }
        return sum;
    }

    /** Visits every location, in no order, also those that files have. The index must not be changed meanwhile. */
    public void forEach(Visitor visitor) {
        doWithoutFiles();
        forEachInTables(visitor);
    }

    /** Like {@link #forEach}, without what only files have. */
    public void forEachInTables(Visitor visitor) {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.forEach(visitor);
            }
        }
    }

    /**
     * Like {@link #forEachInTables}, with all processors at once; the locations of one MAC come from one thread.
     *
     * @param visitor thread-safe
     */
    public void forEachInTablesAtOnce(Visitor visitor) {
        Arrays.stream(shards).parallel().forEach(shard -> {
            synchronized (shard) {
                shard.forEach(visitor);
            }
        });
    }

    /** Receives one location. */
    @FunctionalInterface
    public interface Visitor {
        void location(int type, Mac mac, int packfile, long offset, long length);
    }

    @Override
    public void close() {
        for (LocationRuns older : new LocationRuns[] {runs, givenUp}) {
            if (older != null) {
                older.close();
            }
        }
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.close();
            }
        }
    }

    private Shard shard(Mac mac) {
        return shards[(int) (mac.w1() >>> 60)];
    }

    /** Which locations of the tables remain there. */
    @FunctionalInterface
    public interface Kept {
        boolean isKept(int type, int packfile);
    }

    /**
     * One table. When three quarters of it are full it grows, once it has a mebibyte by a quarter: then a location takes 64 to 80 bytes. Callers hold its lock. It is looked at through Agrona's view, which costs the code of the first compiler half of
     * what a segment does.
     */
    private static final class Shard {
        private final PackfileTable packfiles;
        private Arena arena;
        private long slots;
        private MemorySegment table = MemorySegment.NULL;
        private final UnsafeBuffer view = new UnsafeBuffer(0, 0);
        private long used;
        private @Nullable Path folder;
        private long mostInTable = Long.MAX_VALUE;
        /** What has left the table for a file; no claims. */
        private @Nullable SpilledRecords spilled;

        Shard(PackfileTable packfiles) {
            this.packfiles = packfiles;
            allocate(LEAST_SLOTS);
        }

        /** Begins an empty table, in an arena of its own; the caller closes the one before. */
        private void allocate(long newSlots) {
            long bytes = newSlots * SLOT_BYTES;
            if (bytes > Integer.MAX_VALUE) {
                throw new IllegalStateException("more than 400 million blobs do not fit in memory");
            }
            arena = Arena.ofShared();
            table = arena.allocate(bytes, 64);
            view.wrap(table.address(), (int) bytes);
            slots = newSlots;
            used = 0;
        }

        /** Whoever comes too late meets the end of an empty view, not memory that is somebody else's. */
        void close() {
            view.wrap(0, 0);
            arena.close();
            SpilledRecords file = spilled;
            spilled = null;
            if (file != null) {
                file.close();
            }
        }

        long size() {
            SpilledRecords file = spilled;
            return used + (file == null ? 0 : file.size());
        }

        void add(int type, Mac mac, int packfile, long offset, long length) {
            if (used >= mostInTable) {
                spill();
            }
            if (used * 4 >= slots * 3) {
                grow(MacTable.grown(slots, SLOT_BYTES));
            }
            int claim = -1;
            int at = seek(home(mac), type, mac);
            for (; type(at) != 0; at = seek(next(at), type, mac)) {
                int holder = view.getInt(at + PACKFILE_AT);
                if (holder == packfile) {
                    return;
                }
                if (holder == PENDING) {
                    claim = at;
                }
            }
            if (packfile != PENDING && findSpilled(type, mac, packfile) != null) {
                return;
            }
            if (claim >= 0) { // it is settled: its slot becomes the location
                put(claim, type, mac, packfile, offset, length);
            } else {
                put(at, type, mac, packfile, offset, length);
                used++;
            }
        }

        /** Empties the table into the file, but for claims; if that cannot be, it grows. */
        private void spill() {
            Path place = folder;
            if (place == null) {
                return;
            }
            try {
                SpilledRecords file = spilled;
                if (file == null) {
                    file = new SpilledRecords(place, SLOT_BYTES);
                    spilled = file;
                }
                file.addTable(table, Shard::isLocation);
                keep((type, packfile) -> packfile == PENDING);
                if (used > mostInTable / 2) {
                    mostInTable *= 2; // or else each claim would empty a table in which there is nothing else
                }
                grow(slotsFor(mostInTable)); // at once to what it was
            } catch (IOException e) {
                mostInTable = Long.MAX_VALUE;
            }
        }

        private static boolean isLocation(MemorySegment table, long at) {
            return type(table, at) != 0 && table.get(JAVA_INT, at + PACKFILE_AT) != PENDING;
        }

        private void forEachSpilled(int type, Mac mac, SpilledRecords.Visitor visitor) {
            SpilledRecords file = spilled;
            if (file != null) {
                file.find(
                        mac.w0(),
                        mac.w1(),
                        (run, at) -> type(run, at) != type
                                || run.get(JAVA_LONG_UNALIGNED, at + 16) != mac.w2()
                                || run.get(JAVA_LONG_UNALIGNED, at + 24) != mac.w3()
                                || visitor.record(run, at));
            }
        }

        private @Nullable BlobLocation findSpilled(int type, Mac mac, int packfile) {
            if (spilled == null) {
                return null;
            }
            BlobLocation[] found = new BlobLocation[1];
            forEachSpilled(type, mac, (run, at) -> {
                BlobLocation place = location(run, at);
                if (place.packfile() == packfile) {
                    found[0] = place;
                }
                return found[0] == null;
            });
            return found[0];
        }

        private static BlobLocation location(MemorySegment run, long at) {
            return new BlobLocation(
                    run.get(JAVA_INT_UNALIGNED, at + PACKFILE_AT),
                    run.get(JAVA_LONG_UNALIGNED, at + WORD_AT) >>> 8,
                    Integer.toUnsignedLong(run.get(JAVA_INT_UNALIGNED, at + LENGTH_AT)));
        }

        boolean contains(int type, Mac mac) {
            for (int at = seek(home(mac), type, mac); type(at) != 0; at = seek(next(at), type, mac)) {
                int holder = view.getInt(at + PACKFILE_AT);
                if (holder == PENDING || packfiles.isVisible(holder)) {
                    return true;
                }
            }
            if (spilled == null) {
                return false;
            }
            boolean[] found = new boolean[1];
            forEachSpilled(type, mac, (run, at) -> {
                found[0] = packfiles.isVisible(run.get(JAVA_INT_UNALIGNED, at + PACKFILE_AT));
                return !found[0];
            });
            return found[0];
        }

        @Nullable
        BlobLocation find(int type, Mac mac, IntPredicate accepts) {
            Lowest lowest = new Lowest(packfiles, accepts);
            for (int at = seek(home(mac), type, mac); type(at) != 0; at = seek(next(at), type, mac)) {
                lowest.place(
                        view.getInt(at + PACKFILE_AT),
                        view.getLong(at + WORD_AT) >>> 8,
                        Integer.toUnsignedLong(view.getInt(at + LENGTH_AT)));
            }
            if (spilled != null) {
                forEachSpilled(type, mac, (run, at) -> {
                    BlobLocation place = location(run, at);
                    return lowest.place(place.packfile(), place.offset(), place.length());
                });
            }
            return lowest.best;
        }

        @Nullable
        BlobLocation findIn(int type, Mac mac, int packfile) {
            for (int at = seek(home(mac), type, mac); type(at) != 0; at = seek(next(at), type, mac)) {
                if (view.getInt(at + PACKFILE_AT) == packfile) {
                    return location(at);
                }
            }
            return findSpilled(type, mac, packfile);
        }

        void forEach(Visitor visitor) {
            for (int at = 0; at < view.capacity(); at += SLOT_BYTES) {
                if (type(at) != 0 && view.getInt(at + PACKFILE_AT) != PENDING) {
                    BlobLocation place = location(at);
                    visitor.location(type(at), mac(at), place.packfile(), place.offset(), place.length());
                }
            }
            SpilledRecords file = spilled;
            if (file != null) {
                visit(file, visitor);
            }
        }

        private static void visit(SpilledRecords file, Visitor visitor) {
            file.forEach((run, at) -> {
                BlobLocation place = location(run, at);
                visitor.location(type(run, at), mac(run, at), place.packfile(), place.offset(), place.length());
                return true;
            });
        }

        private static int type(MemorySegment slots, long at) {
            return (int) slots.get(JAVA_LONG_UNALIGNED, at + WORD_AT) & 0xFF;
        }

        private static Mac mac(MemorySegment run, long at) {
            return new Mac(
                    run.get(JAVA_LONG_UNALIGNED, at),
                    run.get(JAVA_LONG_UNALIGNED, at + 8),
                    run.get(JAVA_LONG_UNALIGNED, at + 16),
                    run.get(JAVA_LONG_UNALIGNED, at + 24));
        }

        private BlobLocation location(int at) {
            return new BlobLocation(
                    view.getInt(at + PACKFILE_AT),
                    view.getLong(at + WORD_AT) >>> 8,
                    Integer.toUnsignedLong(view.getInt(at + LENGTH_AT)));
        }

        void reserve(long more) {
            long wanted = slotsFor(Math.min(used + more, mostInTable));
            if (wanted > slots) {
                grow(wanted);
            }
        }

        /** Of which three quarters take so many locations. */
        private static long slotsFor(long locations) {
            return Math.max(LEAST_SLOTS, locations * 4 / 3 + 1);
        }

        private void grow(long newSlots) {
            MemorySegment old = table;
            Arena oldArena = arena;
            long count = used;
            allocate(newSlots);
            for (long from = 0; from < old.byteSize(); from += SLOT_BYTES) {
                if ((int) old.get(JAVA_LONG, from + WORD_AT) << 24 != 0) {
                    insert(old, from);
                }
            }
            used = count;
            oldArena.close();
        }

        /** Claims stand in the way of look-ups only as long as their slots are in use, so the table is filled anew. */
        void dropClaims() {
            keep((type, packfile) -> packfile != PENDING);
        }

        /** Like {@link #keep}, and takes back what of the file is kept. */
        void keepAlsoOfSpilled(Kept kept) {
            keep(kept);
            SpilledRecords file = spilled;
            if (file == null) {
                return;
            }
            spilled = null;
            try {
                visit(file, (type, mac, packfile, offset, length) -> {
                    if (kept.isKept(type, packfile)) {
                        add(type, mac, packfile, offset, length);
                    }
                });
            } finally {
                file.close();
            }
        }

        /** Fills the table anew with a part of what is in it; not if that is all. */
        void keep(Kept kept) {
            MemorySegment old = table;
            long remaining = 0;
            for (int at = 0; at < view.capacity(); at += SLOT_BYTES) {
                remaining += type(at) != 0 && kept.isKept(type(at), view.getInt(at + PACKFILE_AT)) ? 1 : 0;
            }
            if (remaining == used) {
                return;
            }
            Arena oldArena = arena;
            allocate(slotsFor(remaining));
            for (long from = 0; from < old.byteSize(); from += SLOT_BYTES) {
                int type = (int) old.get(JAVA_LONG, from + WORD_AT) & 0xFF;
                if (type != 0 && kept.isKept(type, old.get(JAVA_INT, from + PACKFILE_AT))) {
                    insert(old, from);
                    used++;
                }
            }
            oldArena.close();
        }

        private void insert(MemorySegment old, long from) {
            int at = home(old.get(JAVA_LONG, from));
            while (type(at) != 0) {
                at = next(at);
            }
            MemorySegment.copy(old, from, table, at, SLOT_BYTES);
        }

        private void put(int at, int type, Mac mac, int packfile, long offset, long length) {
            view.putLong(at, mac.w0());
            view.putLong(at + 8, mac.w1());
            view.putLong(at + 16, mac.w2());
            view.putLong(at + 24, mac.w3());
            view.putLong(at + WORD_AT, offset << 8 | type);
            view.putInt(at + PACKFILE_AT, packfile);
            view.putInt(at + LENGTH_AT, (int) length);
        }

        private Mac mac(int at) {
            return new Mac(view.getLong(at), view.getLong(at + 8), view.getLong(at + 16), view.getLong(at + 24));
        }

        private int type(int at) {
            return (int) view.getLong(at + WORD_AT) & 0xFF;
        }

        /** The first slot from here on that has the blob, or the empty one before which it would be. */
        private int seek(int from, int type, Mac mac) {
            long first = mac.w0();
            int at = from;
            while (true) {
                long found = view.getLong(at);
                if (found == first && isOrEmpty(at, type, mac) || found == 0 && type(at) == 0) {
                    return at;
                }
                at = next(at);
            }
        }

        private boolean isOrEmpty(int at, int type, Mac mac) {
            int there = type(at);
            return there == 0
                    || there == type
                            && view.getLong(at + 8) == mac.w1()
                            && view.getLong(at + 16) == mac.w2()
                            && view.getLong(at + 24) == mac.w3();
        }

        private int home(Mac mac) {
            return home(mac.w0());
        }

        private int home(long word) {
            // In the order of the MACs, so that a table grows from front to back.
            return (int) Math.unsignedMultiplyHigh(word, slots) * SLOT_BYTES;
        }

        private int next(int at) {
            int next = at + SLOT_BYTES;
            return next == view.capacity() ? 0 : next;
        }
    }
}
