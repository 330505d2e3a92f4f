// SPDX-License-Identifier: ISC
/**
 * How snapshots are picked: points in time as people write them, and filters over what a snapshot's header says. Filters
 * work on {@link dev.armoire.engine.query.SnapshotFields}, so that they need no store. The engine and every command that
 * takes a query use it.
 */
@NullMarked
package dev.armoire.engine.query;

import org.jspecify.annotations.NullMarked;
