// SPDX-License-Identifier: ISC
/**
 * Giving snapshots back: the walk down a snapshot's tree, reading and verifying of contents on several threads, and what
 * could not be restored. Writes through an exporter and to nothing else. Used by the faces.
 */
@NullMarked
package dev.armoire.engine.restore;

import org.jspecify.annotations.NullMarked;
