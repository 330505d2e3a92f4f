// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.engine.record.SnapshotHeader;

/**
 * What a backup did.
 *
 * @param items entries at or below the source roots
 * @param unchangedFiles files taken over from the parent without being opened
 * @param errors items that could not be read
 * @param sourceBytes bytes read from the source
 * @param newChunks chunks of file data that the store did not have
 * @param newChunkBytes their plaintext bytes
 * @param newBlobs blobs of all types that were stored
 * @param storedBytes bytes of packfiles and states written
 */
public record BackupResult(
        SnapshotHeader header,
        long items,
        long unchangedFiles,
        long errors,
        long sourceBytes,
        long newChunks,
        long newChunkBytes,
        long newBlobs,
        long storedBytes) {}
