// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.simd.Aes256GcmSiv;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Random;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.modes.GCMSIVBlockCipher;
import org.bouncycastle.crypto.params.AEADParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against RFC 8452 and Bouncy Castle. */
class Aes256GcmSivTest {
    private static final int PAGE_BYTES = 4096;

    @BeforeEach
    void needsTheProcessor() {
        assumeTrue(Aes256GcmSiv.isAvailable());
    }

    /** Appendix C.2, messages of 0, 8 and 32 bytes. */
    @Test
    void agreesWithTheRfc() {
        var cipher = new Aes256GcmSiv();
        cipher.key(HexFormat.of().parseHex("0100000000000000000000000000000000000000000000000000000000000000"));
        byte[] nonce = HexFormat.of().parseHex("030000000000000000000000");
        for (String[] vector : new String[][] {
            {"", "07f5f4169bbf55a8400cd47ea6fd400f"},
            {"0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"},
            {
                "0100000000000000000000000000000002000000000000000000000000000000",
                "4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027fe819e63abcd020b006a976397632eb5d"
            }
        }) {
            byte[] plain = HexFormat.of().parseHex(vector[0]);
            byte[] sealed = new byte[plain.length + Aes256GcmSiv.TAG_BYTES];
            cipher.seal(nonce, MemorySegment.ofArray(plain), MemorySegment.ofArray(sealed));
            assertThat(HexFormat.of().formatHex(sealed)).isEqualTo(vector[1]);
        }
    }

    /** Pages behind the end of a file that is mapped cannot be touched: machine code that does so ends the process. */
    @Test
    void staysWithinTheMemoryItIsGiven(@TempDir Path folder) throws IOException, InvalidCipherTextException {
        var random = new Random(3);
        var cipher = new Aes256GcmSiv();
        byte[] key = new byte[Aes256GcmSiv.KEY_BYTES];
        byte[] nonce = new byte[Aes256GcmSiv.NONCE_BYTES];
        try (var in = FileChannel.open(
                        folder.resolve("in"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
                var out = FileChannel.open(
                        folder.resolve("out"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment from = pageBeforeNothing(in, arena);
            MemorySegment to = pageBeforeNothing(out, arena);
            for (int length = 0; length <= 600; length++) {
                random.nextBytes(key);
                random.nextBytes(nonce);
                byte[] plain = new byte[length];
                random.nextBytes(plain);
                byte[] expected = bouncyCastle(key, nonce, plain);
                MemorySegment message = from.asSlice(PAGE_BYTES - length, length);
                message.copyFrom(MemorySegment.ofArray(plain));
                MemorySegment sealed = to.asSlice(PAGE_BYTES - expected.length, expected.length);
                cipher.key(key);
                cipher.seal(nonce, message, sealed);
                assertThat(sealed.toArray(ValueLayout.JAVA_BYTE))
                        .as(length + " bytes")
                        .isEqualTo(expected);
                message.fill((byte) 0);
                assertThat(cipher.open(nonce, sealed, message)).isTrue();
                assertThat(message.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(plain);
            }
        }
    }

    private static MemorySegment pageBeforeNothing(FileChannel file, Arena arena) throws IOException {
        MemorySegment mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 2L * PAGE_BYTES, arena);
        file.truncate(PAGE_BYTES);
        return mapped.asSlice(0, PAGE_BYTES);
    }

    private static byte[] bouncyCastle(byte[] key, byte[] nonce, byte[] plain) throws InvalidCipherTextException {
        var cipher = new GCMSIVBlockCipher(AESEngine.newInstance());
        cipher.init(true, new AEADParameters(new KeyParameter(key), 128, nonce));
        cipher.processBytes(plain, 0, plain.length, null, 0);
        byte[] sealed = new byte[plain.length + Aes256GcmSiv.TAG_BYTES];
        cipher.doFinal(sealed, 0);
        return sealed;
    }

    @Test
    void whatDoesNotFitIsRefused() {
        var cipher = new Aes256GcmSiv();
        byte[] nonce = new byte[Aes256GcmSiv.NONCE_BYTES];
        MemorySegment ten = MemorySegment.ofArray(new byte[10]);
        assertThatThrownBy(() -> cipher.seal(nonce, ten, MemorySegment.ofArray(new byte[25])))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cipher.open(nonce, ten, MemorySegment.ofArray(new byte[0])))
                .isInstanceOf(IllegalArgumentException.class);
        MemorySegment large = MemorySegment.ofArray(new byte[Aes256GcmSiv.MAX_BYTES + 1]);
        assertThatThrownBy(
                        () -> cipher.seal(nonce, large, MemorySegment.ofArray(new byte[Aes256GcmSiv.MAX_BYTES + 17])))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
