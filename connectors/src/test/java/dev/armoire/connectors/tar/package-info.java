// SPDX-License-Identifier: ISC
/** Tests of tar files as sources and targets. */
@NullMarked
package dev.armoire.connectors.tar;

import org.jspecify.annotations.NullMarked;
