// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.security.Provider;
import java.security.Security;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Puts BoringSSL's digests and its AES-GCM in front of the JDK's, for the whole process: TLS and the requests of the AWS SDK
 * take theirs from whoever stands first. The JDK's are fast only when C2 compiles them, which the launcher leaves out
 * (decision 16): without it AES-GCM makes 33 MiB/s instead of 2,200, SHA-256 140 instead of 1,600 and MD5 400 instead of 700 on a
 * Xeon of 2023. TLS itself stays the JDK's, with its trust and its errors. Only a process that is Armoire's own is changed so: programs
 * that embed it choose their providers themselves.
 */
public final class NativeServices {
    private static final String NAME = "Armoire";

    /** Type and algorithm of each. */
    private static final List<List<String>> SERVICES = List.of(
            List.of("MessageDigest", "MD5"),
            List.of("MessageDigest", "SHA-256"),
            List.of("Cipher", "AES/GCM/NoPadding"));

    private static volatile boolean allowed;

    private NativeServices() {}

    /** Says that this process is Armoire's own. */
    public static void allow() {
        allowed = true;
    }

    /** Does nothing where Conscrypt does not load or was not wanted, without {@link #allow}, or when it was done before. */
    public static void register() {
        if (!allowed) {
            return;
        }
        Provider conscrypt = AeadProvider.conscrypt();
        if (conscrypt != null && Security.getProvider(NAME) == null) {
            Security.insertProviderAt(new Chosen(conscrypt), 1);
        }
    }

    private static final class Chosen extends Provider {
        private static final long serialVersionUID = 1L;

        Chosen(Provider conscrypt) {
            super(NAME, "1", "digests and AES-GCM of Conscrypt");
            for (List<String> service : SERVICES) {
                putService(new Borrowed(
                        this, Objects.requireNonNull(conscrypt.getService(service.getFirst(), service.getLast()))));
            }
        }
    }

    /** Conscrypt's, under another provider's name. */
    private static final class Borrowed extends Provider.Service {
        private final Provider.Service real;

        Borrowed(Provider provider, Provider.Service real) {
            super(provider, real.getType(), real.getAlgorithm(), real.getClassName(), null, null);
            this.real = real;
        }

        @Override
        public Object newInstance(@Nullable Object parameter) throws java.security.NoSuchAlgorithmException {
            return real.newInstance(parameter);
        }

        @Override
        public boolean supportsParameter(Object parameter) {
            return real.supportsParameter(parameter);
        }
    }
}
