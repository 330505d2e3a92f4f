// SPDX-License-Identifier: ISC
/** Reading far away in blocks: what storages with slow round trips have in common. */
@NullMarked
package dev.armoire.connectors.storage.blocks;

import org.jspecify.annotations.NullMarked;
