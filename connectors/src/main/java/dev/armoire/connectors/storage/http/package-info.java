// SPDX-License-Identifier: ISC
/**
 * Archives and stores behind a web server: {@code .ptar} files and stores as plain files, read by ranges, and stores that a
 * {@code server} command gives out (format 3 §B). Told apart by {@link HttpStorageFactory}. Requests go through the JDK's own
 * client, which is loaded when such a place is used.
 */
@NullMarked
package dev.armoire.connectors.storage.http;

import org.jspecify.annotations.NullMarked;
