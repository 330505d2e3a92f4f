// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.ffi.TerminalSize;
import dev.armoire.engine.record.SnapshotPath;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A few lines at the bottom of a terminal that say how far the work is. One thread looks at the counters of the work a few
 * times a second; the work itself does nothing for it but leave the last path. Lines of a {@link Report} go above it.
 *
 * <p>Made by {@link Session#show}, closed by who asked for it.
 */
final class LiveView implements AutoCloseable {
    private static final long TICK_MILLIS = 200;
    private static final int USUAL_COLUMNS = 80;
    private static final long SECOND = 1_000_000_000;
    /** Before that, a guess of the time left is worth nothing. */
    private static final long GUESS_AFTER_NANOS = 2 * SECOND;
    /** Of speed, the last ticks count most: about the last eight seconds. */
    private static final double MEMORY_SECONDS = 8;

    /**
     * How far the work is; -1 stands for what it does not count.
     *
     * @param what the stage of the work, such as "reading"
     * @param unit what the pieces are called
     * @param items what is done, in pieces
     * @param expectedItems how many there will be, or 0 when nobody knows
     * @param bytes what is done, in bytes
     * @param expectedBytes how many there will be, or 0 when nobody knows
     * @param moved bytes that went through, which give the speed
     * @param note more about it, or empty
     * @param errors what went wrong
     */
    record Figures(
            String what,
            String unit,
            long items,
            long expectedItems,
            long bytes,
            long expectedBytes,
            long moved,
            String note,
            long errors) {}

    private final Report report;
    private final String title;
    private final boolean colours;
    private final long begun = System.nanoTime();
    private final LongAdder items = new LongAdder();
    private final Thread ticker;
    private volatile @Nullable Supplier<Figures> source;
    private volatile byte @Nullable [] path;
    private volatile boolean closed;
    private double speed;
    private long lastMoved;
    private long lastTick = begun;

    LiveView(Report report, String title, boolean colours) {
        this.report = report;
        this.title = title;
        this.colours = colours;
        this.ticker = Thread.ofPlatform().daemon().name("live-view").unstarted(this::run);
    }

    void start() {
        report.attach(this);
        ticker.start();
    }

    /** Says from now on where to look. */
    void follow(Supplier<Figures> figures) {
        source = figures;
    }

    /** An item is done. */
    void done(byte[] item) {
        items.increment();
        path = item;
    }

    /** Items that are done. */
    long items() {
        return items.sum();
    }

    private void run() {
        while (!closed) {
            try {
                Thread.sleep(TICK_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
            Supplier<Figures> figures = source;
            if (figures != null && !closed) {
                int columns = TerminalSize.columns();
                int width = columns <= 0 ? USUAL_COLUMNS : columns;
                report.draw(lines(figures.get(), System.nanoTime(), width), width);
            }
        }
    }

    /** The lines as they are to be seen now, none as wide as the terminal. */
    List<String> lines(Figures now, long nanos, int columns) {
        measure(now, nanos);
        int width = columns - 1; // a terminal wraps when its last column is filled
        List<String> lines = new ArrayList<>();
        lines.add(TextWidth.cut(String.join("  ", head(now, nanos, width)), width));
        String details = details(now);
        if (!details.isEmpty() || now.errors > 0) {
            String errors = now.errors > 0 ? now.errors + (now.errors == 1 ? " error" : " errors") : "";
            String shown = TextWidth.cut(details, width - (errors.isEmpty() ? 0 : errors.length() + 2));
            String red = colours ? "\033[31m" + errors + "\033[0m" : errors;
            lines.add(errors.isEmpty() ? shown : shown.isEmpty() ? red : shown + "  " + red);
        }
        byte[] last = path;
        if (last != null) {
            lines.add(TextWidth.shorten(SnapshotPath.display(last), width));
        }
        return lines;
    }

    private void measure(Figures now, long nanos) {
        double seconds = (nanos - lastTick) / (double) SECOND;
        if (seconds > 0) {
            double current = Math.max(0, now.moved - lastMoved) / seconds;
            // The mean of the whole time, until there are ticks enough.
            double weight = Math.max(seconds / MEMORY_SECONDS, seconds * SECOND / (nanos - begun));
            speed += (current - speed) * Math.min(1, weight);
            lastMoved = now.moved;
            lastTick = nanos;
        }
    }

    /** The most important comes first, and what does not fit is left out from behind. */
    private List<String> head(Figures now, long nanos, int width) {
        List<String> parts = new ArrayList<>();
        parts.add(title + (now.what.isEmpty() ? "" : " " + now.what));
        parts.add(clock(nanos - begun));
        double part = part(now);
        if (part >= 0) {
            parts.add((int) (part * 100) + "%");
        }
        parts.add(
                now.expectedBytes > 0
                        ? GoFormat.bytes(now.bytes) + " of " + GoFormat.bytes(now.expectedBytes)
                        : GoFormat.bytes(Math.max(0, now.bytes)));
        parts.add(GoFormat.bytes((long) speed) + "/s");
        if (part > 0 && part < 1 && nanos - begun > GUESS_AFTER_NANOS) {
            parts.add("left " + clock((long) ((nanos - begun) * (1 - part) / part)));
        }
        int room = width;
        List<String> fitting = new ArrayList<>();
        for (String text : parts) {
            room -= TextWidth.of(text) + 2;
            if (room < -2) {
                break;
            }
            fitting.add(text);
        }
        return fitting;
    }

    /** How much of the work is done, 0 to 1, or -1 when nobody knows. */
    private static double part(Figures now) {
        if (now.expectedBytes > 0) {
            return Math.min(1, now.bytes / (double) now.expectedBytes);
        }
        return now.expectedItems > 0 ? Math.min(1, now.items / (double) now.expectedItems) : -1;
    }

    private static String details(Figures now) {
        String items = now.items < 0
                ? ""
                : now.expectedItems > 0
                        ? now.items + " of " + (now.items > now.expectedItems ? "more" : now.expectedItems) + " "
                                + now.unit
                        : now.items + " " + now.unit;
        return items.isEmpty() || now.note.isEmpty() ? items + now.note : items + ", " + now.note;
    }

    /** {@code 0:07}, {@code 1:02:03}. */
    private static String clock(long nanos) {
        long seconds = nanos / SECOND;
        String rest = twoDigits(seconds % 60);
        return seconds < 3600
                ? seconds / 60 + ":" + rest
                : seconds / 3600 + ":" + twoDigits(seconds / 60 % 60) + ":" + rest;
    }

    private static String twoDigits(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }

    @Override
    public void close() {
        closed = true;
        ticker.interrupt();
        report.detach();
    }
}
