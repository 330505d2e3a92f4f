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
            default ->
                throw new UnsupportedVersionException("CONFIG asks for the hash '" + Names.printable(name)
                        + "', known are BLAKE3 and SHA256; this store needs a newer program");
        };
    }
}
