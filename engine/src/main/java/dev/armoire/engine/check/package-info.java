// SPDX-License-Identifier: ISC
/**
 * Finds damage: reads packfiles as a whole and snapshots as trees, verifies every MAC on the way, and names what is hurt by
 * its path. Writes nothing and repairs nothing. Used by the faces, and by tests that want to be sure of a store.
 */
@NullMarked
package dev.armoire.engine.check;

import org.jspecify.annotations.NullMarked;
