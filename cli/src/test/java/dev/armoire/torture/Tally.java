// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts what was tried, and keeps what went wrong. For any thread. */
final class Tally {
    private static final int PRINTED = 40;
    private static final long TELL_NANOS = 10_000_000_000L;

    private final String name;
    private final PrintStream out;
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<String> failures = new ArrayList<>();
    private final long begun = System.nanoTime();
    private long told = begun;
    private long all;
    private long done;

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

    /** So many more are to come. */
    synchronized void begin(long cases) {
        all += cases;
    }

    /** One more is done; says now and then how far it is. */
    synchronized void progress() {
        done++;
        long now = System.nanoTime();
        if (now - told > TELL_NANOS) {
            told = now;
            out.println(name + ": " + done + " of " + all);
        }
    }

    /** Prints all counts, one a line. */
    synchronized void print() {
        counts.forEach((what, times) -> out.println(name + ": " + times + " " + what));
        if (done < all) {
            out.println(name + ": STOPPED after " + done + " of " + all);
        }
        out.println(name + ": " + failures.size() + " FAILURES, " + (System.nanoTime() - begun) / 1_000_000_000 + " s");
    }
}
