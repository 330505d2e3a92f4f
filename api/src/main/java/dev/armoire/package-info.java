// SPDX-License-Identifier: ISC
/**
 * Armoire as a library: open or create a {@link dev.armoire.Store}, back up into it, look at its {@link dev.armoire.Snapshot
 * snapshots}, read and restore what is in them, and use a snapshot as a read-only {@link java.nio.file.FileSystem}. What is
 * public here, and nothing else of Armoire's modules, keeps its promise from version to version ({@code docs/embedding.md}).
 * What goes wrong is an {@link java.io.IOException}, most often a {@link dev.armoire.StoreException}; unchecked exceptions
 * are for mistakes of the caller.
 */
@NullMarked
package dev.armoire;

import org.jspecify.annotations.NullMarked;
