// SPDX-License-Identifier: ISC
/**
 * Whole processes side by side: makes the data, runs Armoire and every other backup program that is there with its own
 * defaults, one after the other, measures each step from outside, and compares what was restored with what was backed up.
 * Start reading at {@code Comparison}; another program is one more case in {@code Peer}.
 */
@NullMarked
package dev.armoire.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
