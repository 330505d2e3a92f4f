// SPDX-License-Identifier: ISC
/**
 * What the system keeps in memory of mapped files, through java.lang.foreign. The only package of this module that calls restricted
 * methods. Where the system has no such thing, nothing is known and nothing is done.
 */
@NullMarked
package dev.armoire.index.ffi;

import org.jspecify.annotations.NullMarked;
