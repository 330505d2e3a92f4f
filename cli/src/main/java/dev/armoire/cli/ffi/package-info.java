// SPDX-License-Identifier: ISC
/** Native calls that only the command line makes: file systems in user space, key rings, accounts, the terminal. */
@NullMarked
package dev.armoire.cli.ffi;

import org.jspecify.annotations.NullMarked;
