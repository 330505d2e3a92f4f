// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

/**
 * How far a backup is.
 *
 * @param items entries that are in the snapshot
 * @param readBytes bytes read from the source
 * @param unchangedBytes bytes of files taken over from the parent without being opened
 * @param newBytes bytes of file data that the store did not have
 * @param knownBytes bytes of what was read that the store had already
 * @param errors items that could not be read
 * @param expectedItems items of the parent, or 0 when there is none
 * @param expectedBytes bytes of the parent's files, or 0 when there is none
 */
public record BackupProgress(
        long items,
        long readBytes,
        long unchangedBytes,
        long newBytes,
        long knownBytes,
        long errors,
        long expectedItems,
        long expectedBytes) {}
