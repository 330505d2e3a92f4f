// SPDX-License-Identifier: ISC
/** Tests of the system call bindings. */
@NullMarked
package dev.armoire.connectors.ffi;

import org.jspecify.annotations.NullMarked;
