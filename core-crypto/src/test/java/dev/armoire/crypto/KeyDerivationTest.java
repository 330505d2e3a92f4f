// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.KeyDerivation.Argon2;
import dev.armoire.crypto.KeyDerivation.Pbkdf2;
import dev.armoire.crypto.KeyDerivation.Scrypt;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.junit.jupiter.api.Test;

class KeyDerivationTest {
    private static final byte[] PASSPHRASE = "correct horse battery staple".getBytes(StandardCharsets.US_ASCII);
    private static final Bytes SALT = Bytes.copyOf(HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f"));

    private static String hex(KeyDerivation kdf) {
        return HexFormat.of().formatHex(kdf.derive(PASSPHRASE));
    }

    @Test
    void agreesWithTheFormatsVectors() {
        assertThat(hex(new Argon2(SALT, 4, 262_144, 1)))
                .isEqualTo("58adf8f2eb38053b06b6d9365fd8f5de698bcfc69f2c02c0ba8d8c4634816db0");
        assertThat(hex(new Scrypt(SALT, 32_768, 8, 1)))
                .isEqualTo("7a8e34241db898d59175c696538c417467a975ffe569068425f16188d3159c58");
        assertThat(hex(new Pbkdf2(SALT, 100_000, "SHA256")))
                .isEqualTo("49d49c25f597846209f0d92e7770ab64e1c75e94b4ce6c509265ee67175d2a1e");
    }

    @Test
    void argon2AgreesWithBouncyCastle() {
        for (int lanes = 1; lanes <= 3; lanes++) {
            for (int passes = 1; passes <= 3; passes++) {
                int memoryKiB = 37 + 8 * lanes;
                var judge = new Argon2BytesGenerator();
                judge.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                        .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                        .withSalt(SALT.toArray())
                        .withIterations(passes)
                        .withMemoryAsKB(memoryKiB)
                        .withParallelism(lanes)
                        .build());
                byte[] expected = new byte[32];
                judge.generateBytes(PASSPHRASE, expected);
                assertThat(new Argon2(SALT, passes, memoryKiB, lanes).derive(PASSPHRASE))
                        .as("%s lanes, %s passes", lanes, passes)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void hostileCostsAreRefusedBeforeAnyWork() {
        refused(() -> new Argon2(SALT, 4, 1L << 32, 1));
        refused(() -> new Argon2(SALT, 4, 7, 1));
        refused(() -> new Argon2(SALT, 4, 262_144, 0));
        refused(() -> new Argon2(SALT, 4, 262_144, 256));
        refused(() -> new Argon2(SALT, 0, 262_144, 1));
        refused(() -> new Argon2(SALT, 64, 4L << 20, 1));
        refused(() -> new Scrypt(SALT, 3, 8, 1));
        refused(() -> new Scrypt(SALT, 1L << 40, 8, 1));
        refused(() -> new Scrypt(SALT, 2, Long.MAX_VALUE, 1));
        refused(() -> new Scrypt(SALT, 2, 8, Integer.MAX_VALUE));
        refused(() -> new Scrypt(SALT, 1 << 20, 8, 1 << 20));
        refused(() -> new Pbkdf2(SALT, -1, "SHA256"));
        refused(() -> new Pbkdf2(SALT, Long.MAX_VALUE, "SHA256"));
        refused(() -> new Pbkdf2(Bytes.copyOf(new byte[0]), 1000, "SHA256"));
        refused(() -> new Pbkdf2(Bytes.copyOf(new byte[5000]), 1000, "SHA256"));
        assertThatThrownBy(() -> new Pbkdf2(SALT, 1000, "SHA512")).isInstanceOf(UnsupportedVersionException.class);
    }

    private static void refused(ThrowingCallable parameters) {
        assertThatThrownBy(parameters)
                .isExactlyInstanceOf(CorruptDataException.class)
                .hasMessageContaining("CONFIG says");
    }

    @Test
    void newStoresHaveFreshSalt() {
        KeyDerivation first = KeyDerivation.newDefault();
        assertThat(first.salt().length()).isEqualTo(16);
        assertThat(first.salt()).isNotEqualTo(KeyDerivation.newDefault().salt());
        assertThat(first).isEqualTo(new Argon2(first.salt(), 4, 262_144, 1));
    }
}
