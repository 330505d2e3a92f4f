// SPDX-License-Identifier: ISC
/**
 * The bytes of a store above the cipher and below the snapshot: envelope, CONFIG, compression, blob encoding, packfiles,
 * state streams, locks, and MessagePack in Go's exact shape. It reads and writes memory segments and knows nothing of files,
 * storages or threads. Uses core-simd and core-crypto; the index, the engine and the
 * faces above them may use it.
 */
@NullMarked
package dev.armoire.packfile;

import org.jspecify.annotations.NullMarked;
