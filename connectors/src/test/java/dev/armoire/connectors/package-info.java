// SPDX-License-Identifier: ISC
/** Contracts that every kind of source and target keeps; its own tests extend them. */
@NullMarked
package dev.armoire.connectors;

import org.jspecify.annotations.NullMarked;
