// SPDX-License-Identifier: ISC
/** Snapshots that travel from one store to another, and copies of snapshots within one. */
@NullMarked
package dev.armoire.engine.sync;

import org.jspecify.annotations.NullMarked;
