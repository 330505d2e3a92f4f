// SPDX-License-Identifier: ISC
/**
 * An assembler for the few x86-64, AVX2 and AVX-512 instructions that the kernels of {@code dev.armoire.simd} are written in.
 * It knows encodings and nothing of what is computed or where the code runs. Only core-simd uses it.
 */
@NullMarked
package dev.armoire.simd.x86;

import org.jspecify.annotations.NullMarked;
