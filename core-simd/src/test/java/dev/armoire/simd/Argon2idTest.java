// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.simd.ffi.MachineCode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class Argon2idTest {
    private static final byte[] SALT = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");

    /** Plain Java, and the machine code that this machine runs. */
    static List<Argon2id.Form> forms() {
        var forms = new ArrayList<>(List.of(Argon2id.Form.JAVA));
        if (MachineCode.refusal() == null) {
            forms.add(Argon2id.Form.AVX2);
        }
        if (MachineCode.hasAvx512()) {
            forms.add(Argon2id.Form.AVX512);
        }
        return forms;
    }

    /** Plakar's parameters. */
    @ParameterizedTest
    @MethodSource("forms")
    void masterKeyOfTheFormatsVector(Argon2id.Form form) {
        assertThat(derive("correct horse battery staple", SALT, 4, 262144, 1, 32, form))
                .isEqualTo("58adf8f2eb38053b06b6d9365fd8f5de698bcfc69f2c02c0ba8d8c4634816db0");
    }

    /**
     * Values of the reference implementation: memory that the lanes do not divide, several lanes, outputs around 64 bytes
     * and long ones (first and last 20 bytes).
     */
    @ParameterizedTest
    @CsvSource({
        "'password', somesalt, 2, 256, 1, 32, 9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
        "'password', somesalt, 1, 8, 1, 4, 6b7a947d",
        "'päss', 0123456789abcdef, 3, 1027, 1, 64, 8cce07f226c5d1fceb00d93d8aee85d1a8370ae5f784139b3a4f4ea6c8746ca3a73e3b330595a42371ef21680e83160f69777b9906857b6a27d60d6b793feeb8",
        "'', saltsalt, 2, 64, 4, 65, cdb4d1adc3822af499bf2f09eeceda34923f47e937d84719d38d1c9faa5966b7e51558e7b55c246746bc45ecd765ebaf9b72cf7c63dec45089c25db790b4a008bf",
        "'password', somesalt, 3, 513, 3, 96, d4ef759e76ebf2058bf80c396eecdde13735111d...2a21dc078c889783526a4e6b00938e2b68b26f5a",
        "'many lanes', somesalt, 1, 2500, 255, 32, 90dc21074173325e3273394760affda29601b5f586c4b6ee0d2522a9ead3d1a3",
        "'long output', somesalt, 4, 40, 2, 257, 97e2f0931cacb7bf5d4c255ec9ea08c87bf3da3c...5097dffb81ad3e094b95caa3b3d114c33e1f124d",
        "'x*200', y*300, 2, 128, 1, 33, e48903554d9f3fc569c942230f3b32ab31ac421defeb485f41198e8f4e20e9fe1f"
    })
    void valuesOfTheReferenceImplementation(
            String password, String salt, int passes, int memoryKiB, int lanes, int outputBytes, String key) {
        for (var form : forms()) {
            String derived = derive(
                    repeat(password),
                    repeat(salt).getBytes(StandardCharsets.UTF_8),
                    passes,
                    memoryKiB,
                    lanes,
                    outputBytes,
                    form);
            assertThat(derived).hasSize(2 * outputBytes);
            int gap = key.indexOf("...");
            if (gap < 0) {
                assertThat(derived).isEqualTo(key);
            } else {
                assertThat(derived).startsWith(key.substring(0, gap)).endsWith(key.substring(gap + 3));
            }
        }
    }

    /** Segments shorter and longer than a block of addresses and than a call, memory that lanes do not divide. */
    @ParameterizedTest
    @MethodSource("forms")
    void everyFormAgreesWithPlainJava(Argon2id.Form form) {
        assumeTrue(form != Argon2id.Form.JAVA);
        for (int seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            int passes = 1 + random.nextInt(5);
            int lanes = 1 + random.nextInt(8);
            int memoryKiB = 8 * lanes + random.nextInt(seed % 30 == 0 ? 20_000 : 2_000);
            byte[] salt = new byte[8 + random.nextInt(20)];
            random.nextBytes(salt);
            assertThat(derive("password " + seed, salt, passes, memoryKiB, lanes, 32, form))
                    .as("seed %d: %d passes, %d KiB, %d lanes", seed, passes, memoryKiB, lanes)
                    .isEqualTo(derive("password " + seed, salt, passes, memoryKiB, lanes, 32, Argon2id.Form.JAVA));
        }
    }

    /** {@code x*200} stands for 200 times that letter. */
    private static String repeat(String text) {
        int star = text.indexOf('*');
        return star < 0 ? text : text.substring(0, star).repeat(Integer.parseInt(text.substring(star + 1)));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 32, 0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",
        "1, 64, 2fa3f686df876995167e7c2e5d74c4c7b6e48f8068fe0e44208344d480f7904c36963e44115fe3eb2a3ac8694c28bcb4f5a0f3276f2e79487d8219057a506e4b",
        "127, 20, 535975c8d8c5dd9ed14a9204757b06783dd7b1fb",
        "128, 32, c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1",
        "129, 1, c7",
        "255, 32, d9ef0fc521b4266d16df662bec231bc2ec3989e7adeaf63169c295dc239dbbea",
        "256, 64, 93463ac058b6163eb43be3f5bb32b28541498f4e3366f1effe253ad44e1e076e41c3616046027c82a7124f8f4746668ad10b12e8e25a95ac8f3151df01cd5a93",
        "257, 32, 227e15ed64ee8e93eb7bc53828f76eed974f2c4ab1408c3d08f212b7f8d69904",
        "1000, 63, d41ccd06d64dacc74de4bab73dad8d9f13d86b46867d63c2912f6684a703a506535a29bbec4b40b0dcbb76d5f99ebf4051d723a50f7490fe0ad5d5f68b1ddf"
    })
    void blake2bAtEachSideOfItsBlock(int length, int digestBytes, String digest) {
        byte[] input = Vectors.blake3Input(length);
        byte[] out = new byte[digestBytes + 3];
        var hasher = new Blake2b(digestBytes);
        for (int at = 0; at < length; at += 37) {
            hasher.update(input, at, Math.min(37, length - at));
        }
        hasher.digest(out, 3);
        assertThat(HexFormat.of().formatHex(out)).isEqualTo("000000" + digest);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 64, 1, passes must be 1 to 64",
        "65, 64, 1, passes must be 1 to 64",
        "1, 64, 0, lanes must be 1 to 255",
        "1, 4096, 256, lanes must be 1 to 255",
        "1, 7, 1, memory in KiB must be 8 to 4194304",
        "1, 31, 4, memory in KiB must be 32 to 4194304",
        "1, 4194305, 1, memory in KiB must be 8 to 4194304"
    })
    void parametersOutOfLimitsAreRefused(int passes, int memoryKiB, int lanes, String message) {
        byte[] out = new byte[32];
        assertThatThrownBy(() -> Argon2id.derive(new byte[1], SALT, passes, memoryKiB, lanes, out))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    private static String derive(
            String password, byte[] salt, int passes, int memoryKiB, int lanes, int outputBytes, Argon2id.Form form) {
        byte[] out = new byte[outputBytes];
        Argon2id.derive(password.getBytes(StandardCharsets.UTF_8), salt, passes, memoryKiB, lanes, out, form);
        return HexFormat.of().formatHex(out);
    }
}
