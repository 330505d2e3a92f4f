// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;

/** The hexadecimal vectors among the test resources, and what they all were made from. */
final class Vectors {
    static final UUID REPOSITORY = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    static final Instant TIME = Instant.ofEpochSecond(1_767_323_045L, 678_901_234);
    static final long TIME_NANOS = TIME.getEpochSecond() * 1_000_000_000L + TIME.getNano();
    static final Bytes SALT = Bytes.copyOf(bytes("000102030405060708090a0b0c0d0e0f"));
    static final Mac HELLO = Mac.parse("9b03baccde1ae6194a7312024f19de11452b01116ad7c719f513fa520a5e6cf6");
    static final Mac EMPTY = Mac.parse("3a77dbd14805b47c2514acb2003f0b5cc99aa7dc3ec4f608ac77a7b03ac0755f");
    static final Mac PADDING = Mac.parse("ee".repeat(32));
    static final Mac PACKFILE = Mac.parse("ebb7c615202c3e61e218e411786e1a07c5af0678b5694fa9d1bf0ef17673b463");
    static final Mac STATE = Mac.parse("5a".repeat(32));

    private Vectors() {}

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    static String hex(MemorySegment segment) {
        return HexFormat.of().formatHex(segment.toArray(ValueLayout.JAVA_BYTE));
    }

    static MemorySegment segment(String hex) {
        return MemorySegment.ofArray(bytes(hex));
    }

    /** The vector of that name, as hexadecimal digits. */
    static String named(String name) {
        try (InputStream in = Vectors.class.getResourceAsStream("/vectors/" + name + ".hex")) {
            if (in == null) {
                throw new IllegalArgumentException("no vector " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("\\s", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static StoreKeys plaintextKeys() {
        return StoreKeys.plaintext(Hashing.BLAKE3, StoreConfig.idBytes(REPOSITORY));
    }
}
