// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

/** Flags of {@code open}. Four of them differ between x86_64 and aarch64. */
public final class OpenFlags {
    public static final int READ_ONLY = 0;
    public static final int WRITE_ONLY = 01;
    public static final int CREATE = 0100;
    public static final int EXCLUSIVE = 0200;
    public static final int NON_BLOCKING = 04000;
    /** Past the page cache: sizes, positions and addresses must be multiples of the medium's block. */
    public static final int DIRECT = Libc.ARM ? 0200000 : 040000;

    public static final int DIRECTORY = Libc.ARM ? 040000 : 0200000;
    public static final int NO_FOLLOW = Libc.ARM ? 0100000 : 0400000;
    public static final int NO_ATIME = 01000000;
    public static final int CLOSE_ON_EXEC = 02000000;
    /** Only a place in the tree: no right to read is needed, nothing can be read. */
    public static final int PATH = 010000000;

    private OpenFlags() {}
}
