// SPDX-License-Identifier: ISC
/**
 * Faults on purpose, in any number: processes that are killed, bits that flip, disks that lie, writers that meet. Run by
 * {@code armoire-torture} in full, and by {@link dev.armoire.torture.TortureTest} in short. No part of the program.
 */
package dev.armoire.torture;
