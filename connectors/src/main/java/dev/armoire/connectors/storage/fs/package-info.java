// SPDX-License-Identifier: ISC
/**
 * Stores kept as folders and files of a local (or mounted) file system. The engine and the command line reach this
 * package through {@link dev.armoire.connectors.spi.StorageFactory} only, found with ServiceLoader. Other storages over
 * local files may use {@link dev.armoire.connectors.storage.fs.OpenFiles}.
 */
@NullMarked
package dev.armoire.connectors.storage.fs;

import org.jspecify.annotations.NullMarked;
