// SPDX-License-Identifier: ISC
/**
 * Snapshots shown to the kernel as a read-only file system. {@link dev.armoire.cli.mount.SnapshotFiles} reads them for many threads at
 * once, here and for browsers. What can be seen is {@link dev.armoire.cli.mount.Exported}.
 */
@NullMarked
package dev.armoire.cli.mount;

import org.jspecify.annotations.NullMarked;
