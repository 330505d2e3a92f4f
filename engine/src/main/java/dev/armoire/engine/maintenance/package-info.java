// SPDX-License-Identifier: ISC
/**
 * Finds what no snapshot needs any more and removes it, in steps that other programs may come between (format 1 §12). Uses
 * the repository and the readers of snapshots; knows nothing of commands.
 */
@NullMarked
package dev.armoire.engine.maintenance;

import org.jspecify.annotations.NullMarked;
