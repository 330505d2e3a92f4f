// SPDX-License-Identifier: ISC
/**
 * The command line: commands, flags, rendering and exit codes, and nothing that another face of the engine would need.
 * It may use every other module, and no other module may use it. Importers, exporters and storages are found through
 * {@link java.util.ServiceLoader}, never named here.
 */
@NullMarked
package dev.armoire.cli;

import org.jspecify.annotations.NullMarked;
