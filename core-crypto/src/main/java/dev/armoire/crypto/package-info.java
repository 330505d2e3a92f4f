// SPDX-License-Identifier: ISC
/**
 * Keys and what they do: passphrase to master key, key wrap, AES-256-GCM-SIV segment streams, the store MAC, secrets and
 * their wiping. Conscrypt comes first, Bouncy Castle is the portable fallback. Uses core-simd only; every module to the
 * right may use it.
 */
@NullMarked
package dev.armoire.crypto;

import org.jspecify.annotations.NullMarked;
