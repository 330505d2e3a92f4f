// SPDX-License-Identifier: ISC
/** How fast things are found in a store of many snapshots. */
@NullMarked
package dev.armoire.benchmarks.search;

import org.jspecify.annotations.NullMarked;
