// SPDX-License-Identifier: ISC
/** Archives: stores in one file, written once from front to back. */
@NullMarked
package dev.armoire.engine.archive;

import org.jspecify.annotations.NullMarked;
