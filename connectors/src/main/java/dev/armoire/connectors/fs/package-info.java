// SPDX-License-Identifier: ISC
/**
 * Backs up from and restores to the file system of this machine, the connector {@code fs}. On Linux with all that a
 * file system has, through the {@code ffi} package; elsewhere through NIO, with what that offers. Found with ServiceLoader
 * through its two factories, the only public types.
 */
@NullMarked
package dev.armoire.connectors.fs;

import org.jspecify.annotations.NullMarked;
