// SPDX-License-Identifier: ISC
/**
 * A store as blobs: its CONFIG and keys, the merged states, locks, and reading and packing of blobs. The only package of
 * the engine that talks to a storage. Used by snapshot work (backup, restore, check) and, for opening, by the faces.
 */
@NullMarked
package dev.armoire.engine.repository;

import org.jspecify.annotations.NullMarked;
