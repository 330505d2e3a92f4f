// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.util.concurrent.atomic.LongAdder;

/** What all threads of a backup count together. */
final class Counters {
    final LongAdder items = new LongAdder();
    final LongAdder unchangedFiles = new LongAdder();
    final LongAdder unchangedBytes = new LongAdder();
    final LongAdder errors = new LongAdder();
    final LongAdder sourceBytes = new LongAdder();
    final LongAdder newChunks = new LongAdder();
    final LongAdder newChunkBytes = new LongAdder();
    final LongAdder knownChunkBytes = new LongAdder();
    final LongAdder newBlobs = new LongAdder();
}
