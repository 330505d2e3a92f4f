// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A store that is about to be made: the CONFIG that its storage is to begin with, and the keys that belong to it, so that it can
 * be opened without deriving them a second time. Owns the keys until {@link #open}.
 */
public final class NewStore implements AutoCloseable {
    private final StoreConfig config;
    private final byte[] object;
    private @Nullable StoreKeys keys;

    private NewStore(StoreConfig config, StoreKeys keys) {
        this.config = config;
        this.keys = keys;
        try (Arena arena = Arena.ofConfined()) {
            object = config.toObject(keys, arena).toArray(ValueLayout.JAVA_BYTE);
        } catch (RuntimeException | Error e) {
            keys.close();
            throw e;
        }
    }

    /**
     * A store of packfiles.
     *
     * @param passphrase null for a store without encryption; borrowed
     */
    public static NewStore store(Hashing hashing, Compression compression, byte @Nullable [] passphrase) {
        return of(hashing, compression, passphrase, false);
    }

    /** An archive: its one packfile has no limit. */
    public static NewStore archive(Hashing hashing, Compression compression, byte @Nullable [] passphrase) {
        return of(hashing, compression, passphrase, true);
    }

    private static NewStore of(
            Hashing hashing, Compression compression, byte @Nullable [] passphrase, boolean isArchive) {
        UUID id = UUID.randomUUID();
        Instant now = Instant.now();
        if (passphrase == null) {
            StoreConfig config = StoreConfig.create(now, id, hashing, compression, null);
            return new NewStore(isArchive ? config.forArchive() : config, config.plaintextKeys());
        }
        KeyDerivation derivation = KeyDerivation.newDefault();
        byte[] master = derivation.derive(passphrase);
        StoreKeys keys;
        try {
            keys = StoreConfig.EncryptionSettings.create(derivation, new byte[0])
                    .keys(hashing, master);
        } finally {
            Arrays.fill(master, (byte) 0);
        }
        try {
            var encryption = StoreConfig.EncryptionSettings.create(derivation, keys.newCanary());
            StoreConfig config = StoreConfig.create(now, id, hashing, compression, encryption);
            return new NewStore(isArchive ? config.forArchive() : config, keys);
        } catch (RuntimeException | Error e) {
            keys.close();
            throw e;
        }
    }

    /** The CONFIG object. */
    public byte[] object() {
        return object.clone();
    }

    public UUID repositoryId() {
        return config.repositoryId();
    }

    /**
     * Opens it. Takes over the storage, and the keys: once only.
     *
     * @param storage made with {@link #object}
     * @param hostname name of this machine, as locks and snapshots carry it
     */
    public Repository open(Storage storage, String hostname) {
        StoreKeys own = keys;
        if (own == null) {
            throw new IllegalStateException("it is open already, or closed");
        }
        keys = null;
        return new Repository(storage, config, own, hostname);
    }

    @Override
    public void close() {
        StoreKeys own = keys;
        if (own != null) {
            own.close();
            keys = null;
        }
    }
}
