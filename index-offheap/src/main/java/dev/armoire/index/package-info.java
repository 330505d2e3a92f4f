// SPDX-License-Identifier: ISC
/**
 * The large local tables, off-heap: which blobs a store holds and where. Rebuildable from the store's states at any time
 * and never trusted over them. Uses core-crypto (for {@code Mac}); the engine and what stands right of it may
 * use it.
 */
@NullMarked
package dev.armoire.index;

import org.jspecify.annotations.NullMarked;
