// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.util.Locale;

/** The hash that a store's MACs are made with, named by {@code Hashing.Algorithm} of CONFIG (format 1 §4.2, §5). */
public enum Hashing {
    BLAKE3,
    SHA256;

    /** Reads the name in CONFIG, in any case of letters. */
    public static Hashing parse(String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "BLAKE3" -> BLAKE3;
            case "SHA256" -> SHA256;
            default -> throw UnsupportedVersionException.algorithm("hash", name, "BLAKE3, SHA256");
        };
    }
}
