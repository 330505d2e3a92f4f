// SPDX-License-Identifier: ISC
/**
 * Micro-benchmarks: one class per kernel or hot path, named after what it measures. Each checks the result of what it
 * times against an independent implementation before the first measurement, and reports bytes per second. Nothing
 * depends on this package; what it printed is kept in perf-reports, with the machine.
 */
@NullMarked
package dev.armoire.benchmarks;

import org.jspecify.annotations.NullMarked;
