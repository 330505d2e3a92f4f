// SPDX-License-Identifier: ISC
/**
 * The records inside blobs (format 2 and 2a): snapshot headers, entries, objects, summaries, tree nodes, attributes and
 * errors, each with its one exact encoding and its tolerant decoding. Values only, no I/O. Every other package of the
 * engine, and the faces above it, may use it.
 */
@NullMarked
package dev.armoire.engine.record;

import org.jspecify.annotations.NullMarked;
