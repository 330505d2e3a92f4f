// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

/** Tells whether an input is a table of values with a separator between them: at least two rows of equally many fields. */
final class SeparatedValues {
    private static final int ROWS_ENOUGH = 10;

    private final Sample in;
    private final int separator;
    private final int to;
    private int next;
    private int lineEnd;
    private boolean lineFeedCut;

    private SeparatedValues(Sample in, int separator, int to) {
        this.in = in;
        this.separator = separator;
        this.to = to;
    }

    static boolean holds(Sample in, int separator) {
        int to = in.length;
        if (in.mayBeCutOff()) {
            int lastLineFeed = to - 1;
            while (lastLineFeed > 0 && in.bytes[lastLineFeed] != '\n') {
                lastLineFeed--;
            }
            to = lastLineFeed > 0 ? lastLineFeed : to;
        }
        return new SeparatedValues(in, separator, to).isTable();
    }

    private boolean isTable() {
        int columns = fieldsOfNextRow();
        if (columns < 2) {
            return false;
        }
        int rows = 1;
        while (rows < ROWS_ENOUGH) {
            int fields = fieldsOfNextRow();
            if (fields == 0) {
                return rows >= 2;
            }
            if (fields != columns) {
                return false;
            }
            rows++;
        }
        return true;
    }

    /** Counts the fields of a row, which quotes can carry over several lines; 0 at the end. */
    private int fieldsOfNextRow() {
        int at;
        do {
            if (next >= to) {
                return 0;
            }
            at = readLine();
        } while (at + lineFeed(at) == lineEnd || in.bytes[at] == '#');

        int fields = 0;
        while (true) {
            fields++;
            if (at >= lineEnd || in.bytes[at] != '"') {
                at = in.indexOf(at, lineEnd, separator) + 1;
                if (at == 0) {
                    return fields;
                }
                continue;
            }
            at = endOfQuoted(at + 1);
            if (at < 0) {
                return fields;
            }
        }
    }

    /** Where the next field starts behind a quoted one whose inside starts at {@code from}; -1 if it was the last. */
    private int endOfQuoted(int from) {
        int at = from;
        while (true) {
            int quote = in.indexOf(at, lineEnd, '"');
            if (quote < 0) {
                if (at >= lineEnd && !lineFeedCut) {
                    return -1;
                }
                at = readLine();
                continue;
            }
            at = quote + 1;
            if (at < lineEnd && in.bytes[at] == '"') {
                at++;
            } else if (at < lineEnd && in.bytes[at] == separator) {
                return at + 1;
            } else if (at + lineFeed(at) == lineEnd) {
                return -1;
            }
        }
    }

    /** Takes the next line: returns its start, its end is {@link #lineEnd}. A line feed stays, CR LF goes. */
    private int readLine() {
        int start = next;
        int feed = in.indexOf(start, to, '\n');
        next = feed < 0 ? to : feed + 1;
        lineEnd = next;
        lineFeedCut = false;
        if (lineEnd > start && in.bytes[lineEnd - 1] == '\r') {
            lineEnd--;
        } else if (lineEnd - start >= 2 && in.bytes[lineEnd - 2] == '\r') {
            lineEnd -= 2;
            lineFeedCut = true;
        }
        return start;
    }

    /** 1 if the line that starts or goes on at {@code at} ends with a line feed. */
    private int lineFeed(int at) {
        return lineEnd > at && in.bytes[lineEnd - 1] == '\n' ? 1 : 0;
    }
}
