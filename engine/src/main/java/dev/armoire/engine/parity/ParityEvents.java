// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.crypto.Mac;

/** Told of what goes on while parity is made or used. */
public interface ParityEvents {
    /** Something a person should know. */
    void notice(String text);

    /** A parity object that cannot be used. */
    default void damagedParity(Mac parity, String reason) {
        notice("parity " + parity.hex() + " cannot be used: " + reason
                + "; `armoire parity -verify -apply` makes it anew");
    }

    /** A packfile that is damaged, so that no parity is made of it. */
    default void damagedPackfile(Mac packfile, String reason) {
        notice(damage(packfile, reason));
    }

    /** What to say of a packfile that is damaged, so that no parity is made of it. */
    static String damage(Mac packfile, String reason) {
        return "packfile " + packfile.hex() + " is damaged, no parity is made of it: " + reason
                + "; what parity it has is left as it is, and with it packfiles that are not needed otherwise: `armoire"
                + " check -heal` heals it";
    }

    /**
     * A packfile is as it was again, or would be.
     *
     * @param bytes how many bytes of it were made again
     */
    default void healed(Mac packfile, long bytes, boolean wasMissing) {}

    /** A packfile that parity does not bring back. */
    default void notHealed(Mac packfile, String reason) {}
}
