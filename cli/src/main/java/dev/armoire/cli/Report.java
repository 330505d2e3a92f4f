// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a command says, as lines of text or, with {@code -json}, as one JSON object a line. Which stream a line
 * goes to is the same in both. Any thread may call; lines never mix. Owns neither stream.
 *
 * <p>What goes wrong is always said, whatever the flags: {@code -quiet} leaves out paths that are well and information,
 * {@code -silent} summaries too.
 */
final class Report {
    /** Lines wait for company at most this long, so that a pipe shows what happens while it happens. */
    private static final long FLUSH_AFTER_NANOS = 200_000_000;

    private static final byte[] OK = ": OK ✓ ".getBytes(StandardCharsets.UTF_8);

    private static final Pattern CONTROL = Pattern.compile("\033\\[[0-9;]*m");

    private final OutputStream out;
    private final OutputStream err;
    private final boolean flushesLines;
    private @Nullable JsonLines json;
    private boolean isQuiet;
    private boolean isSilent;
    private long lastFlush = System.nanoTime();
    private @Nullable IOException outFailure;
    private volatile @Nullable String lastProblem;
    private volatile @Nullable LiveView view;
    /** Columns of each line of the view that is on the terminal now. */
    private int[] drawn = {};

    private int drawnColumns;
    private volatile Map<String, Long> lastNumbers = Map.of();

    /** @param flushesLines whether a person looks on, so that each line must show at once */
    Report(OutputStream out, OutputStream err, boolean flushesLines) {
        this.out = out;
        this.err = err;
        this.flushesLines = flushesLines;
    }

    /** Begins to speak for a command; nothing has gone wrong for it yet. */
    void configure(boolean asJson, boolean quiet, boolean silent, String command) {
        lastProblem = null;
        lastNumbers = Map.of();
        isQuiet = quiet || silent;
        isSilent = silent;
        json = asJson ? new JsonLines(command) : null;
    }

    /** What was last said to have gone wrong, or null. */
    @Nullable
    String lastProblem() {
        return lastProblem;
    }

    /** What the last summary counted, by the names that JSON has for it. */
    Map<String, Long> lastNumbers() {
        return lastNumbers;
    }

    boolean isJson() {
        return json != null;
    }

