// SPDX-License-Identifier: ISC
/**
 * Writes what was measured down, so that it can be looked up and repeated: a Markdown page with the facts of the machine, a
 * table and SVG plots. What comes in are plain numbers with names; who measured them does not matter here. Nothing in here
 * decides whether a result is good.
 */
@NullMarked
package dev.armoire.benchmarks.report;

import org.jspecify.annotations.NullMarked;
