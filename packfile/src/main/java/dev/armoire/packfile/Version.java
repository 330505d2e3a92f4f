// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

/** Version numbers of stored records: {@code major << 16 | minor << 8 | patch}, compared as unsigned numbers. */
public final class Version {
    public static final int V1_0_0 = 0x00010000;
    public static final int V1_1_0 = 0x00010100;

    private Version() {}

    /** Whether {@code version} is newer than {@code known}. */
    public static boolean isNewer(int version, int known) {
        return Integer.compareUnsigned(version, known) > 0;
    }

    /** For people: {@code 1.1.0}. */
    public static String toString(int version) {
        return (version >>> 16) + "." + (version >>> 8 & 0xff) + "." + (version & 0xff);
    }
}
