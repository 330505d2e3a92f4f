// SPDX-License-Identifier: ISC
package dev.armoire.index;

/**
 * Where an encoded blob lies.
 *
 * @param packfile ordinal of the packfile, see {@link PackfileTable}
 * @param offset bytes from the start of the packfile's payload, 0 to 2^40-1
 * @param length encoded length in bytes, 0 to 2^32-1
 */
public record BlobLocation(int packfile, long offset, long length) {}
