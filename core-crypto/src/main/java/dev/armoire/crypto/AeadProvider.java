// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.security.Provider;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;

/**
 * The one place that chooses who encrypts: {@code -Darmoire.crypto=auto|conscrypt|bouncycastle}. {@code auto} takes
 * Conscrypt where its native library loads; asking for what cannot be had is an error.
 */
enum AeadProvider {
    CONSCRYPT,
    BOUNCY_CASTLE;

    static final String PROPERTY = "armoire.crypto";

    /** Chosen once; the reason for a fallback is in {@link #describe()}. */
    static AeadProvider chosen() {
        return Choice.PROVIDER;
    }

    /** Who encrypts and why, for people. */
    static String describe() {
        return Choice.REASON;
    }

    SegmentAead newAead() {
        return switch (this) {
            case CONSCRYPT -> {
                Provider provider = ConscryptLibrary.PROVIDER;
                if (provider == null) {
                    throw new IllegalStateException("Conscrypt was chosen by -D" + PROPERTY
                            + " but does not load here: " + ConscryptLibrary.FAILURE);
                }
                yield new ConscryptAead(provider);
            }
            case BOUNCY_CASTLE -> new BouncyCastleAead();
        };
    }

    private static final class Choice {
        static final AeadProvider PROVIDER;
        static final String REASON;

        static {
            String wanted = System.getProperty(PROPERTY, "auto");
            switch (wanted) {
                case "auto" -> {
                    boolean loads = ConscryptLibrary.PROVIDER != null;
                    PROVIDER = loads ? CONSCRYPT : BOUNCY_CASTLE;
                    REASON = loads ? "Conscrypt" : "Bouncy Castle (Conscrypt: " + ConscryptLibrary.FAILURE + ")";
                }
                case "conscrypt" -> {
                    PROVIDER = CONSCRYPT;
                    REASON = "Conscrypt (asked for)";
                }
                case "bouncycastle" -> {
                    PROVIDER = BOUNCY_CASTLE;
                    REASON = "Bouncy Castle (asked for)";
                }
                default ->
                    throw new IllegalArgumentException(
                            "-D" + PROPERTY + "=" + wanted + ": use auto, conscrypt or bouncycastle");
            }
        }
    }

    /** Loads the native library on first use: programs that open no encrypted store never pay for it. */
    private static final class ConscryptLibrary {
        static final @Nullable Provider PROVIDER;
        static final String FAILURE;

        static {
            Provider loaded = null;
            String failure = "";
            try {
                // Handed over as an object: registering it would change TLS and everything else in this process.
                loaded = Conscrypt.newProvider();
            } catch (LinkageError | RuntimeException e) {
                failure = String.valueOf(e.getMessage());
            }
            PROVIDER = loaded;
            FAILURE = failure;
        }
    }
}
