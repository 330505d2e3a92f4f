// SPDX-License-Identifier: ISC
/**
 * The contract that every storage keeps, as tests to extend: {@code StorageReadContract} for places that can only be
 * read, {@code StorageContract} for all others. Each kind has a subclass in its own package.
 */
@NullMarked
package dev.armoire.connectors.storage;

import org.jspecify.annotations.NullMarked;
