// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.Mac;

/** Told of what goes on in maintenance. */
public interface MaintenanceEvents {
    /** Something a person should know. */
    void notice(String text);

    /** A snapshot has a new identifier. */
    void rewritten(Mac from, Mac to);

    /** So many writes that their writers never finished were taken back, or would be. Told only when there are some. */
    default void unfinished(int writes) {}

    /** Somebody else has a lock, and is waited for. */
    void waiting(String why);
}
