// SPDX-License-Identifier: ISC
package dev.armoire;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Passphrases on their way from a caller to the engine, which wants bytes and wipes them. Leaves nothing behind. */
final class Passphrase {
    private final Supplier<char[]> supplier;
    /** Given once and for all, for one use; null when it is asked for. */
    private final char @Nullable [] given;

    private Passphrase(Supplier<char[]> supplier, char @Nullable [] given) {
        this.supplier = supplier;
        this.given = given;
    }

    static Passphrase of(char[] passphrase) {
        return new Passphrase(() -> passphrase, passphrase);
    }

    static Passphrase of(Supplier<char[]> supplier) {
        return new Passphrase(supplier, null);
    }

    /** The passphrase in UTF-8, for the caller to wipe; the characters are wiped here. */
    byte[] bytes() {
        char[] characters = supplier.get();
        if (characters.length == 0) {
            throw new IllegalArgumentException("the passphrase is empty");
        }
        boolean isWiped = true;
        for (char c : characters) {
            isWiped &= c == 0;
        }
        if (isWiped) {
            throw new IllegalStateException(
                    "this passphrase was used and wiped: give a new array, or a supplier, for each store to be opened");
        }
        ByteBuffer encoded = ByteBuffer.allocate(characters.length * 3); // no character has more bytes in UTF-8
        try {
            CoderResult result = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(characters), encoded, true);
            if (result.isError()) {
                throw new IllegalArgumentException("the passphrase is not valid text: it has half of a surrogate pair");
            }
            return Arrays.copyOf(encoded.array(), encoded.position());
        } finally {
            Arrays.fill(encoded.array(), (byte) 0);
            Arrays.fill(characters, '\0');
        }
    }

    /** Called when the one use that a given array is for is over, whether it was looked at or not. */
    void used() {
        if (given != null) {
            Arrays.fill(given, '\0');
        }
    }
}
