// SPDX-License-Identifier: ISC
/**
 * Makes a store whole again whose states are lost or damaged, from what packfiles say of themselves. Uses the repository; knows
 * nothing of commands.
 */
@NullMarked
package dev.armoire.engine.repair;

import org.jspecify.annotations.NullMarked;
