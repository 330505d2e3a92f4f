// SPDX-License-Identifier: ISC
/**
 * Snapshots as file trees: B+trees read lazily and built from sorted streams, directory listings, file contents. Knows
 * blobs by type and MAC only; where they lie is the repository's business. Used by backup, restore, check and the faces.
 */
@NullMarked
package dev.armoire.engine.snapshot;

import org.jspecify.annotations.NullMarked;
