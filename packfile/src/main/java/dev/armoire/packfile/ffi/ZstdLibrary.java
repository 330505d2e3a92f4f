// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import com.github.luben.zstd.util.Native;
import dev.armoire.crypto.UnsupportedVersionException;

/** Who compresses zstd frames. Whatever one of them writes the other reads. */
public enum ZstdLibrary {
    /** The C library of zstd-jni through java.lang.foreign. */
    FOREIGN,
    /** The same through zstd-jni itself, for platforms where {@link PackedLibrary} does not work. */
    JNI;

    /**
     * The faster that works here; the first call loads it.
     *
     * @throws UnsupportedVersionException where neither does: zstd has no form in Java
     */
    public static ZstdLibrary chosen() {
        if (NativeZstd.isAvailable()) {
            return FOREIGN;
        }
        try {
            Native.load();
            return JNI;
        } catch (LinkageError | RuntimeException e) {
            throw new UnsupportedVersionException(
                    "the store is compressed with zstd, whose C library does not load here ("
                            + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", unpacked to "
                            + System.getProperty("java.io.tmpdir")
                            + "); if code in that folder may not be executed, give"
                            + " Java another one with -Djava.io.tmpdir=FOLDER");
        }
    }

    /** A compressor of frames at zstd's level {@code level}, for one thread at a time; the caller closes it. */
    public ZstdFrames open(int level) {
        return switch (this) {
            case FOREIGN -> new NativeZstd(level);
            case JNI -> new JniZstd(level);
        };
    }
}
