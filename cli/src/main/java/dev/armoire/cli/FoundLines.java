// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Lines {@code ID:PATH} of what was found in many snapshots, where the same entry comes again and again. A search is over in a tenth of
 * a second, and a hundred thousand lines put together one by one, by a process that has just begun, took twice that.
 */
final class FoundLines {
    private static final int BUFFER_BYTES = 64 << 10;

    private final Report report;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int filled;
    private byte[] snapshot = {};

    /** What was found in the snapshot before, in its order, and what stands behind the snapshot's id in its line. */
    private @Nullable Entry[] entries = new Entry[64];

    private byte[][] rests = new byte[64][];
    private int count;

    FoundLines(Report report) {
        this.report = report;
    }

    /** The line of one entry. */
    static String line(Mac snapshot, Entry entry) {
        return snapshot.shortHex() + rest(entry);
    }

    private static String rest(Entry entry) {
        return ":" + SnapshotPath.display(entry.path());
    }

    /** What is added from now on is in this snapshot. */
    void begin(Mac id) {
        count = 0;
        snapshot = id.shortHex().getBytes(StandardCharsets.UTF_8);
    }

    @SuppressWarnings("ReferenceEquality") // whether two objects are alike would take longer than to show one
    void add(Entry entry) {
        if (count == entries.length) {
            entries = Arrays.copyOf(entries, 2 * count);
            rests = Arrays.copyOf(rests, 2 * count);
        }
        if (entries[count] != entry) { // else it is the object that it was: nothing has changed there
            entries[count] = entry;
            rests[count] = (rest(entry) + '\n').getBytes(StandardCharsets.UTF_8);
        }
        byte[] rest = rests[count++];
        int length = snapshot.length + rest.length;
        if (length > buffer.length - filled) {
            finish();
        }
        if (length > buffer.length) { // the path of an archive, perhaps
            byte[] line = Arrays.copyOf(snapshot, length);
            System.arraycopy(rest, 0, line, snapshot.length, rest.length);
            report.results(line, length);
            return;
        }
        System.arraycopy(snapshot, 0, buffer, filled, snapshot.length);
        System.arraycopy(rest, 0, buffer, filled + snapshot.length, rest.length);
        filled += length;
    }

    /** Brings out what has been added. */
    void finish() {
        report.results(buffer, filled);
        filled = 0;
    }
}
