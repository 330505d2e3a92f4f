// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SegmentAeadTest {
    /** Kloset uses 256-bit keys and no additional data: the other vectors are for others. */
    private static List<Wycheproof> vectors() {
        return Wycheproof.read("aes_gcm_siv_test.json").stream()
                .filter(test ->
                        test.text("key").length() == 64 && test.text("aad").isEmpty())
                .toList();
    }

    @ParameterizedTest
    @EnumSource(AeadProvider.class)
    void agreesWithWycheproof(AeadProvider provider) throws GeneralSecurityException {
        SegmentAead aead = provider.newAead();
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

    @Test
    void providersAgreeOnEveryKindOfSegmentAndWriteNothingBeside() throws GeneralSecurityException {
        var random = new Random(11);
        SegmentAead conscrypt = AeadProvider.CONSCRYPT.newAead();
        SegmentAead bouncyCastle = AeadProvider.BOUNCY_CASTLE.newAead();
        byte[] key = new byte[32];
        byte[] nonce = new byte[12];
        for (int length : new int[] {1, 15, 16, 17, 127, 128, 129, 400, 4095, 65_535, 65_536}) {
            random.nextBytes(key);
            random.nextBytes(nonce);
            byte[] plain = new byte[length];
            random.nextBytes(plain);
            byte[] expected = new byte[length + 16];
            bouncyCastle.key(key);
            bouncyCastle.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(expected));
            conscrypt.key(key);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment nativePlain = arena.allocate(length + 7).asSlice(3, length);
                nativePlain.copyFrom(MemorySegment.ofArray(plain));
                MemorySegment around = arena.allocate(length + 16 + 64);
                around.fill((byte) 0x5a);
                MemorySegment sealed = around.asSlice(33, length + 16);
                conscrypt.seal(nonce, nativePlain.asReadOnly(), sealed);
                assertThat(sealed.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
                assertThat(guardsIntact(around, 33, length + 16)).isTrue();

                byte[] heap = new byte[length + 16];
                conscrypt.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(heap));
                assertThat(heap).isEqualTo(expected);

                around.fill((byte) 0x5a);
                conscrypt.open(nonce, MemorySegment.ofArray(expected), around.asSlice(33, length));
                assertThat(around.asSlice(33, length).toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(plain);
                assertThat(guardsIntact(around, 33, length)).isTrue();
                MemorySegment nativeSealed = arena.allocate(length + 16);
                nativeSealed.copyFrom(MemorySegment.ofArray(expected));
                byte[] opened = new byte[length];
                conscrypt.open(nonce, nativeSealed, MemorySegment.ofArray(opened));
                assertThat(opened).isEqualTo(plain);
                bouncyCastle.open(nonce, nativeSealed, MemorySegment.ofArray(opened));
                assertThat(opened).isEqualTo(plain);
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
