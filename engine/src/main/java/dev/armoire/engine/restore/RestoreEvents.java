// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

/** Told how a restore goes on; paths are those in the snapshot. Called from many threads at once; must be quick. */
public interface RestoreEvents {
    void done(byte[] path);

    /**
     * An item is not in the target.
     *
     * @param isDamage true when the store has lost or damaged it, false when the target could not take it
     */
    void failed(byte[] path, String reason, boolean isDamage);

    /** An item is in the target, but something of its metadata is not: {@code owner 0:0: operation not permitted}. */
    void lost(byte[] path, String what);
}
