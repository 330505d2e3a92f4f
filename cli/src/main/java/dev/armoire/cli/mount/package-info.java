// SPDX-License-Identifier: ISC
/**
 * Snapshots shown to other programs: to the kernel as a read-only file system, and to browsers over HTTP. Both read through
 * {@link dev.armoire.cli.mount.SnapshotFiles}.
 */
@NullMarked
package dev.armoire.cli.mount;

import org.jspecify.annotations.NullMarked;
