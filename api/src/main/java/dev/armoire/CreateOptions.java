// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a new store is like, for good. Immutable: each method gives further options. */
public final class CreateOptions {
    /** The hash that names what is stored. */
    public enum Hashing {
        /** The default. */
        BLAKE3,
        /** HMAC-SHA-256, for those who must. */
        SHA256
    }

    /** How what is stored is compressed. */
    public enum Compression {
        /** The default. */
        LZ4,
        /** Smaller, in more time; Plakar up to v1.1.4 refuses to open such a store. */
        ZSTD,
        /** Not at all. */
        NONE
    }

    private final @Nullable Passphrase passphrase;
    private final Hashing hashing;
    private final Compression compression;

    private CreateOptions(@Nullable Passphrase passphrase, Hashing hashing, Compression compression) {
        this.passphrase = passphrase;
        this.hashing = hashing;
        this.compression = compression;
    }

    /**
     * A store that only its passphrase opens; whoever loses it loses the store. The array is taken over, and filled with zeros
     * by the one {@code create} that gets these options.
     */
    public static CreateOptions encrypted(char[] passphrase) {
        return new CreateOptions(Passphrase.of(passphrase), Hashing.BLAKE3, Compression.LZ4);
    }

    /** A store that only its passphrase opens. The array that the supplier gives is filled with zeros after use. */
    public static CreateOptions encrypted(Supplier<char[]> passphrase) {
        return new CreateOptions(Passphrase.of(passphrase), Hashing.BLAKE3, Compression.LZ4);
    }

    /** A store that whoever can read its files can read. */
    public static CreateOptions unencrypted() {
        return new CreateOptions(null, Hashing.BLAKE3, Compression.LZ4);
    }

    /** With another hash. */
    public CreateOptions withHashing(Hashing other) {
        return new CreateOptions(passphrase, other, compression);
    }

    /** With another compression. */
    public CreateOptions withCompression(Compression other) {
        return new CreateOptions(passphrase, hashing, other);
    }

    @Nullable
    Passphrase passphrase() {
        return passphrase;
    }

    dev.armoire.crypto.Hashing hashing() {
        return switch (hashing) {
            case BLAKE3 -> dev.armoire.crypto.Hashing.BLAKE3;
            case SHA256 -> dev.armoire.crypto.Hashing.SHA256;
        };
    }

    dev.armoire.packfile.Compression compression() {
        return switch (compression) {
            case LZ4 -> dev.armoire.packfile.Compression.LZ4;
            case ZSTD -> dev.armoire.packfile.Compression.ZSTD;
            case NONE -> dev.armoire.packfile.Compression.NONE;
        };
    }
}
