// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.ArrayList;
import java.util.List;

/** Collects the problems of one run, and tells a listener. Thread-safe. */
final class Problems {
    /** Kept of a run in which nearly everything fails; all are told and counted. */
    private static final int KEPT = 10_000;

    private final ProgressListener listener;
    private final List<Problem> kept = new ArrayList<>();
    private long count;

    Problems(ProgressListener listener) {
        this.listener = listener;
    }

    void add(byte[] path, String reason) {
        add(PathText.of(path), reason);
    }

    void add(String item, String reason) {
        Problem problem = new Problem(item, reason);
        synchronized (this) {
            count++;
            if (kept.size() < KEPT) {
                kept.add(problem);
            }
        }
        listener.problem(problem);
    }

    synchronized long count() {
        return count;
    }

    synchronized List<Problem> list() {
        return List.copyOf(kept);
    }
}
