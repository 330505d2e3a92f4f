// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.UnsupportedVersionException;
import java.util.Locale;

/** How every blob, index, state and lock of a store is compressed (format 1 §7). */
public enum Compression {
    NONE,
    LZ4,
    GZIP,
    /** Read by Kloset from 1.1.4 on; Plakar 1.1.4 and older refuse such a store. */
    ZSTD;

    /** Reads {@code Compression.Algorithm} of CONFIG, in any case of letters. */
    public static Compression parse(String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "LZ4" -> LZ4;
            case "GZIP" -> GZIP;
            case "ZSTD" -> ZSTD;
            default -> throw UnsupportedVersionException.algorithm("compression", name, "LZ4, GZIP, ZSTD");
        };
    }
}
