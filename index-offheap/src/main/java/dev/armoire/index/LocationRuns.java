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
    private static final long RESIDENT_BYTES = 128 << 20;
    /** After so many searches, each of which makes some 64 KiB resident, that is looked at. */
    private static final int SEARCHES_PER_LOOK = 512;

    private List<Path> files;
    private volatile int packfiles;
    private volatile @Nullable List<LocationFile> opened;
    private @Nullable Thread opener;
    /** The one of {@link #opened} in which a search ended last, if any did. */
    private volatile @Nullable LocationFile latest;
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
        List<LocationFile> open = opened;
        if (open != null) {
            List<LocationFile> more = new ArrayList<>(open);
            for (Path file : newFiles) {
                if (!files.contains(file)) {
                    more.add(LocationFile.open(file));
                }
            }
            opened = List.copyOf(more); // those of files that are gone stay mapped: somebody may be reading them
        }
        files = List.copyOf(newFiles);
    }

    /** Begins to open the files in the background, for those who are going to need them. */
    public synchronized void prepare() {
        if (opened == null && opener == null) {
            opener = Thread.ofPlatform().daemon().name("index-open").start(() -> {
                try {
                    files();
                } catch (DamagedIndexException e) {
                    // Whoever needs them will be told.
                }
            });
        }
    }

    private List<LocationFile> files() {
        List<LocationFile> open = opened;
        return open == null ? open() : open;
    }

    private synchronized List<LocationFile> open() {
        List<LocationFile> known = opened;
        if (known != null) {
            return known;
        }
        List<LocationFile> all = new ArrayList<>();
        try {
            for (Path file : files) {
                all.add(LocationFile.open(file));
            }
        } catch (DamagedIndexException e) {
            all.forEach(LocationFile::close);
            throw e;
        }
        opened = all;
        return all;
    }

    /**
     * Gives the places of a blob, in no order, until no more are wanted. What was stored together is asked for together, so the file
     * that had the last one is asked first.
     *
     * @throws DamagedIndexException when they cannot be known for certain
     */
    void find(int type, Mac mac, LocationFile.Places places) {
        LocationFile.Places checked = (packfile, offset, length) -> {
            if (packfile >= packfiles) {
                throw new DamagedIndexException("an index names a packfile that it does not have");
            }
            return places.place(packfile, offset, length);
        };
        List<LocationFile> all = files();
        if (++searches % SEARCHES_PER_LOOK == 0 && MappedPages.residentBytes() > RESIDENT_BYTES) {
            all.forEach(LocationFile::release);
        }
        LocationFile first = latest;
        if (first != null && !first.find(type, mac, checked)) {
            return;
        }
        for (LocationFile file : all) {
            if (file != first && !file.find(type, mac, checked)) {
                latest = file;
                return;
            }
        }
    }

    /** Knows what {@link #write} is to put into a file. */
    @FunctionalInterface
    public interface Source {
        /**
         * Gives all of it.
         *
         * @param atOnce whether several threads may give, all of one MAC from one of them; else one alone must
         */
        void giveTo(BlobIndex.Visitor file, boolean atOnce);
    }

    /** Whether {@link #write} can keep a location. */
    public static boolean fits(long offset) {
        return offset < LocationFile.OFFSET_LIMIT;
    }

    /**
     * Writes locations to a new file; a failure may leave it incomplete. Where a power cut may do so afterwards, too, who opens it finds
     * that out.
     *
     * @param entries the most that will come, at least 1
     * @param older files whose locations are taken over
     * @param asTable whether to write a table, for few locations, and not a map
     * @throws IOException when it cannot be written
     * @throws DamagedIndexException when one of the older is damaged
     */
    public static void write(Path file, long entries, List<Path> older, boolean asTable, Source source)
            throws IOException {
        List<LocationFile> merged = new ArrayList<>();
        try {
            long all = entries;
            for (Path each : older) {
                LocationFile open = LocationFile.open(each);
                merged.add(open);
                all += open.size();
            }
            if (asTable) {
                try (LocationTable.Builder builder = new LocationTable.Builder(all)) {
                    merged.forEach(open -> open.forEach(builder::add));
                    source.giveTo(builder::add, false);
                    builder.writeTo(file);
                }
            } else {
                try (LocationMap.Builder builder = new LocationMap.Builder(file, all)) {
                    merged.forEach(open -> open.forEach(builder::add));
                    source.giveTo(builder::add, true);
                    builder.finish();
                }
            }
        } catch (IllegalStateException | InternalError | AssertionError | LinkageError e) {
            throw new IOException(file + " cannot be written", e);
        } finally {
            merged.forEach(LocationFile::close);
        }
    }

    /** Waits until nobody opens the files any more, and closes them. Nobody may ask any longer. */
    @Override
    public synchronized void close() {
        List<LocationFile> open = opened;
        if (open != null) {
            opened = List.of();
            latest = null;
            open.forEach(LocationFile::close);
        }
    }
}
