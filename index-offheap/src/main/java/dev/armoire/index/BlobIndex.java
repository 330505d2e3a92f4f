// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.armoire.crypto.Mac;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntPredicate;
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
    private static final long SLOT_BYTES = 48;
    private static final long LEAST_SLOTS = 64;
    private static final long WORD_AT = 32;
    private static final long PACKFILE_AT = 40;
    private static final long LENGTH_AT = 44;
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
                shard.keep((type, packfile) -> packfile == PENDING || kept.isKept(type, packfile));
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
        Lowest lowest = new Lowest(packfiles::isVisible);
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
        Lowest lowest = new Lowest(accepts);
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
    private final class Lowest implements LocationMap.Places {
        private final IntPredicate accepts;
        private @Nullable BlobLocation best;
        private @Nullable Mac name;

        Lowest(IntPredicate accepts) {
            this.accepts = accepts;
        }

        @Override
        public boolean place(int packfile, long offset, long length) {
            if (accepts.test(packfile)) {
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

    /** Number of slots in use in the tables. */
    public long size() {
        long sum = 0;
        for (Shard shard : shards) {
            synchronized (shard) {
                sum += shard.used;
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
                shard.arena.close();
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

    /** One table. Callers hold its lock. */
    private static final class Shard {
        private final PackfileTable packfiles;
        private Arena arena = Arena.ofShared();
        private long slots = LEAST_SLOTS;
        private MemorySegment table = arena.allocate(slots * SLOT_BYTES, 64);
        private long used;

        Shard(PackfileTable packfiles) {
            this.packfiles = packfiles;
        }

        void add(int type, Mac mac, int packfile, long offset, long length) {
            if (used * 4 >= slots * 3) {
                grow(slots * 2);
            }
            long at = home(mac);
            while (type(at) != 0) {
                if (matches(at, type, mac)) {
                    int holder = table.get(JAVA_INT, at + PACKFILE_AT);
                    if (holder == packfile) {
                        return;
                    }
                    if (holder == PENDING) { // the claim is settled: its slot becomes the location
                        put(at, type, mac, packfile, offset, length);
                        return;
                    }
                }
                at = next(at);
            }
            put(at, type, mac, packfile, offset, length);
            used++;
        }

        boolean contains(int type, Mac mac) {
            for (long at = home(mac); type(at) != 0; at = next(at)) {
                if (matches(at, type, mac)) {
                    int holder = table.get(JAVA_INT, at + PACKFILE_AT);
                    if (holder == PENDING || packfiles.isVisible(holder)) {
                        return true;
                    }
                }
            }
            return false;
        }

        @Nullable
        BlobLocation find(int type, Mac mac, IntPredicate accepts) {
            long best = -1;
            Mac bestName = null;
            for (long at = home(mac); type(at) != 0; at = next(at)) {
                if (!matches(at, type, mac)) {
                    continue;
                }
                int holder = table.get(JAVA_INT, at + PACKFILE_AT);
                if (holder == PENDING || !accepts.test(holder)) {
                    continue;
                }
                Mac name = packfiles.name(holder);
                if (bestName == null || name.compareTo(bestName) < 0) {
                    best = at;
                    bestName = name;
                }
            }
            return bestName == null ? null : location(best);
        }

        @Nullable
        BlobLocation findIn(int type, Mac mac, int packfile) {
            for (long at = home(mac); type(at) != 0; at = next(at)) {
                if (matches(at, type, mac) && table.get(JAVA_INT, at + PACKFILE_AT) == packfile) {
                    return location(at);
                }
            }
            return null;
        }

        void forEach(Visitor visitor) {
            for (long at = 0; at < slots * SLOT_BYTES; at += SLOT_BYTES) {
                if (type(at) != 0 && table.get(JAVA_INT, at + PACKFILE_AT) != PENDING) {
                    BlobLocation place = location(at);
                    visitor.location(type(at), mac(at), place.packfile(), place.offset(), place.length());
                }
            }
        }

        private BlobLocation location(long at) {
            return new BlobLocation(
                    table.get(JAVA_INT, at + PACKFILE_AT),
                    table.get(JAVA_LONG, at + WORD_AT) >>> 8,
                    Integer.toUnsignedLong(table.get(JAVA_INT, at + LENGTH_AT)));
        }

        void reserve(long more) {
            long wanted = slots;
            while ((used + more) * 4 >= wanted * 3) {
                wanted *= 2;
            }
            if (wanted > slots) {
                grow(wanted);
            }
        }

        private void grow(long newSlots) {
            MemorySegment old = table;
            Arena oldArena = arena;
            arena = Arena.ofShared();
            slots = newSlots;
            table = arena.allocate(slots * SLOT_BYTES, 64);
            for (long from = 0; from < old.byteSize(); from += SLOT_BYTES) {
                if ((int) old.get(JAVA_LONG, from + WORD_AT) << 24 != 0) {
                    insert(old, from);
                }
            }
            oldArena.close();
        }

        /** Claims stand in the way of look-ups only as long as their slots are in use, so the table is filled anew. */
        void dropClaims() {
            keep((type, packfile) -> packfile != PENDING);
        }

        /** Fills the table anew with a part of what is in it; not if that is all. */
        void keep(Kept kept) {
            MemorySegment old = table;
            long remaining = 0;
            for (long at = 0; at < old.byteSize(); at += SLOT_BYTES) {
                remaining += type(at) != 0 && kept.isKept(type(at), old.get(JAVA_INT, at + PACKFILE_AT)) ? 1 : 0;
            }
            if (remaining == used) {
                return;
            }
            Arena oldArena = arena;
            arena = Arena.ofShared();
            slots = LEAST_SLOTS;
            while (remaining * 4 >= slots * 3) {
                slots *= 2;
            }
            table = arena.allocate(slots * SLOT_BYTES, 64);
            used = 0;
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
            long at = home(old.get(JAVA_LONG, from));
            while (type(at) != 0) {
                at = next(at);
            }
            MemorySegment.copy(old, from, table, at, SLOT_BYTES);
        }

        private void put(long at, int type, Mac mac, int packfile, long offset, long length) {
            table.set(JAVA_LONG, at, mac.w0());
            table.set(JAVA_LONG, at + 8, mac.w1());
            table.set(JAVA_LONG, at + 16, mac.w2());
            table.set(JAVA_LONG, at + 24, mac.w3());
            table.set(JAVA_LONG, at + WORD_AT, offset << 8 | type);
            table.set(JAVA_INT, at + PACKFILE_AT, packfile);
            table.set(JAVA_INT, at + LENGTH_AT, (int) length);
        }

        private Mac mac(long at) {
            return new Mac(
                    table.get(JAVA_LONG, at),
                    table.get(JAVA_LONG, at + 8),
                    table.get(JAVA_LONG, at + 16),
                    table.get(JAVA_LONG, at + 24));
        }

        private int type(long at) {
            return (int) table.get(JAVA_LONG, at + WORD_AT) & 0xFF;
        }

        private boolean matches(long at, int type, Mac mac) {
            return table.get(JAVA_LONG, at) == mac.w0()
                    && table.get(JAVA_LONG, at + 8) == mac.w1()
                    && table.get(JAVA_LONG, at + 16) == mac.w2()
                    && table.get(JAVA_LONG, at + 24) == mac.w3()
                    && type(at) == type;
        }

        private long home(Mac mac) {
            return home(mac.w0());
        }

        private long home(long word) {
            return (word & slots - 1) * SLOT_BYTES;
        }

        private long next(long at) {
            long next = at + SLOT_BYTES;
            return next == slots * SLOT_BYTES ? 0 : next;
        }
    }
}
