// SPDX-License-Identifier: ISC
package dev.armoire;

/**
 * Told how a backup, a restore or a check goes on. Called from many threads at once; must be quick, must not throw, and must
 * not close the store. Paths are as {@link SnapshotFile#path} has them.
 */
public interface ProgressListener {
    /** An item is done. */
    default void done(String path) {}

    /** An item, or something of it, could not be had; it counts among the problems of the report. */
    default void problem(Problem problem) {}

    /** Something that is worth knowing and no problem. */
    default void notice(String text) {}
}