    /** Standard output for contents; lines said before are in front of them. */
    OutputStream contents() {
        return new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                synchronized (Report.this) {
                    try {
                        out.write(bytes, offset, length);
                    } catch (IOException e) {
                        throw closed(e);
                    }
                }
            }
        };
    }

    /** Whether {@link #ok} says anything. */
    boolean showsItems() {
        return !isQuiet && view == null;
    }

    // The view of what goes on

    /** Lets a view have the bottom of the terminal; lines of items are left out meanwhile. */
    void attach(LiveView shown) {
        view = shown;
    }

    /** Takes it away again. */
    synchronized void detach() {
        view = null;
        erase();
        flushQuietly();
    }

    /** Shows these lines below everything else, in place of the last ones; control sequences in them take no room. */
    synchronized void draw(List<String> lines, int columns) {
        if (view == null || outFailure != null) {
            return;
        }
        StringBuilder text = new StringBuilder(up(columns));
        int[] widths = new int[lines.size()];
        for (int i = 0; i < widths.length; i++) {
            text.append(i == 0 ? "" : "\n").append(lines.get(i)).append("\033[K");
            widths[i] = TextWidth.of(CONTROL.matcher(lines.get(i)).replaceAll(""));
        }
        text.append("\033[J");
        put(text.toString());
        drawn = widths;
        drawnColumns = columns;
        flushQuietly();
    }

    /** To where the view begins. A terminal that became narrower has wrapped its lines. */
    private String up(int columns) {
        int rows = 0;
        for (int width : drawn) {
            rows += Math.max(1, Math.ceilDiv(width, Math.max(1, columns)));
        }
        return rows > 1 ? "\r\033[" + (rows - 1) + "A" : "\r";
    }

    private void erase() {
        if (drawn.length > 0) {
            put(up(drawnColumns) + "\033[J");
            drawn = new int[0];
        }
    }

    private void put(String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            outFailure = e;
        }
    }

    private void flushQuietly() {
        try {
            if (outFailure == null) {
                out.flush();
            }
        } catch (IOException e) {
            outFailure = e;
        }
    }

    // Lines

    /** An item that is well. */
    void ok(String snapshot, byte[] path) {
        LiveView shown = view;
        if (shown != null) {
            shown.done(path);
        } else if (!isQuiet) {
            JsonLines lines = json;
            if (lines == null) {
                byte[] line = okLine(snapshot, path);
                write(line, line.length, false);
            } else {
                write(lines.line("path.ok", "snapshot", snapshot, "path", path), false);
            }
        }
    }

    /** Put together from bytes: as text the mark would make UTF-16 of each line, and that took 0.5 µs for every item. */
    private static byte[] okLine(String snapshot, byte[] path) {
        byte[] name = SnapshotPath.displayBytes(path);
        int snapshotBytes = snapshot.length(); // hexadecimal, or a word of ours
        byte[] line = new byte[snapshotBytes + OK.length + name.length + 1];
        for (int i = 0; i < snapshotBytes; i++) {
            line[i] = (byte) snapshot.charAt(i);
        }
        System.arraycopy(OK, 0, line, snapshotBytes, OK.length);
        System.arraycopy(name, 0, line, snapshotBytes + OK.length, name.length);
        line[line.length - 1] = '\n';
        return line;
    }

    /** An item that is not well. */
    void ko(String snapshot, byte[] path, String reason) {
        JsonLines lines = json;
        writeError(
                lines == null
                        ? snapshot + ": KO ✘ " + SnapshotPath.display(path) + ": " + clean(reason)
                        : lines.line("path.error", "snapshot", snapshot, "path", path, "reason", reason));
    }

    /** Something that was done to an item of the target, in one word. */
    void change(String snapshot, String what, byte[] path) {
        if (!isQuiet) {
            planned(snapshot, what, path);
        }
    }

    /** Something that would be done to an item: that was asked for, so it comes whatever the flags. */
    void planned(String snapshot, String what, byte[] path) {
        JsonLines lines = json;
        write(
                lines == null
                        ? snapshot + ": " + what + " " + SnapshotPath.display(path)
                        : lines.line("path.change", "snapshot", snapshot, "path", path, "change", what),
                false);
    }

    /** An object of the store that is not well. */
    void objectKo(String object, String reason) {
        JsonLines lines = json;
        writeError(
                lines == null
                        ? "store: KO ✘ " + clean(object) + ": " + clean(reason)
                        : lines.line("store.error", "object", object, "reason", reason));
    }

    void info(String text) {
        if (!isQuiet) {
            JsonLines lines = json;
            write(lines == null ? "info: " + clean(text) : lines.line("info", "text", text), false);
        }
    }

    void warn(String text) {
        JsonLines lines = json;
        writeError(lines == null ? "warn: " + clean(text) : lines.line("warning", "text", text));
    }

    void error(String text) {
        lastProblem = text;
        JsonLines lines = json;
        writeError(lines == null ? "error: " + clean(text) : lines.line("error", "text", text));
    }

    /** Why the command ends without success. */
    void failure(String text, int exitCode) {
        lastProblem = text;
        JsonLines lines = json;
        if (lines != null) {
            writeError(lines.line("failure", "text", text, "exit_code", exitCode));
            return;
        }
        // Advice stands on lines of its own; within each, nothing may disturb a terminal.
        writeError("armoire: " + text.lines().map(Report::clean).collect(Collectors.joining("\n")));
    }

    /** What the user should know of how his words were understood. */
    void notice(String text) {
        JsonLines lines = json;
        writeError(lines == null ? "armoire: " + clean(text) : lines.line("notice", "text", text));
    }

    /** Something for a person that is neither of the above, such as a trace; not in JSON. */
    void aside(String text) {
        writeError(text);
    }

    /** What a command did, in one line. Fields are names and values in turn, for JSON. */
    void summary(String text, String type, @Nullable Object... fields) {
        Map<String, Long> numbers = new TreeMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i + 1] instanceof Number number) {
                numbers.put(String.valueOf(fields[i]), number.longValue());
            }
        }
        lastNumbers = numbers;
        if (!isSilent) {
            JsonLines lines = json;
            write(lines == null ? text : lines.line(type, fields), false);
        }
    }

    /** A line that was asked for: it comes whatever the flags. Fields are names and values in turn, for JSON. */
    void result(String text, String type, @Nullable Object... fields) {
        JsonLines lines = json;
        write(lines == null ? text : lines.line(type, fields), true);
    }

    /** Whole lines of text that were asked for, as {@link #result} brings them one by one. Not in JSON. */
    void results(byte[] lines, int length) {
        write(lines, length, true);
    }

    /** Names in texts may hold anything; a line stays one line. */
    private static String clean(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < 0x20 || text.charAt(i) >= 0x7f) {
                return SnapshotPath.display(SnapshotPath.of(text));
            }
        }
        return text;
    }

    private void write(String line, boolean mustArrive) {
        byte[] bytes = (line + '\n').getBytes(StandardCharsets.UTF_8);
        write(bytes, bytes.length, mustArrive);
    }

    /** @param mustArrive whether the command is pointless when nobody reads */
    private synchronized void write(byte[] lines, int length, boolean mustArrive) {
        if (outFailure != null) {
            if (mustArrive) {
                throw closed(outFailure);
            }
            return;
        }
        erase();
        try {
            out.write(lines, 0, length);
            long now = System.nanoTime();
            if (flushesLines || now - lastFlush > FLUSH_AFTER_NANOS) {
                out.flush();
                lastFlush = now;
            }
        } catch (IOException e) {
            OutputClosedException closed = closed(e);
            if (mustArrive) {
                throw closed;
            }
        }
    }

    private synchronized void writeError(String line) {
        erase();
        flushQuietly();
        try {
            err.write((line + '\n').getBytes(StandardCharsets.UTF_8));
            err.flush();
        } catch (IOException e) {
            // There is nobody left to tell.
        }
    }

    private OutputClosedException closed(IOException e) {
        outFailure = e;
        return new OutputClosedException(e);
    }

    /**
     * Brings everything out.
     *
     * @throws OutputClosedException when some of it could not be written
     */
    synchronized void finish() {
        flushQuietly();
        if (outFailure != null) {
            throw new OutputClosedException(outFailure);
        }
    }
}
