// SPDX-License-Identifier: ISC
/**
 * Reads {@code .ptar} archives: a whole store (CONFIG, one packfile, one state) in one file. Archives are written by the
 * engine, which knows the order of their parts, never here. Reached through
 * {@link dev.armoire.connectors.spi.StorageFactory} only, found with ServiceLoader.
 */
@NullMarked
package dev.armoire.connectors.storage.ptar;

import org.jspecify.annotations.NullMarked;
