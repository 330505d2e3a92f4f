// SPDX-License-Identifier: ISC
/**
 * Making snapshots: the pipeline from an importer's walk through reading, chunking, MACs, deduplication, compression and
 * encryption into packfiles, and the comparison with the parent snapshot. Used by the faces.
 */
@NullMarked
package dev.armoire.engine.backup;

import org.jspecify.annotations.NullMarked;
