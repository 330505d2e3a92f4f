// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;

/** Takes blobs to be stored. One per thread. */
public interface BlobSink {
    /** Stores a blob unless the store has it; returns its MAC. {@code plain} is borrowed for the call. */
    Mac store(int type, MemorySegment plain);
}
