// SPDX-License-Identifier: ISC
/**
 * What a backup leaves out: gitignore-style patterns matched against absolute paths, as real Plakar does, and for
 * patterns with a slash also against paths relative to each source. Keeps count of what is broken or never matched, so
 * that a command can say so. Backup, its importers and the commands use it; it knows nothing of files or snapshots.
 */
@NullMarked
package dev.armoire.engine.exclude;

import org.jspecify.annotations.NullMarked;
