// SPDX-License-Identifier: ISC
package dev.armoire;

import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How to open a store. Immutable: each method gives further options. */
public final class OpenOptions {
    private static final OpenOptions DEFAULTS = new OpenOptions(null, null, temporary(), processors());

    private final @Nullable Passphrase passphrase;
    private final @Nullable Path cache;
    private final Path temporary;
    private final int workers;

    private OpenOptions(@Nullable Passphrase passphrase, @Nullable Path cache, Path temporary, int workers) {
        this.passphrase = passphrase;
        this.cache = cache;
        this.temporary = temporary;
        this.workers = workers;
    }

    private static Path temporary() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** No passphrase, no cache folder, temporary files where Java has them, one thread for each processor. */
    public static OpenOptions defaults() {
        return DEFAULTS;
    }

    /**
     * With a passphrase for one use: the array is taken over, and filled with zeros by the one {@code open} that gets these
     * options, whether it succeeds or not.
     */
    public OpenOptions withPassphrase(char[] passphrase) {
        return new OpenOptions(Passphrase.of(passphrase), cache, temporary, workers);
    }

    /**
     * With somebody to ask for the passphrase; asked only when the store is encrypted, once for each store opened. The array
     * that it gives is filled with zeros after use.
     */
    public OpenOptions withPassphrase(Supplier<char[]> passphrase) {
        return new OpenOptions(Passphrase.of(passphrase), cache, temporary, workers);
    }

    /**
     * With a folder in which what the store's states say is remembered, so that a large store opens faster the next time. The
     * command line has its own at {@code ~/.cache/armoire}, and the two can share one. A folder that cannot be used is no
     * error. Needs further options of the JVM; see {@code docs/embedding.md}.
     */
    public OpenOptions withCache(Path folder) {
        return new OpenOptions(passphrase, folder, temporary, workers);
    }

    /** With a folder, which must exist, for the temporary files of backups. */
    public OpenOptions withTemporaryFolder(Path folder) {
        return new OpenOptions(passphrase, cache, folder, workers);
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
        return new OpenOptions(passphrase, cache, temporary, workers);
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
}
