// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.repository.StateFacts.Locations;
import dev.armoire.engine.repository.StateFacts.Run;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.LocationRuns;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Blake3;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Remembers between processes what the states of one store say, in a folder of its own below the cache folder.
 *
 * <p>{@code facts} is read whole by every command, and holds the few locations that were learned last; {@code locations-*}
 * hold the other ones, are opened by those who look something up, and are never changed: a new one takes the place of older
 * ones of its size, up to a limit, so that each location is written again only a logarithmic number of times. {@code facts} names the
 * files that belong to it and is replaced by a rename after these are durable, or such that it shows when they are not whole. So whoever finds it, in whatever process and
 * after whatever crash, finds a whole; whoever still reads what is replaced falls back on the states.
 *
 * <pre>
 *  facts: | magic (8) | generation (8) | repository id (16) | length of the body (8) | CRC-32C of the body (8) | MAC (32) | body |
 * </pre>
 *
 * The MAC is that of the store, over what stands before it: neither another store's facts nor those of a store that was made
 * anew under the same id are taken for this one's.
 */
final class StateCache {
    private static final String FORMAT = "index-3";
    private static final String FACTS = "facts";
    private static final String RUN_PREFIX = "locations-";
    private static final long MAGIC = 0x41524d4641435432L; // ARMFACT2
    private static final int MAC_AT = 48;
    private static final int BODY_AT = MAC_AT + Mac.BYTES;

    /** A file is merged into the one that is made if it has at most this many times its entries. */
    private static final int MERGE_FACTOR = 2;

    /** About so many files there may be, each asked for each blob that is new. */
    private static final int MOST_FILES = 32;

    /**
     * From when on files are worth their making.
     *
     * @param states new ones that the next process may well read again
     * @param locations new ones that it may well read again
     * @param inFacts locations that {@code facts} may hold: putting so many into the tables is faster than opening a file
     * @param inMemory locations that a process keeps in its tables, some 64 bytes each, while it adds more
     * @param inTableFile locations that are written as a table, which is quick: a map costs a process that ends soon half a second;
     *     twice as many in all tables
     * @param inFile locations of a file that is merged from others, 63 bytes each, all mapped while it is made; a {@link #MOST_FILES}th of
     *     all if that is more
     * @param inTables locations that a process which does without these files keeps in memory, 64 bytes each; what is more goes
     *     into files of its own
     */
    record Limits(int states, int locations, int inFacts, int inMemory, int inTableFile, int inFile, int inTables) {
        static final Limits USUAL = new Limits(8, 4096, 16 << 10, 384 << 10, 384 << 10, 640 << 10, 3_200_000);
        /** Where each state costs two round trips. */
        static final Limits FAR = new Limits(1, 1, 16 << 10, 384 << 10, 384 << 10, 640 << 10, 3_200_000);
        /** Everything goes into files at once: for the run that trains the JVM, whose backups make a map and a table, and for tests. */
        static final Limits NONE = new Limits(1, 1, 0, 1, 128, 640 << 10, 256);
    }

    private final Limits limits;
    private final Path folder;
    private final StoreKeys keys;
    private final byte[] repositoryId;
    /** Generation of the facts that were there when this process looked; 0 for none that are of use. */
    private long generation;

    /** @param location of the store: copies of one store have caches of their own, and do not unmake each other's */
    StateCache(Path cacheFolder, StoreKeys keys, UUID repository, byte[] repositoryId, String location, Limits limits) {
        this.limits = limits;
        this.folder = cacheFolder.resolve(FORMAT).resolve(repository + "-" + digest(location));
        this.keys = keys;
        this.repositoryId = repositoryId;
    }

    static String digest(String location) {
        byte[] digest = new byte[Blake3.DIGEST_BYTES];
        Blake3 hasher = Blake3.plain();
        hasher.update(MemorySegment.ofArray(location.getBytes(StandardCharsets.UTF_8)));
        hasher.digest(MemorySegment.ofArray(digest), 0);
        return HexFormat.of().formatHex(digest, 0, Long.BYTES);
    }

