// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import net.jpountz.lz4.LZ4Factory;

/** Who compresses LZ4 blocks. Whatever one of them writes the others read. */
public enum Lz4Library {
    /** The C library of lz4-java through java.lang.foreign. */
    FOREIGN,
    /** The same through lz4-java's JNI, for platforms where {@link PackedLibrary} does not work. */
    JNI,
    /** Its translation to Java: compresses source text at 0.6 of their speed, decompresses it at an eighth. */
    JAVA;

    /** The fastest that works here; the first call loads it. */
    public static Lz4Library chosen() {
        return Choice.LIBRARY;
    }

    /** A compressor of blocks, for one thread at a time; the caller closes it. */
    public Lz4Blocks open() {
        return switch (this) {
            case FOREIGN -> new NativeLz4();
            case JNI -> new JavaLz4(LZ4Factory.nativeInstance());
            case JAVA -> new JavaLz4(LZ4Factory.safeInstance());
        };
    }

    private static final class Choice {
        static final Lz4Library LIBRARY = choose();

        private static Lz4Library choose() {
            if (NativeLz4.isAvailable()) {
                return FOREIGN;
            }
            try {
                return LZ4Factory.nativeInstance() == null ? JAVA : JNI;
            } catch (LinkageError | RuntimeException e) {
                return JAVA; // no library for this platform, or no place to unpack it
            }
        }
    }
}
