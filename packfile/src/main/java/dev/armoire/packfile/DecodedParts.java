// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.MemorySegment;

/** Takes what {@link BlobCodec#decodeInParts} decodes as it comes, so that nobody needs room for the whole. */
@FunctionalInterface
public interface DecodedParts {
    /**
     * Takes from the front of {@code bytes}, which are borrowed for the call.
     *
     * @param isLast whether nothing comes after them
     * @return how many are done with; the others come again, with more behind them
     */
    long take(MemorySegment bytes, boolean isLast);
}