    /** What an earlier process left, or null when there is nothing that can be relied on. */
    @Nullable
    StateFacts load() {
        try {
            ByteBuffer facts = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(FACTS)));
            generation = generation(facts);
            if (generation == 0) {
                return null;
            }
            ByteBuffer body = facts.slice(BODY_AT, facts.capacity() - BODY_AT);
            if (body.capacity() != facts.getLong(32) || crc(body) != facts.getLong(40)) {
                return null;
            }
            StateFacts decoded = StateFacts.decode(body);
            // Readers take locks in the files, so what cannot be written cannot be read.
            boolean areThere = decoded.runs().stream().allMatch(run -> Files.isWritable(path(run)));
            return areThere ? decoded : null;
        } catch (IOException | RuntimeException e) {
            return null; // there is none, or it is no such file: the states say the same
        }
    }

    /** The generation that intact facts of this store say at their head, or 0. */
    private long generation(ByteBuffer facts) {
        byte[] id = new byte[repositoryId.length];
        if (facts.capacity() < BODY_AT || facts.getLong(0) != MAGIC) {
            return 0;
        }
        facts.get(16, id);
        Mac mac = Mac.read(MemorySegment.ofBuffer(facts), MAC_AT);
        return Arrays.equals(id, repositoryId) && mac.equals(mac(facts)) ? facts.getLong(8) : 0;
    }

    private Mac mac(ByteBuffer facts) {
        return keys.newMacHasher().mac(MemorySegment.ofBuffer(facts.slice(0, MAC_AT)));
    }

    private static long crc(ByteBuffer body) {
        CRC32C crc = new CRC32C();
        crc.update(body.duplicate());
        return crc.getValue();
    }

    private Path path(Run run) {
        return folder.resolve(run.name());
    }

    /** The files of the facts that {@link #load} gave. */
    List<Path> files(StateFacts facts) {
        return facts.runs().stream().map(this::path).toList();
    }

    /** Whether the next process would spend more on reading this again than this one on writing it down. */
    boolean isWorth(long newStates, long newLocations) {
        return newStates >= limits.states || newStates > 0 && newLocations >= limits.locations;
    }

    /** Whether a process that adds locations should move them out of its memory. */
    boolean isMuch(long locations) {
        return locations >= limits.inMemory;
    }

    /** Which locations of the tables belong into the cache. */
    @FunctionalInterface
    interface Kept {
        boolean isKept(int packfile);
    }

    /**
     * Replaces what {@link #load} found. Does nothing when another process does so or has done so meanwhile, and when
     * something is in the way: then a later process tries again.
     *
     * @param facts with the runs that stay valid, and no locations
     * @param index has in its tables whatever these runs have not
     * @return what is there now, or null if it is as it was
     */
    @Nullable
    StateFacts update(StateFacts facts, BlobIndex index, Kept kept, long newGeneration) {
        try {
            Files.createDirectories(folder);
            try (FileChannel lockFile = FileChannel.open(
                            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = lockFile.tryLock()) {
                if (lock != null && currentGeneration() == generation) {
                    return write(facts, index, kept, newGeneration);
                }
            }
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            // A cache that cannot be written costs time only, and not having told so costs
            // nothing.
        }
        return null;
    }

    private long currentGeneration() {
        Path file = folder.resolve(FACTS);
        try (FileChannel in = FileChannel.open(file)) {
            ByteBuffer head = ByteBuffer.allocate(BODY_AT);
            while (head.hasRemaining() && in.read(head) >= 0) {
                // until it is full, or the file ends
            }
            return generation(head.rewind());
        } catch (IOException e) {
            return 0;
        }
    }

    private @Nullable StateFacts write(StateFacts facts, BlobIndex index, Kept kept, long newGeneration)
            throws IOException {
        Set<String> inUse = new HashSet<>(Set.of(FACTS, "lock"));
        facts.runs().forEach(run -> inUse.add(run.name()));
        long[] count = new long[1];
        boolean[] fits = {true};
        index.forEachInTables((type, mac, packfile, offset, length) -> {
            if (kept.isKept(packfile)) {
                count[0]++;
                fits[0] &= LocationRuns.fits(offset);
            }
        });
        if (!fits[0]) {
            return null; // an archive of more than a tebibyte
        }
        List<Run> runs = new ArrayList<>(facts.runs());
        boolean isLarge = count[0] > limits.inFacts;
        if (isLarge) {
            runs.add(newRun(runs, count[0], index, kept, newGeneration));
        }
        Locations.Writer locations = new Locations.Writer();
        index.forEachInTables((type, mac, packfile, offset, length) -> {
            if ((!isLarge || type == ResourceType.SNAPSHOT) && kept.isKept(packfile)) {
                locations.location(type, mac, packfile, offset, length);
            }
        });
        StateFacts written = new StateFacts(
                facts.states(),
                facts.packfiles(),
                facts.colourChanges(),
                facts.snapshots(),
                facts.removedSnapshots(),
                locations.written(),
                runs);
        replaceFacts(written, newGeneration);
        runs.forEach(run -> inUse.add(run.name()));
        deleteOthers(inUse);
        return written;
    }

    /** Writes what the tables hold, and takes over from the end of {@code runs} what is not much larger. */
    private Run newRun(List<Run> runs, long count, BlobIndex index, Kept kept, long newGeneration) throws IOException {
        List<Path> merged = new ArrayList<>();
        long entries = count;
        long all = count + runs.stream().mapToLong(Run::entries).sum();
        long most = Math.max(limits.inFile, all / MOST_FILES);
        while (!runs.isEmpty()
                && runs.getLast().entries() <= MERGE_FACTOR * entries
                && runs.getLast().entries() + entries <= most) {
            Run last = runs.removeLast();
            merged.addFirst(path(last));
            entries += last.entries();
        }
        // Tables have no filter: what they do not have touches a page of each, and pages count as memory.
        long inTables = runs.stream()
                .mapToLong(Run::entries)
                .filter(each -> each <= limits.inTableFile)
                .sum();
        boolean asTable = entries <= limits.inTableFile && inTables + entries <= 2L * limits.inTableFile;
        Run run = new Run(RUN_PREFIX + Long.toHexString(newGeneration), entries);
        LocationRuns.write(path(run), count, merged, asTable, (file, atOnce) -> {
            BlobIndex.Visitor visitor = (type, mac, packfile, offset, length) -> {
                if (kept.isKept(packfile)) {
                    file.location(type, mac, packfile, offset, length);
                }
            };
            if (atOnce) {
                index.forEachInTablesAtOnce(visitor);
            } else {
                index.forEachInTables(visitor);
            }
        });
        return run;
    }

    private void replaceFacts(StateFacts facts, long newGeneration) throws IOException {
        byte[] body = facts.encode();
        ByteBuffer whole = ByteBuffer.allocate(BODY_AT + body.length);
        whole.putLong(0, MAGIC)
                .putLong(8, newGeneration)
                .put(16, repositoryId)
                .putLong(32, body.length)
                .putLong(40, crc(ByteBuffer.wrap(body)));
        mac(whole).write(MemorySegment.ofBuffer(whole), MAC_AT);
        whole.put(BODY_AT, body);
        CacheFile.replace(folder.resolve(FACTS), whole.array());
        generation = newGeneration;
    }

    /** Removes what an earlier generation, or a process that died, has left. */
    private void deleteOthers(Set<String> inUse) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (!inUse.contains(name) && !inUse.contains(name.replace(".sums", ""))) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
