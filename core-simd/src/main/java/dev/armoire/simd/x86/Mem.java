// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

import org.jspecify.annotations.Nullable;

/**
 * The memory at {@code base + index * scale + displacement}.
 *
 * @param index null for none; never RSP
 * @param scale 1, 2, 4 or 8
 * @param displacement bytes
 */
public record Mem(Gp base, @Nullable Gp index, int scale, int displacement) {
    public Mem {
        // Not equals(): its bootstrap would take ten milliseconds of every start.
        if (index != null && index.number() == Gp.RSP.number() || Integer.bitCount(scale) != 1 || scale > 8) {
            throw new IllegalArgumentException("no such address: " + index + " times " + scale);
        }
    }

    public static Mem at(Gp base) {
        return new Mem(base, null, 1, 0);
    }

    public static Mem at(Gp base, int displacement) {
        return new Mem(base, null, 1, displacement);
    }

    public static Mem at(Gp base, Gp index, int scale, int displacement) {
        return new Mem(base, index, scale, displacement);
    }
}
