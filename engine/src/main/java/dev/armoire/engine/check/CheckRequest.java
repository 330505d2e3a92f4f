// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import java.util.List;

/**
 * What to check.
 *
 * @param targets checked one after the other, in this order
 * @param fast asks only whether the contents of files are there, and does not read them
 * @param store reads every packfile of the store first, whether a snapshot needs it or not
 * @param workers threads that read and verify, at least 1
 */
public record CheckRequest(List<Target> targets, boolean fast, boolean store, int workers) {}
