// SPDX-License-Identifier: ISC
package dev.armoire.simd;

/**
 * How Gear fingerprints are scanned. {@code armoire.simd} decides as it does for the other {@link Kernels}; {@code auto}
 * takes machine code where there is any, else plain Java: the vector form has lost to it on every CPU it was measured on
 * (docs/decisions/0013).
 */
enum GearForm {
    SCALAR {
        @Override
        GearScan scan(long[] table, long mask) {
            return new ScalarGearScan(table, mask);
        }
    },
    VECTOR {
        @Override
        GearScan scan(long[] table, long mask) {
            return new VectorGearScan(table, mask);
        }
    },
    AVX2 {
        @Override
        GearScan scan(long[] table, long mask) {
            return new NativeGearScan(table, mask, false);
        }
    },
    AVX512 {
        @Override
        GearScan scan(long[] table, long mask) {
            return new NativeGearScan(table, mask, true);
        }
    };

    /** A scan of this form. The table is borrowed for the life of the scan. */
    abstract GearScan scan(long[] table, long mask);

    /**
     * The choice of this process.
     *
     * @throws IllegalArgumentException if {@code armoire.simd} asks for what cannot be had
     */
    static GearForm ofProcess() {
        if (Kernels.machineCode()) {
            return Kernels.avx512() ? AVX512 : AVX2;
        }
        return Kernels.asksForVector() ? VECTOR : SCALAR;
    }

    /** Which form runs, for reports: {@code gear native}, which is for the same CPUs as that of BLAKE3. */
    static String describe() {
        return "gear "
                + switch (ofProcess()) {
                    case SCALAR -> "scalar";
                    case VECTOR -> "vector";
                    case AVX2, AVX512 -> "native";
                };
    }
}
