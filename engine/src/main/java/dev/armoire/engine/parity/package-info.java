// SPDX-License-Identifier: ISC
/**
 * Parity of packfiles: objects beside them from which damaged bytes and lost packfiles are made again. Uses the repository;
 * knows nothing of commands.
 */
@NullMarked
package dev.armoire.engine.parity;

import org.jspecify.annotations.NullMarked;
