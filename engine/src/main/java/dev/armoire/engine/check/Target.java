// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.engine.record.SnapshotHeader;

/**
 * A part of a snapshot to be checked.
 *
 * @param path clean and absolute; what lies at it and below it is checked
 */
public record Target(SnapshotHeader header, byte[] path) {}
