// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

/** When a jump is taken, after a comparison of unsigned numbers or a test. */
public enum Condition {
    BELOW(0x2),
    NOT_BELOW(0x3),
    ZERO(0x4),
    NOT_ZERO(0x5),
    NOT_ABOVE(0x6),
    ABOVE(0x7);

    final int code;

    Condition(int code) {
        this.code = code;
    }
}
