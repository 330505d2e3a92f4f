// SPDX-License-Identifier: ISC
/**
 * What became of a store's content over its snapshots: the versions of one path, and the bytes that snapshots, folders and
 * types of files take alone or share. Everything is read from the store itself; nothing is kept.
 */
@NullMarked
package dev.armoire.engine.history;

import org.jspecify.annotations.NullMarked;
