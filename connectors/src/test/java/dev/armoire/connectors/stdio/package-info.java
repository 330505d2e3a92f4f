// SPDX-License-Identifier: ISC
/** Tests of this kind of source. */
@NullMarked
package dev.armoire.connectors.stdio;

import org.jspecify.annotations.NullMarked;
