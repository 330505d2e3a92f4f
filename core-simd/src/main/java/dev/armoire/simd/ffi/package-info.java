// SPDX-License-Identifier: ISC
/**
 * Where core-simd calls what is not Java: machine code that its kernels assembled, and the system calls that make memory
 * executable. Every restricted method of the module is called here. Only core-simd uses it.
 */
@NullMarked
package dev.armoire.simd.ffi;

import org.jspecify.annotations.NullMarked;
