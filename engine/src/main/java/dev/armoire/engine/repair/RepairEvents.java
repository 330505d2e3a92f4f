// SPDX-License-Identifier: ISC
package dev.armoire.engine.repair;

import dev.armoire.crypto.Mac;

/** Told of what a repair finds, in a dry run as well. */
public interface RepairEvents {
    /** A packfile that no state names, and that is listed again. */
    void unlisted(Mac packfile, long blobs);

    /** A state that cannot be read, and that is taken away when all packfiles are listed. */
    void damagedState(Mac state, String problem);

    /** Something that cannot be repaired. */
    void lost(String what);

    /** Somebody else has a lock, and is waited for. */
    void waiting(String why);
}
