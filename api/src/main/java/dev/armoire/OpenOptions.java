// SPDX-License-Identifier: ISC
package dev.armoire;

import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How to open a store. Immutable: each method gives further options. */
public final class OpenOptions {
    private static final long USUAL_READ_CACHE_BYTES = 256L << 20;
    private static final OpenOptions DEFAULTS =
            new OpenOptions(null, null, temporary(), processors(), usualReadCache());

    private final @Nullable Passphrase passphrase;
    private final @Nullable Path cache;
    private final Path temporary;
    private final int workers;
    private final long readCacheBytes;

    private OpenOptions(
            @Nullable Passphrase passphrase, @Nullable Path cache, Path temporary, int workers, long readCacheBytes) {
        this.passphrase = passphrase;
        this.cache = cache;
        this.temporary = temporary;
        this.workers = workers;
        this.readCacheBytes = readCacheBytes;
    }

    private static Path temporary() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** The heap is a measure of how much memory is meant for this program. */
    private static long usualReadCache() {
        return Math.min(USUAL_READ_CACHE_BYTES, Runtime.getRuntime().maxMemory() / 4);
    }

    /**
     * No passphrase, no cache folder, temporary files where Java has them, one thread for each processor, and a read cache of at
     * most 256 MiB or a quarter of the largest heap, whichever is less.
     */
    public static OpenOptions defaults() {
        return DEFAULTS;
    }

    /**
     * With a passphrase for one use: the array is taken over, and filled with zeros by the one {@code open} that gets these
     * options, whether it succeeds or not.
     */
    public OpenOptions withPassphrase(char[] passphrase) {
        return new OpenOptions(Passphrase.of(passphrase), cache, temporary, workers, readCacheBytes);
    }

    /**
     * With somebody to ask for the passphrase; asked only when the store is encrypted, once for each store opened. The array
     * that it gives is filled with zeros after use.
     */
    public OpenOptions withPassphrase(Supplier<char[]> passphrase) {
        return new OpenOptions(Passphrase.of(passphrase), cache, temporary, workers, readCacheBytes);
    }

    /**
     * With a folder in which what the store's states say is remembered, so that a large store opens faster the next time. The
     * command line has its own at {@code ~/.cache/armoire}, and the two can share one. A folder that cannot be used is no
     * error. Needs further options of the JVM; see {@code docs/embedding.md}.
     */
    public OpenOptions withCache(Path folder) {
        return new OpenOptions(passphrase, folder, temporary, workers, readCacheBytes);
    }

    /** With a folder, which must exist, for the temporary files of backups. */
    public OpenOptions withTemporaryFolder(Path folder) {
        return new OpenOptions(passphrase, cache, folder, workers, readCacheBytes);
    }

    /**
     * With so many threads for backups, restores and checks.
     *
     * @param workers at least 1
     */
    public OpenOptions withWorkers(int workers) {
        if (workers < 1) {
            throw new IllegalArgumentException("at least one worker is needed, not " + workers);
        }
        return new OpenOptions(passphrase, cache, temporary, workers, readCacheBytes);
    }

    /**
     * With so much memory, outside of the heap, for the parts of files that were read last. It is taken as it is needed, and given back
     * when the store is closed. What is in it is given out at the speed of memory; all else is decoded first, a part of a MiB or
     * so for each read that touches it, or less if it was in it before. A thirty-second of it is taken on the heap.
     *
     * @param bytes at least 0
     */
    public OpenOptions withReadCache(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a read cache of " + bytes + " bytes");
        }
        return new OpenOptions(passphrase, cache, temporary, workers, bytes);
    }

    @Nullable
    Passphrase passphrase() {
        return passphrase;
    }

    @Nullable
    Path cache() {
        return cache;
    }

    Path temporaryFolder() {
        return temporary;
    }

    int workers() {
        return workers;
    }

    long readCacheBytes() {
        return readCacheBytes;
    }
}
