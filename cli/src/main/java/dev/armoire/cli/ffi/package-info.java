// SPDX-License-Identifier: ISC
/** Native calls that only the command line makes: connecting to the kernel's file system in user space. */
@NullMarked
package dev.armoire.cli.ffi;

import org.jspecify.annotations.NullMarked;
