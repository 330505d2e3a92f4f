// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

/**
 * What maintenance did, or would do.
 *
 * @param coloured packfiles hidden now, to be removed by a later run
 * @param colouredBytes their size in the store
 * @param orphaned of those, the ones that no state names
 * @param reprieved packfiles that are needed after all and were made visible again
 * @param removed packfiles removed
 * @param removedBlobs blobs in them, padding apart
 * @param removedBytes their size in the store
 * @param waiting packfiles that stay hidden until their time is over
 * @param repacked of those hidden now, the ones whose needed blobs were copied into new packfiles
 * @param copiedBytes size of those blobs
 * @param rewritten snapshots that have a new identifier for it
 */
public record MaintenanceResult(
        long coloured,
        long colouredBytes,
        long orphaned,
        long reprieved,
        long removed,
        long removedBlobs,
        long removedBytes,
        long waiting,
        long repacked,
        long copiedBytes,
        long rewritten) {}
