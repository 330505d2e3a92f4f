// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SecretTest {
    @Test
    void holdsACopyUntilClosedAndNeverShowsIt() {
        byte[] original = {1, 2, 3};
        Secret secret = Secret.copyOf(original);
        original[0] = 9;
        byte[] exposed = secret.expose();
        exposed[1] = 9;
        assertThat(secret.expose()).containsExactly(1, 2, 3);
        assertThat(secret).hasToString("Secret[3 bytes]");
        secret.close();
        secret.close();
        assertThat(secret.isClosed()).isTrue();
        assertThatThrownBy(secret::expose).isInstanceOf(IllegalStateException.class);
        try (Secret empty = Secret.copyOf(new byte[0])) {
            assertThat(empty.expose()).isEmpty();
        }
    }
}
