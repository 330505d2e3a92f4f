// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

/**
 * What a restore did.
 *
 * @param files items that are no directories
 * @param bytes bytes of file content
 * @param failed items that are not in the target
 * @param isDamaged whether something failed because the store is damaged
 */
public record RestoreResult(long files, long folders, long bytes, long failed, boolean isDamaged) {}
