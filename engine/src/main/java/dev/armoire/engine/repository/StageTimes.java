// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * How long all threads together were in each stage of the work on a store, in nanoseconds. Measures nothing until it is
 * started, because a clock that is read for each blob costs a hundredth of a backup of small files. Thread-safe.
 */
public final class StageTimes {
    /** What a thread may be at; some of them have threads of their own, so that the sum is more than the time that passes. */
    public enum Stage {
        /** Lists what there is to be saved, without the time for which it waits for those who save it. */
        WALK("walk the source"),
        READ("read the source"),
        HASH("cut, hash, look up"),
        ENCODE("compress, encrypt"),
        /** Until a packfile that is being written leaves its memory. A stage before the store is faster than the store. */
        WAIT("wait for the store"),
        TREES("build trees"),
        /** MAC of the packfile, write, make durable. */
        STORE("write to the store"),
        FETCH("read from the store"),
        DECODE("decrypt, decompress, verify"),
        WRITE("write what is restored");

        private final String text;

        Stage(String text) {
            this.text = text;
        }

        /** In words. */
        public String text() {
            return text;
        }

        /** As it stands in the fields of events. */
        public String field() {
            return name().toLowerCase(Locale.ROOT) + "_nanoseconds";
        }
    }

    private final Map<Stage, LongAdder> nanos = new EnumMap<>(Stage.class);
    private volatile boolean isOn;

    /** Stopped. */
    public StageTimes() {
        for (Stage stage : Stage.values()) {
            nanos.put(stage, new LongAdder());
        }
    }

    /** Measures from now on. */
    public void start() {
        isOn = true;
    }

    /** The moment at which a stage begins, for {@link #end}. */
    public long begin() {
        return isOn ? System.nanoTime() : 0;
    }

    /**
     * Adds what has passed since {@code begun} to a stage.
     *
     * @param begun what {@link #begin} or {@code end} returned
     * @return the moment at which the next stage begins
     */
    public long end(Stage stage, long begun) {
        if (begun == 0) {
            return 0;
        }
        long now = System.nanoTime();
        add(stage, now - begun);
        return now;
    }

    /** Takes what has passed since {@code begun} from a stage that it lies within. */
    public void except(Stage stage, long begun) {
        if (begun != 0) {
            add(stage, begun - System.nanoTime());
        }
    }

    private void add(Stage stage, long amount) {
        LongAdder adder = nanos.get(stage);
        if (adder != null) { // as it is: all have one
            adder.add(amount);
        }
    }

    /** The stages that took any time. */
    public Map<Stage, Long> taken() {
        Map<Stage, Long> taken = new EnumMap<>(Stage.class);
        nanos.forEach((stage, adder) -> {
            long sum = adder.sum();
            if (sum > 0) {
                taken.put(stage, sum);
            }
        });
        return taken;
    }
}
