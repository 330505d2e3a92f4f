// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

/**
 * A vector register, as wide as an instruction shall treat it.
 *
 * @param number 0 to 31
 * @param bits 128, 256 or 512
 */
public record Vec(int number, int bits) {
    private static final int REGISTERS = 32;

    public Vec {
        if (number < 0 || number >= REGISTERS || (bits != 128 && bits != 256 && bits != 512)) {
            throw new IllegalArgumentException("no vector register " + number + " of " + bits + " bits");
        }
    }

    public static Vec zmm(int number) {
        return new Vec(number, 512);
    }

    public static Vec ymm(int number) {
        return new Vec(number, 256);
    }

    public static Vec xmm(int number) {
        return new Vec(number, 128);
    }
}
