// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class StoreKeysTest {
    private static final HexFormat HEX = HexFormat.of();

    private static MemorySegment ascii(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** From the format's vectors and from stores of real Plakar. */
    @ParameterizedTest
    @CsvSource({
        "BLAKE3,00112233445566778899aabbccddeeff,'',3a77dbd14805b47c2514acb2003f0b5cc99aa7dc3ec4f608ac77a7b03ac0755f",
        "BLAKE3,00112233445566778899aabbccddeeff,hello,9b03baccde1ae6194a7312024f19de11452b01116ad7c719f513fa520a5e6cf6",
        "SHA256,00112233445566778899aabbccddeeff,'',1577caf4e2cb4921991aa83810764504d37a3b36405309d48c21c3ec235b62b4",
        "SHA256,00112233445566778899aabbccddeeff,hello,96cd43df27417f217c29336e65ecca3771d3469ad292fa3b245c2010edac4c6f",
        "BLAKE3,8330010559ee46bbae394f1e2482dba3,'',6ecd1f3e9f50d541501f497e580e0525ef0e9ebaa0d7e2bcf9d63bf4bafd1a7d",
        "SHA256,cf864242a0da4cac9541b674108b6042,'',0681c31dc3af2b6ed155b35edccee1c129fb832b973d30f5d1e3599c3f322113",
    })
    void plaintextStoresHaveAKeyedMac(Hashing hashing, String id, String text, String mac) {
        try (StoreKeys keys = StoreKeys.plaintext(hashing, HEX.parseHex(id))) {
            assertThat(keys.isEncrypted()).isFalse();
            MacHasher hasher = keys.newMacHasher();
            assertThat(hasher.mac(ascii(text)).hex()).isEqualTo(mac);
            hasher.update(ascii("thrown away"));
            assertThat(hasher.mac(ascii(text)).hex()).isEqualTo(mac);
            for (int i = 0; i < text.length(); i++) {
                hasher.update(ascii(text.substring(i, i + 1)));
            }
            assertThat(hasher.finish().hex()).isEqualTo(mac);
            assertThatThrownBy(keys::newCipher).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void encryptedStoresUseTheMasterKeyForMacs() {
        byte[] master = HEX.parseHex("036a87022a2111a265b5a32708726d1d40e66d1d19baf29ab1cbf9226b96ac8c");
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, master, "AES256-KW", 65_536)) {
            assertThat(keys.newMacHasher().mac(ascii("hello, world\n")).hex())
                    .isEqualTo("31ac80e4dcee880eb5311d6ba072be34911ee5caa3cf40d5172a1222c15079ce");
        }
    }

    @ParameterizedTest
    @EnumSource(Hashing.class)
    void macsOfHeapAndNativeSegmentsAreEqual(Hashing hashing) {
        try (StoreKeys keys = StoreKeys.plaintext(hashing, new byte[16]);
                Arena arena = Arena.ofConfined()) {
            byte[] heap = new byte[10_000];
            Arrays.fill(heap, (byte) 7);
            MemorySegment outside = arena.allocate(10_001).asSlice(1).copyFrom(MemorySegment.ofArray(heap));
            MacHasher hasher = keys.newMacHasher();
            assertThat(hasher.mac(outside)).isEqualTo(hasher.mac(MemorySegment.ofArray(heap)));
        }
    }

    @Test
    void theCanaryTellsARightKeyFromAWrongOne() {
        byte[] master = new byte[32];
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.SHA256, master, "AES256-KW", 65_536)) {
            byte[] canary = keys.newCanary();
            assertThat(canary).hasSize(100);
            keys.checkCanary(canary);
            master[0] = 1; // the keys hold a copy
            keys.checkCanary(canary);
            try (StoreKeys wrong = StoreKeys.encrypted(Hashing.SHA256, master, "AES256-KW", 65_536)) {
                assertThatThrownBy(() -> wrong.checkCanary(canary))
                        .isInstanceOf(WrongPassphraseException.class)
                        .hasMessageContaining("does not open this store");
            }
            assertThatThrownBy(() -> keys.checkCanary(new byte[45])).isInstanceOf(CorruptDataException.class);
        }
    }

    @Test
    void closedKeysMakeNothingMore() {
        StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", 65_536);
        MacHasher before = keys.newMacHasher();
        Mac mac = before.mac(ascii("x"));
        keys.close();
        keys.close();
        assertThatThrownBy(keys::newMacHasher).isInstanceOf(IllegalStateException.class);
        assertThat(before.mac(ascii("x"))).isEqualTo(mac);
    }

    @Test
    void unknownAlgorithmsAskForANewerProgram() {
        assertThat(Hashing.parse("blake3")).isEqualTo(Hashing.BLAKE3);
        assertThat(Hashing.parse("Sha256")).isEqualTo(Hashing.SHA256);
        assertThatThrownBy(() -> Hashing.parse("MD5\u001b[31m"))
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessage("CONFIG asks for the hash 'MD5?[31m', known: BLAKE3, SHA256; this store needs a newer"
                        + " program");
        assertThatThrownBy(() -> StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "ROT13", 65_536))
                .isInstanceOf(UnsupportedVersionException.class);
        for (int segmentBytes : new int[] {-1, 0, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", segmentBytes))
                    .isInstanceOf(CorruptDataException.class);
        }
    }
}
