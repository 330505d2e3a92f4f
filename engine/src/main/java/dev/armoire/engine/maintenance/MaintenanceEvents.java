// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

/** Told of what goes on in maintenance. */
public interface MaintenanceEvents {
    /** Something a person should know. */
    void notice(String text);

    /** Somebody else has a lock, and is waited for. */
    void waiting(String why);
}
