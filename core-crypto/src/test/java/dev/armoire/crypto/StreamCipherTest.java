// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class StreamCipherTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte[] MASTER =
            HEX.parseHex("58adf8f2eb38053b06b6d9365fd8f5de698bcfc69f2c02c0ba8d8c4634816db0");
    private static final String WRAPPED =
            "d098bf8bea9c8057f92ac016aa0f1ca053f400e7f175bf56904702e53206d3ca0c986a5ac234d49a";

    /** Subkey 20..3f, then nonces of a0, a1, ... repeated: the fixed bytes of the format's vectors. */
    private static ByteSource vectorBytes() {
        return new ByteSource() {
            private int next = 0xa0;

            @Override
            public void nextBytes(byte[] target) {
                if (target.length == 32) {
                    for (int i = 0; i < 32; i++) {
                        target[i] = (byte) (0x20 + i);
                    }
                } else {
                    Arrays.fill(target, (byte) next++);
                }
            }
        };
    }

    private static StreamCipher vectorCipher(AeadProvider provider) {
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, MASTER, "AES256-KW", 65_536)) {
            return keys.newCipher(provider.newAead(), vectorBytes());
        }
    }

    private static byte[] encrypt(StreamCipher cipher, byte[] plain) {
        byte[] out = new byte[Math.toIntExact(cipher.encryptedLength(plain.length))];
        assertThat(cipher.encrypt(MemorySegment.ofArray(plain), MemorySegment.ofArray(out)))
                .isEqualTo(out.length);
        return out;
    }

    private static byte[] decrypt(StreamCipher cipher, byte[] in) {
        byte[] out = new byte[Math.toIntExact(cipher.plainLength(in.length))];
        assertThat(cipher.decrypt(MemorySegment.ofArray(in), MemorySegment.ofArray(out)))
                .isEqualTo(out.length);
        return out;
    }

    @ParameterizedTest
    @EnumSource(AeadProvider.class)
    void agreesWithTheFormatsVectors(AeadProvider provider) throws GeneralSecurityException {
        byte[] hello = encrypt(vectorCipher(provider), "hello, kloset\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(HEX.formatHex(hello))
                .isEqualTo(WRAPPED
                        + "a0a0a0a0a0a0a0a0a0a0a0a0d2285e3a71da404abc3bdac698a30b64405b4555f8536b761163350bc137");
        byte[] big = new byte[65_537];
        for (int k = 0; k < big.length; k++) {
            big[k] = (byte) (31 * k + 7);
        }
        byte[] encrypted = encrypt(vectorCipher(provider), big);
        assertThat(encrypted).hasSize(65_633);
        assertThat(HEX.formatHex(MessageDigest.getInstance("SHA-256").digest(encrypted)))
                .isEqualTo("c41e2bb9dbe6cd49511bdbd754fd07eddd2d419d8cc3b3d3f7b09d3b459cb683");
        assertThat(decrypt(vectorCipher(provider), encrypted)).isEqualTo(big);
        byte[] empty = encrypt(vectorCipher(provider), new byte[0]);
        assertThat(HEX.formatHex(empty)).isEqualTo(WRAPPED);
        assertThat(decrypt(vectorCipher(provider), empty)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"AES256-KW,65536", "AES256-GCM,65536", "aes256-kw,1", "AES256-KW,1000"})
    void roundTripsAroundSegmentBounds(String subkeys, int segmentBytes) {
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, MASTER, subkeys, segmentBytes);
                Arena arena = Arena.ofConfined()) {
            StreamCipher writer = keys.newCipher(AeadProvider.CONSCRYPT.newAead(), new FastRandom());
            StreamCipher reader = keys.newCipher(AeadProvider.BOUNCY_CASTLE.newAead(), new FastRandom());
            var random = new Random(segmentBytes);
            for (int around : new int[] {0, segmentBytes, 2 * segmentBytes, 3 * segmentBytes}) {
                for (int length = Math.max(around - 1, 0); length <= around + 1; length++) {
                    byte[] plain = new byte[length];
                    random.nextBytes(plain);
                    MemorySegment encrypted = arena.allocate(writer.encryptedLength(length));
                    assertThat(writer.encrypt(MemorySegment.ofArray(plain), encrypted))
                            .isEqualTo(encrypted.byteSize());
                    assertThat(writer.plainLength(encrypted.byteSize())).isEqualTo(length);
                    assertThat(decrypt(reader, encrypted.toArray(ValueLayout.JAVA_BYTE)))
                            .as("%s, %s", subkeys, length)
                            .isEqualTo(plain);
                }
            }
        }
    }

    @Test
    void tagsTellWhereSegmentsCameFrom() {
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, MASTER, "AES256-KW", 1000)) {
            StreamCipher cipher = keys.newCipher();
            byte[] plain = new byte[3500];
            MemorySegment item = MemorySegment.ofArray(encrypt(cipher, plain));
            SegmentTags tags = cipher.tags(item);
            assertThat(tags.count()).isEqualTo(4);
            assertThat(tags).isEqualTo(cipher.tags(item)).hasSameHashCodeAs(cipher.tags(item));
            SegmentTags others = cipher.tags(MemorySegment.ofArray(encrypt(cipher, plain)));
            assertThat(others).isNotEqualTo(tags);
            for (int from = 0; from < 4; from++) {
                for (int to = from + 1; to <= 4; to++) {
                    long start = cipher.segmentStart(1000L * from);
                    long end = to == 4 ? item.byteSize() : cipher.segmentStart(1000L * to);
                    MemorySegment some = item.asSlice(start, end - start);
                    for (int at = 0; at < 5; at++) {
                        assertThat(cipher.haveTags(some, cipher.segmentStart(1000L * at), tags))
                                .as("segments %s to %s at %s", from, to, at)
                                .isEqualTo(at == from);
                    }
                    assertThat(cipher.haveTags(some, start, others)).isFalse();
                }
            }
        }
    }

    @Test
    void everyFlippedBitIsFoundAndNoPlaintextIsLeft() {
        StreamCipher cipher = vectorCipher(AeadProvider.CONSCRYPT);
        byte[] plain = new byte[70_000];
        Arrays.fill(plain, (byte) 'p');
        byte[] encrypted = encrypt(cipher, plain);
        var random = new Random(3);
        for (int i = 0; i < 200; i++) {
            byte[] broken = encrypted.clone();
            broken[random.nextInt(broken.length)] ^= (byte) (1 << random.nextInt(8));
            byte[] out = new byte[plain.length];
            assertThatThrownBy(() -> cipher.decrypt(MemorySegment.ofArray(broken), MemorySegment.ofArray(out)))
                    .isInstanceOf(AuthenticationFailedException.class);
            assertThat(out).containsOnly(0);
        }
        assertThat(decrypt(cipher, encrypted)).isEqualTo(plain);
    }

    @Test
    void impossibleLengthsAreCorrupt() {
        StreamCipher cipher = vectorCipher(AeadProvider.CONSCRYPT);
        for (long length : new long[] {0, 39, 41, 67, 40 + 65_564 + 1, 40 + 65_564 + 27}) {
            assertThatThrownBy(() -> cipher.plainLength(length))
                    .as("%s", length)
                    .isInstanceOf(CorruptDataException.class);
        }
        assertThat(cipher.plainLength(40)).isZero();
        assertThat(cipher.plainLength(68)).isZero(); // one empty segment, which no writer makes
        assertThat(cipher.plainLength(69)).isOne();
        byte[] cut = Arrays.copyOf(encrypt(cipher, new byte[100]), 150);
        assertThatThrownBy(() -> decrypt(cipher, cut)).isInstanceOf(AuthenticationFailedException.class);
    }

    /** No writer makes one, but the form allows an empty segment. */
    @ParameterizedTest
    @EnumSource(AeadProvider.class)
    void anEmptySegmentIsRead(AeadProvider provider) {
        SegmentAead aead = provider.newAead();
        byte[] item = Arrays.copyOf(HEX.parseHex(WRAPPED), 68);
        byte[] subkey = new byte[32];
        vectorBytes().nextBytes(subkey);
        aead.key(subkey);
        aead.seal(
                new byte[12],
                MemorySegment.ofArray(new byte[0]),
                MemorySegment.ofArray(item).asSlice(52));
        assertThat(decrypt(vectorCipher(provider), item)).isEmpty();
        item[60] ^= 1;
        assertThatThrownBy(() -> decrypt(vectorCipher(provider), item))
                .isInstanceOf(AuthenticationFailedException.class);
    }

    @Test
    void subkeysAndNoncesAreFresh() {
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, MASTER, "AES256-KW", 65_536)) {
            StreamCipher cipher = keys.newCipher();
            byte[] first = encrypt(cipher, new byte[14]);
            byte[] second = encrypt(cipher, new byte[14]);
            assertThat(Arrays.copyOf(first, 40)).isNotEqualTo(Arrays.copyOf(second, 40));
            assertThat(Arrays.copyOfRange(first, 40, 52)).isNotEqualTo(Arrays.copyOfRange(second, 40, 52));
        }
    }
}
