// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import net.jpountz.lz4.LZ4Factory;

/** Who compresses: the C library where it loads, its Java twin elsewhere. The frames of either are read by both. */
enum Lz4Library {
    NATIVE,
    JAVA;

    static Lz4Library chosen() {
        return Choice.LIBRARY;
    }

    private static final class Choice {
        static final Lz4Library LIBRARY = choose();

        private static Lz4Library choose() {
            try {
                return LZ4Factory.nativeInstance() == null ? JAVA : NATIVE;
            } catch (LinkageError | RuntimeException e) {
                // No library for this platform, or no place to unpack it: slower, not broken.
                return JAVA;
            }
        }
    }
}
