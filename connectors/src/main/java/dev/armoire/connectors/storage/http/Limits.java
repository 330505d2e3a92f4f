// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.time.Duration;

/**
 * How long servers are waited for, and how often they are asked.
 *
 * @param silence after which a peer that moves no byte is given up
 * @param slowWindow time in which a peer must send {@code slowBytes}, or all that is left
 * @param attempts for one request, the first one included; an answer that got on in between counts anew
 */
record Limits(
        Duration connect,
        Duration silence,
        Duration slowWindow,
        long slowBytes,
        int attempts,
        Duration firstPause,
        Duration longestPause) {
    /** {@code -Darmoire.http.pause} sets the first pause, in milliseconds, for tests of a network that fails. */
    static Limits usual() {
        int pause = Integer.getInteger("armoire.http.pause", 200);
        return new Limits(
                Duration.ofSeconds(10),
                Duration.ofSeconds(30),
                Duration.ofSeconds(60),
                16 << 10,
                7,
                Duration.ofMillis(pause),
                Duration.ofMillis(50L * pause));
    }
}
