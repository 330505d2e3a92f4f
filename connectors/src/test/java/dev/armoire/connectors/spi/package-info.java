// SPDX-License-Identifier: ISC
/** Tests of what kinds of connectors share. */
@NullMarked
package dev.armoire.connectors.spi;

import org.jspecify.annotations.NullMarked;
