// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

/**
 * What a restore did, or would do.
 *
 * @param files items that are no directories
 * @param overwritten how many of them took the place of something; 0 when nobody looked
 * @param kept items that are in the target already and stayed as they were
 * @param bytes bytes of file content
 * @param failed items that are not in the target
 * @param deleted what was removed from the target
 * @param verified files that were read back and are what the snapshot has
 * @param isDamaged whether something failed because the store is damaged
 */
public record RestoreResult(
        long files,
        long folders,
        long bytes,
        long overwritten,
        long kept,
        long failed,
        long deleted,
        long verified,
        boolean isDamaged) {}
