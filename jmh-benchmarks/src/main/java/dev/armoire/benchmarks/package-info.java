// SPDX-License-Identifier: ISC
/**
 * Measures Armoire: one JMH class per kernel or hot path, named after what it measures, and the commands of {@code armoire-bench}.
 * Each benchmark checks the result of what it times against an independent implementation before the first measurement, and
 * reports bytes per second. Nothing depends on this package; what it printed is kept in perf-reports, with the machine.
 */
@NullMarked
package dev.armoire.benchmarks;

import org.jspecify.annotations.NullMarked;
