// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import dev.armoire.index.ffi.MappedPages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Locations that an earlier process left in files, opened when they are first asked for. Owns the files while they are open.
 * Thread-safe. Packfiles are ordinals of the {@link PackfileTable} that belongs to the files.
 */
public final class LocationRuns implements AutoCloseable {
    /** So much of mapped files may be in this process's memory; a store of ten million files has 2 GB of locations. */
    private static final long RESIDENT_BYTES = 256 << 20;
    /** After so many searches, each of which makes some 64 KiB resident, that is looked at. */
    private static final int SEARCHES_PER_LOOK = 2048;

    private List<Path> files;
    private volatile int packfiles;
    private volatile @Nullable List<LocationMap> maps;
    private @Nullable Thread opener;
    /** The one of {@link #maps} in which a search ended last, if any did. */
    private volatile @Nullable LocationMap latest;
    /** About: several threads count without waiting for each other. */
    private int searches;

    /**
     * @param files as {@link #write} made them, older ones first
     * @param packfiles number of packfiles that their locations may name
     */
    public LocationRuns(List<Path> files, int packfiles) {
        this.files = List.copyOf(files);
        this.packfiles = packfiles;
    }

    /**
     * Takes up what {@link #write} has made meanwhile. What files held that are no longer named is in those that are.
     *
     * @param newFiles all that belong together now, older ones first
     * @param newPackfiles number of packfiles that their locations may name, no fewer than before
     */
    synchronized void replace(List<Path> newFiles, int newPackfiles) {
        packfiles = newPackfiles;
        List<LocationMap> open = maps;
        if (open != null) {
            List<LocationMap> more = new ArrayList<>(open);
            for (Path file : newFiles) {
                if (!files.contains(file)) {
                    more.add(LocationMap.open(file));
                }
            }
            maps = List.copyOf(more); // those of files that are gone stay mapped: somebody may be reading them
        }
        files = List.copyOf(newFiles);
    }

    /** Begins to open the files in the background, for those who are going to need them. */
    public synchronized void prepare() {
        if (maps == null && opener == null) {
            opener = Thread.ofPlatform().daemon().name("index-open").start(() -> {
                try {
                    maps();
                } catch (DamagedIndexException e) {
                    // Whoever needs them will be told.
                }
            });
        }
    }

    private List<LocationMap> maps() {
        List<LocationMap> open = maps;
        return open == null ? open() : open;
    }

    private synchronized List<LocationMap> open() {
        List<LocationMap> known = maps;
        if (known != null) {
            return known;
        }
        List<LocationMap> opened = new ArrayList<>();
        try {
            for (Path file : files) {
                opened.add(LocationMap.open(file));
            }
        } catch (DamagedIndexException e) {
            opened.forEach(LocationMap::close);
            throw e;
        }
        maps = opened;
        return opened;
    }

    /**
     * Gives the places of a blob, in no order, until no more are wanted. What was stored together is asked for together, so the file
     * that had the last one is asked first.
     *
     * @throws DamagedIndexException when they cannot be known for certain
     */
    void find(int type, Mac mac, LocationMap.Places places) {
        LocationMap.Places checked = (packfile, offset, length) -> {
            if (packfile >= packfiles) {
                throw new DamagedIndexException("an index names a packfile that it does not have");
            }
            return places.place(packfile, offset, length);
        };
        List<LocationMap> all = maps();
        if (++searches % SEARCHES_PER_LOOK == 0 && MappedPages.residentBytes() > RESIDENT_BYTES) {
            all.forEach(LocationMap::release);
        }
        LocationMap first = latest;
        if (first != null && !first.find(type, mac, checked)) {
            return;
        }
        for (LocationMap map : all) {
            if (map != first && !map.find(type, mac, checked)) {
                latest = map;
                return;
            }
        }
    }

    /** Told of what {@link #write} is to put into a file, from one thread or several, but all of one MAC from one. */
    @FunctionalInterface
    public interface Source {
        void giveTo(BlobIndex.Visitor file);
    }

    /** Whether {@link #write} can keep a location. */
    public static boolean fits(long offset) {
        return LocationMap.fits(offset);
    }

    /**
     * Writes locations to a new file, durably; a failure may leave it incomplete.
     *
     * @param entries the most that will come, at least 1
     * @param older files whose locations are taken over
     * @throws IOException when it cannot be written
     * @throws DamagedIndexException when one of the older is damaged
     */
    public static void write(Path file, long entries, List<Path> older, Source source) throws IOException {
        List<LocationMap> merged = new ArrayList<>();
        try {
            long all = entries;
            for (Path each : older) {
                LocationMap map = LocationMap.open(each);
                merged.add(map);
                all += map.size();
            }
            try (LocationMap.Builder builder = new LocationMap.Builder(file, all)) {
                for (LocationMap map : merged) {
                    map.copyTo(builder);
                }
                source.giveTo(builder::add);
                builder.finish();
            }
        } catch (IllegalStateException | InternalError | AssertionError | LinkageError e) {
            throw new IOException(file + " cannot be written", e);
        } finally {
            merged.forEach(LocationMap::close);
        }
    }

    /** Waits until nobody opens the files any more, and closes them. Nobody may ask any longer. */
    @Override
    public synchronized void close() {
        List<LocationMap> open = maps;
        if (open != null) {
            maps = List.of();
            latest = null;
            open.forEach(LocationMap::close);
        }
    }
}
