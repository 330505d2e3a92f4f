// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

/**
 * A general purpose register of 64 bits.
 *
 * @param number 0 to 15, as the encoding counts
 */
public record Gp(int number) {
    public static final Gp RAX = new Gp(0);
    public static final Gp RCX = new Gp(1);
    public static final Gp RDX = new Gp(2);
    public static final Gp RBX = new Gp(3);
    public static final Gp RSP = new Gp(4);
    public static final Gp RBP = new Gp(5);
    public static final Gp RSI = new Gp(6);
    public static final Gp RDI = new Gp(7);
    public static final Gp R8 = new Gp(8);
    public static final Gp R9 = new Gp(9);
    public static final Gp R10 = new Gp(10);
    public static final Gp R11 = new Gp(11);
    public static final Gp R12 = new Gp(12);
    public static final Gp R13 = new Gp(13);
    public static final Gp R14 = new Gp(14);
    public static final Gp R15 = new Gp(15);
}
