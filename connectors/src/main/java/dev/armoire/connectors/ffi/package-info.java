// SPDX-License-Identifier: ISC
/**
 * System calls of Linux through java.lang.foreign: what the file system connectors need and NIO does not offer. The only
 * package of this module that calls restricted methods; the {@code fs} package is its user, and asks
 * {@link dev.armoire.connectors.ffi.Posix#isAvailable()} first. Nothing here decides anything: calls return what the
 * kernel returned, errors as negative numbers.
 */
@NullMarked
package dev.armoire.connectors.ffi;

import org.jspecify.annotations.NullMarked;
