// SPDX-License-Identifier: ISC
/**
 * What the engine knows of the outside: storages (opaque objects), importers (sources) and exporters (restore targets).
 * Implementations live in sibling packages, one per kind, and are found with ServiceLoader through their factories. Uses
 * core-crypto only (for {@code Mac}); the engine uses this package and no other of this module.
 */
@NullMarked
package dev.armoire.connectors.spi;

import org.jspecify.annotations.NullMarked;
