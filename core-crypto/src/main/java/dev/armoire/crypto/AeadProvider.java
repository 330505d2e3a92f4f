// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Aes256GcmSiv;
import java.security.Provider;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;

/**
 * The one place that chooses who encrypts: {@code -Darmoire.crypto=auto|conscrypt|bouncycastle}. {@code auto} takes
 * Conscrypt where its native library loads, and for short segments machine code of our own where that can run; asking for
 * what cannot be had is an error.
 */
enum AeadProvider {
    CONSCRYPT,
    BOUNCY_CASTLE;

    static final String PROPERTY = "armoire.crypto";
    private static final String AUTO = "auto";

    private static @Nullable Choice choice;

    /** Chosen once; the reason for a fallback is in {@link #describe()}. */
    static AeadProvider chosen() {
        return choice().provider();
    }

    /** Who encrypts and why, for people. */
    static String describe() {
        String library = choice().reason();
        return hasShort()
                ? "machine code up to " + (ShortSegmentAead.MAX_BYTES >> 10) + " KiB, then " + library
                : library;
    }

    /** One of the chosen kind, for one thread. Loads no library before it is needed. */
    static SegmentAead newChosen() {
        return hasShort() ? new ShortSegmentAead(() -> chosen().newAead()) : chosen().newAead();
    }

    private static boolean hasShort() {
        return wanted().equals(AUTO) && Aes256GcmSiv.isAvailable();
    }

    private static String wanted() {
        return System.getProperty(PROPERTY, AUTO);
    }

    /** Conscrypt if it was chosen, or null. */
    static @Nullable Provider conscrypt() {
        return chosen() == CONSCRYPT ? ConscryptLibrary.PROVIDER : null;
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

    /** Not a static initialiser: its exception would reach people as an ExceptionInInitializerError. */
    private static synchronized Choice choice() {
        Choice made = choice;
        if (made == null) {
            made = choose(wanted());
            choice = made;
        }
        return made;
    }

    static Choice choose(String wanted) {
        return switch (wanted) {
            case AUTO ->
                ConscryptLibrary.PROVIDER != null
                        ? new Choice(CONSCRYPT, "Conscrypt")
                        : new Choice(BOUNCY_CASTLE, "Bouncy Castle (Conscrypt: " + ConscryptLibrary.FAILURE + ")");
            case "conscrypt" -> new Choice(CONSCRYPT, "Conscrypt (asked for)");
            case "bouncycastle" -> new Choice(BOUNCY_CASTLE, "Bouncy Castle (asked for)");
            default ->
                throw new IllegalArgumentException(
                        "-D" + PROPERTY + "=" + wanted + ": use auto, conscrypt or bouncycastle");
        };
    }

    /** Who was chosen, and why, for people. */
    record Choice(AeadProvider provider, String reason) {}

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
