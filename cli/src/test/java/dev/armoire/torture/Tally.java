// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts what was tried, and keeps what went wrong. For one thread, but for {@link #failed}. */
final class Tally {
    private static final int PRINTED = 40;

    private final String name;
    private final PrintStream out;
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<String> failures = new ArrayList<>();
    private final long begun = System.nanoTime();

    Tally(String name, PrintStream out) {
        this.name = name;
        this.out = out;
    }

    synchronized void count(String what) {
        count(what, 1);
    }

    synchronized void count(String what, long times) {
        counts.merge(what, times, Long::sum);
    }

    synchronized long of(String what) {
        return counts.getOrDefault(what, 0L);
    }

    /** Notes something that must not be. */
    synchronized void failed(String what) {
        failures.add(what);
        if (failures.size() <= PRINTED) {
            out.println(name + ": FAILED: " + what);
        }
    }

    synchronized List<String> failures() {
        return List.copyOf(failures);
    }

    /** Says now and then how far it is. */
    void progress(long done, long of) {
        if (done % Math.max(1, of / 20) == 0) {
            out.println(name + ": " + done + " of " + of);
        }
    }

    /** Prints all counts, one a line. */
    synchronized void print() {
        counts.forEach((what, times) -> out.println(name + ": " + times + " " + what));
        out.println(name + ": " + failures.size() + " FAILURES, " + (System.nanoTime() - begun) / 1_000_000_000 + " s");
    }
}
