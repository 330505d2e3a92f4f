// SPDX-License-Identifier: ISC
/**
 * Gives a storage out over HTTP, in the protocol of Plakar's {@code server} (format 3 §B). What it gives out is opaque to it:
 * it needs no passphrase. The other side is a kind of storage like others and lies among them; the command line uses this package directly.
 */
@NullMarked
package dev.armoire.connectors.server;

import org.jspecify.annotations.NullMarked;
