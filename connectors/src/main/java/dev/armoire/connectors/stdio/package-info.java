// SPDX-License-Identifier: ISC
/**
 * Standard input as a source of one file. Of its metadata nothing is known but when it was read. Standard output as a target
 * is the command line's own, since it must not be mixed with what that says.
 */
@NullMarked
package dev.armoire.connectors.stdio;

import org.jspecify.annotations.NullMarked;
