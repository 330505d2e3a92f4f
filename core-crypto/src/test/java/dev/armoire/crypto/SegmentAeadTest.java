// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.simd.Aes256GcmSiv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SegmentAeadTest {
    /** Kloset uses 256-bit keys and no additional data: the other vectors are for others. */
    private static List<Wycheproof> vectors() {
        return Wycheproof.read("aes_gcm_siv_test.json").stream()
                .filter(test ->
                        test.text("key").length() == 64 && test.text("aad").isEmpty())
                .toList();
    }

    /** All there are here. */
    static List<SegmentAead> all() {
        List<SegmentAead> all = new ArrayList<>();
        for (AeadProvider provider : AeadProvider.values()) {
            all.add(provider.newAead());
        }
        if (Aes256GcmSiv.isAvailable()) {
            all.add(new ShortSegmentAead(() -> AeadProvider.chosen().newAead()));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("all")
    void agreesWithWycheproof(SegmentAead aead) throws GeneralSecurityException {
        assertThat(vectors()).hasSizeGreaterThan(20);
        for (Wycheproof test : vectors()) {
            byte[] message = test.bytes("msg");
            byte[] cipherText = test.bytes("ct");
            byte[] tag = test.bytes("tag");
            byte[] sealed = Arrays.copyOf(cipherText, cipherText.length + tag.length);
            System.arraycopy(tag, 0, sealed, cipherText.length, tag.length);
            aead.key(test.bytes("key"));

            byte[] opened = new byte[cipherText.length];
            if (test.isValid()) {
                byte[] made = new byte[sealed.length];
                aead.seal(test.bytes("iv"), MemorySegment.ofArray(message), MemorySegment.ofArray(made));
                assertThat(made).as(test.toString()).isEqualTo(sealed);
                aead.open(test.bytes("iv"), MemorySegment.ofArray(sealed), MemorySegment.ofArray(opened));
                assertThat(opened).as(test.toString()).isEqualTo(message);
            } else {
                assertThatThrownBy(() -> aead.open(
                                test.bytes("iv"), MemorySegment.ofArray(sealed), MemorySegment.ofArray(opened)))
                        .as(test.toString())
                        .isInstanceOf(GeneralSecurityException.class);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void agreesWithBouncyCastleOnEveryKindOfSegmentAndWritesNothingBeside(SegmentAead aead)
            throws GeneralSecurityException {
        var random = new Random(11);
        SegmentAead bouncyCastle = AeadProvider.BOUNCY_CASTLE.newAead();
        byte[] key = new byte[32];
        byte[] nonce = new byte[12];
        List<Integer> lengths = new ArrayList<>(List.of(400, 1023, 4095, 16_383, 16_384, 16_385, 65_535, 65_536));
        for (int length = 0; length <= 300; length++) {
            lengths.add(length);
        }
        for (int length : lengths) {
            random.nextBytes(key);
            random.nextBytes(nonce);
            byte[] plain = new byte[length];
            random.nextBytes(plain);
            byte[] expected = new byte[length + 16];
            bouncyCastle.key(key);
            bouncyCastle.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(expected));
            aead.key(key);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment nativePlain = arena.allocate(length + 7).asSlice(3, length);
                nativePlain.copyFrom(MemorySegment.ofArray(plain));
                MemorySegment around = arena.allocate(length + 16 + 64);
                around.fill((byte) 0x5a);
                MemorySegment sealed = around.asSlice(33, length + 16);
                aead.seal(nonce, nativePlain.asReadOnly(), sealed);
                assertThat(sealed.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
                assertThat(guardsIntact(around, 33, length + 16)).isTrue();

                byte[] heap = new byte[length + 16];
                aead.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(heap));
                assertThat(heap).isEqualTo(expected);

                around.fill((byte) 0x5a);
                aead.open(nonce, MemorySegment.ofArray(expected), around.asSlice(33, length));
                assertThat(around.asSlice(33, length).toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(plain);
                assertThat(guardsIntact(around, 33, length)).isTrue();
                MemorySegment nativeSealed = arena.allocate(length + 16);
                nativeSealed.copyFrom(MemorySegment.ofArray(expected));
                byte[] opened = new byte[length];
                aead.open(nonce, nativeSealed, MemorySegment.ofArray(opened));
                assertThat(opened).isEqualTo(plain);

                int changed = random.nextInt(length + 16);
                expected[changed] ^= (byte) (1 << random.nextInt(Byte.SIZE));
                assertThatThrownBy(
                                () -> aead.open(nonce, MemorySegment.ofArray(expected), MemorySegment.ofArray(opened)))
                        .as("byte " + changed + " of " + length)
                        .isInstanceOf(GeneralSecurityException.class);
            }
        }
    }

    /** RFC 8452, appendix C.3: 32 bits of the counter wrap around, and carry nowhere. */
    @ParameterizedTest
    @MethodSource("all")
    void theCounterWraps(SegmentAead aead) throws GeneralSecurityException {
        aead.key(HexFormat.of().parseHex("00000000000000000000000000000000".repeat(2)));
        for (String[] vector : new String[][] {
            {
                "000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108",
                "f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3eaffffffff000000000000000000000000"
            },
            {
                "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
                "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000"
            }
        }) {
            byte[] plain = HexFormat.of().parseHex(vector[0]);
            byte[] sealed = new byte[plain.length + 16];
            aead.seal(new byte[12], MemorySegment.ofArray(plain), MemorySegment.ofArray(sealed));
            assertThat(HexFormat.of().formatHex(sealed)).isEqualTo(vector[1]);
            byte[] opened = new byte[plain.length];
            aead.open(new byte[12], MemorySegment.ofArray(sealed), MemorySegment.ofArray(opened));
            assertThat(opened).isEqualTo(plain);
        }
    }

    /** A message of a few megabytes after a short one and before it: the library gets the key that holds. */
    @ParameterizedTest
    @MethodSource("all")
    void shortAndLongOnesTakeTurns(SegmentAead aead) throws GeneralSecurityException {
        var random = new Random(12);
        byte[] key = new byte[32];
        byte[] nonce = new byte[12];
        for (int length : new int[] {10, 3_000_000, 10, 20_000, 20_000, 10}) {
            random.nextBytes(key);
            aead.key(key);
            byte[] plain = new byte[length];
            random.nextBytes(plain);
            for (int again = 0; again < 2; again++) {
                byte[] sealed = new byte[length + 16];
                aead.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(sealed));
                SegmentAead other = AeadProvider.BOUNCY_CASTLE.newAead();
                other.key(key);
                byte[] opened = new byte[length];
                other.open(nonce, MemorySegment.ofArray(sealed), MemorySegment.ofArray(opened));
                assertThat(Arrays.equals(opened, plain)).isTrue();
            }
        }
    }

    private static boolean guardsIntact(MemorySegment around, long from, long length) {
        for (long i = 0; i < around.byteSize(); i++) {
            if ((i < from || i >= from + length) && around.get(ValueLayout.JAVA_BYTE, i) != 0x5a) {
                return false;
            }
        }
        return true;
    }

    @Test
    void theChoiceIsNamedAndNonsenseRefused() {
        assertThat(AeadProvider.choose("auto").provider()).isEqualTo(AeadProvider.CONSCRYPT);
        assertThat(AeadProvider.choose("bouncycastle").provider()).isEqualTo(AeadProvider.BOUNCY_CASTLE);
        assertThat(AeadProvider.choose("conscrypt").reason()).isEqualTo("Conscrypt (asked for)");
        assertThatThrownBy(() -> AeadProvider.choose("rot13"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("-Darmoire.crypto=rot13: use auto, conscrypt or bouncycastle");
        assertThat(StreamCipher.implementation()).isNotBlank();
    }
}
