// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.simd.Aes256KeyWrap;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SubkeyWrapTest {
    @Test
    void keyWrapAgreesWithWycheproofAndWorksOnAfterAFailure() throws GeneralSecurityException {
        List<Wycheproof> tests = Wycheproof.read("aes_wrap_test.json").stream()
                .filter(test ->
                        test.text("key").length() == 64 && test.text("ct").length() == 80)
                .toList();
        assertThat(tests).hasSizeGreaterThan(10);
        for (Wycheproof test : tests) {
            for (SubkeyWrap wrap : forms(test.bytes("key"))) {
                agrees(wrap, test);
            }
        }
    }

    /** The JDK's, and our own where this CPU has what it needs. */
    private static List<SubkeyWrap> forms(byte[] key) {
        return Aes256KeyWrap.isAvailable()
                ? List.of(new AesKeyWrap(key), new NativeKeyWrap(key))
                : List.of(new AesKeyWrap(key));
    }

    private static void agrees(SubkeyWrap wrap, Wycheproof test) throws GeneralSecurityException {
        byte[] subkey = new byte[32];
        if (test.isValid()) {
            byte[] wrapped = new byte[wrap.wrappedBytes()];
            wrap.wrap(test.bytes("msg"), wrapped);
            assertThat(wrapped).as(test.toString()).isEqualTo(test.bytes("ct"));
            byte[] broken = wrapped.clone();
            broken[7] ^= 1;
            assertThatThrownBy(() -> wrap.unwrap(broken, subkey)).isInstanceOf(GeneralSecurityException.class);
            wrap.unwrap(wrapped, subkey);
            assertThat(subkey).as(test.toString()).isEqualTo(test.bytes("msg"));
        } else {
            assertThatThrownBy(() -> wrap.unwrap(test.bytes("ct"), subkey))
                    .as(test.toString())
                    .isInstanceOf(GeneralSecurityException.class);
        }
    }

    @Test
    void keyWrapAgreesWithRfc3394() {
        HexFormat hex = HexFormat.of();
        byte[] key = hex.parseHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        for (SubkeyWrap wrap : forms(key)) {
            byte[] wrapped = new byte[40];
            wrap.wrap(hex.parseHex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"), wrapped);
            assertThat(hex.formatHex(wrapped))
                    .isEqualTo("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
        }
    }

    @Test
    void allFormsWrapAlike() throws GeneralSecurityException {
        Random random = new Random(34);
        for (int i = 0; i < 500; i++) {
            byte[] key = new byte[32];
            byte[] subkey = new byte[32];
            random.nextBytes(key);
            random.nextBytes(subkey);
            byte[] expected = new byte[40];
            new AesKeyWrap(key).wrap(subkey, expected);
            for (SubkeyWrap wrap : forms(key)) {
                byte[] wrapped = new byte[40];
                wrap.wrap(subkey, wrapped);
                assertThat(wrapped).isEqualTo(expected);
                byte[] back = new byte[32];
                wrap.unwrap(wrapped, back);
                assertThat(back).isEqualTo(subkey);
                wrapped[random.nextInt(40)] ^= (byte) (1 << random.nextInt(8));
                assertThatThrownBy(() -> wrap.unwrap(wrapped, back)).isInstanceOf(GeneralSecurityException.class);
            }
        }
    }

    @Test
    void gcmFormIsNonceCipherTextTag() throws GeneralSecurityException {
        byte[] master = new byte[32];
        var wrap = new AesGcmWrap(master, target -> Arrays.fill(target, (byte) 9));
        byte[] subkey = new byte[32];
        subkey[5] = 5;
        byte[] wrapped = new byte[wrap.wrappedBytes()];
        wrap.wrap(subkey, wrapped);
        assertThat(wrapped).hasSize(60).startsWith(9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9);
        byte[] back = new byte[32];
        wrap.unwrap(wrapped, back);
        assertThat(back).isEqualTo(subkey);
        wrapped[59] ^= 1;
        assertThatThrownBy(() -> wrap.unwrap(wrapped, back)).isInstanceOf(GeneralSecurityException.class);
    }
}
