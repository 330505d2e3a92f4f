// SPDX-License-Identifier: ISC
/**
 * The search index: what names which snapshot has, in one file in the cache folder. It only ever follows the store: snapshots
 * that it lacks, or that it cannot hold, are walked through, and a damaged index is made anew.
 */
@NullMarked
package dev.armoire.engine.search;

import org.jspecify.annotations.NullMarked;
