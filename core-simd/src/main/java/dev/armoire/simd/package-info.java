// SPDX-License-Identifier: ISC
/**
 * The loops where the CPU time goes: BLAKE3, content-defined chunking, byte entropy, xxHash32 and Argon2id, bit-exact with
 * what Plakar computes. They know bytes and numbers only, nothing of repositories, and depend on nothing but the JDK. Every
 * module may use them, and only this one may import {@code jdk.incubator.vector}.
 */
@NullMarked
package dev.armoire.simd;

import org.jspecify.annotations.NullMarked;
