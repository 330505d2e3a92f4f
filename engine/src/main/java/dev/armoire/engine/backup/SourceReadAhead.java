// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Has files brought into memory while they wait for a worker, so that a medium is asked for hundreds of them at once and not for one by
 * each worker. That costs as much as reading a small file from memory, so it begins when workers have waited, and ends
 * when what is asked for turns out to be in memory already: then it was other work that they waited for, and they have to wait
 * twice as often until it begins anew. A source that is far away is asked from the begin to the end.
 */
final class SourceReadAhead {
    /** Longer than any file system takes for what is in memory, shorter than any medium. */
    private static final long WAIT_NANOS = 40_000;

    private static final long LITTLE = 64 << 10;
    /** More than a thread that is now and then interrupted seems to wait for. */
    private static final int WAITS = 8;

    private static final int MOST_WAITS = 256;
    /** So many files are looked at before it is given up. */
    private static final int LOOKED_AT = 64;

    private static final int FEW = 4;

    private final boolean isFarAway;
    private final AtomicInteger waits = new AtomicInteger();
    /** How many begin it; set by one thread. */
    private volatile int needed = WAITS;

    private int looked;
    private int absent;

    SourceReadAhead(boolean isFarAway) {
        this.isFarAway = isFarAway;
    }

    /** Takes note of how long a worker has read some of a file; what is not little of it took its time anyway. */
    void took(long bytes, long nanos) {
        if (nanos > WAIT_NANOS && bytes <= LITTLE && waits.get() < needed) {
            waits.incrementAndGet();
        }
    }

    /** Told by one thread of each item that is about to be queued and has to be read. */
    void coming(ImportRecord record) {
        if (!FileMode.isRegular(record.info().mode())) {
            return;
        }
        if (isFarAway) {
            record.readAhead();
            return;
        }
        if (waits.get() < needed) {
            return;
        }
        absent += record.readAhead() ? 1 : 0;
        if (++looked == LOOKED_AT) {
            if (absent < FEW) {
                needed = Math.min(2 * needed, MOST_WAITS);
                waits.set(0);
            } else {
                needed = WAITS;
            }
            looked = 0;
            absent = 0;
        }
    }
}
