// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.Provider;
import java.security.Security;
import java.util.Arrays;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NativeServicesTest {
    private final Random random = new Random(3);

    @BeforeEach
    void register() {
        NativeServices.allow();
        NativeServices.register();
        NativeServices.register();
        assertThat(Arrays.stream(Security.getProviders())
                        .filter(p -> p.getName().equals("Armoire")))
                .hasSize(1);
    }

    @AfterEach
    void remove() {
        Security.removeProvider("Armoire");
    }

    @Test
    void digestsAreTheJdks() throws Exception {
        for (String algorithm : new String[] {"MD5", "SHA-256"}) {
            MessageDigest ours = MessageDigest.getInstance(algorithm);
            MessageDigest judge = MessageDigest.getInstance(algorithm, "SUN");
            assertThat(ours.getProvider().getName()).isEqualTo("Armoire");
            for (int length : new int[] {0, 1, 55, 56, 63, 64, 65, 5000}) {
                byte[] content = bytes(length);
                ByteBuffer direct =
                        ByteBuffer.allocateDirect(length).put(content).flip();
                ours.update(content);
                ours.update(direct);
                judge.update(content);
                judge.update(content);
                assertThat(ours.digest()).isEqualTo(judge.digest());
            }
        }
    }

    @Test
    void whatOneAesGcmSealsTheOtherOpens() throws Exception {
        Provider jdk = Security.getProvider("SunJCE");
        for (int keyBytes : new int[] {16, 32}) {
            SecretKeySpec key = new SecretKeySpec(bytes(keyBytes), "AES");
            GCMParameterSpec nonce = new GCMParameterSpec(128, bytes(12));
            Cipher ours = Cipher.getInstance("AES/GCM/NoPadding");
            Cipher judge = Cipher.getInstance("AES/GCM/NoPadding", jdk);
            ours.init(Cipher.ENCRYPT_MODE, key, nonce);
            judge.init(Cipher.DECRYPT_MODE, key, nonce);
            byte[] associated = bytes(13);
            ours.updateAAD(associated);
            judge.updateAAD(associated);
            byte[] content = bytes(16 << 10);
            assertThat(ours.getProvider().getName()).isEqualTo("Armoire");
            assertThat(judge.doFinal(ours.doFinal(content))).isEqualTo(content);
        }
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }
}
