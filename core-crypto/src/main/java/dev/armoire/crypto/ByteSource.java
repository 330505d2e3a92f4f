// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

/** Where subkeys and nonces come from: {@link FastRandom}, or fixed bytes when a test reproduces a published vector. */
interface ByteSource {
    /** Fills the whole array. */
    void nextBytes(byte[] target);
}
