// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScanLogTest {
    private static final int RECORDS = 10_000;
    private static final int RECORD_BYTES = 600;

    private final long[] positions = new long[RECORDS];
    private ScanLog log;

    /** Records as a walk gives them: in order, but for those that a few workers finish a little sooner or later. */
    @BeforeEach
    void fill(@TempDir Path folder) throws IOException {
        log = new ScanLog(folder);
        int[] numbers = new int[RECORDS];
        var random = new Random(5);
        for (int i = 0; i < RECORDS; i++) {
            numbers[i] = i;
        }
        for (int i = 0; i + 1 < RECORDS; i += 1 + random.nextInt(40)) {
            int swap = numbers[i];
            numbers[i] = numbers[i + 1];
            numbers[i + 1] = swap;
        }
        long previous = ScanLog.NONE;
        for (int i = 0; i < RECORDS; i++) {
            byte[] record = new byte[RECORD_BYTES];
            byte[] name = "%08d".formatted(numbers[i]).getBytes(UTF_8);
            System.arraycopy(name, 0, record, 0, name.length);
            previous = log.append(previous, Mac.ZERO, MemorySegment.ofArray(record));
            positions[i] = previous;
        }
        log.flush();
    }

    @Test
    void sortingReadsTheLogAFewTimesAndNotOncePerRecord() throws IOException {
        try (ScanLog closing = log;
                ScanLog.Window left = closing.window();
                ScanLog.Window right = closing.window()) {
            closing.sort(positions, RECORDS, record -> record, left, right);
            for (int i = 0; i < RECORDS; i++) {
                left.seek(positions[i]);
                byte[] name = left.entry().asSlice(0, 8).toArray(ValueLayout.JAVA_BYTE);
                assertThat(new String(name, UTF_8)).isEqualTo("%08d".formatted(i));
            }
            // Each pass halves the runs, and looks at each record twice: to find them, and to merge them.
            int passes = 1 + Integer.numberOfTrailingZeros(Integer.highestOneBit(RECORDS));
            assertThat(left.bytesRead() + right.bytesRead()).isLessThan(4L * passes * log.length());
        }
    }

    @Test
    void whatIsReadFromTheLastToTheFirstIsReadOnce() throws IOException {
        try (ScanLog closing = log;
                ScanLog.Window window = closing.window()) {
            long at = positions[RECORDS - 1];
            for (int i = RECORDS - 1; i >= 0; i--) {
                assertThat(at).isEqualTo(positions[i]);
                window.seek(at);
                at = window.previous();
            }
            assertThat(at).isEqualTo(ScanLog.NONE);
            assertThat(window.bytesRead()).isLessThan(2 * log.length());
        }
    }

    @Test
    void whatIsReadFromTheFirstToTheLastIsReadOnce() throws IOException {
        try (ScanLog closing = log;
                ScanLog.Window window = closing.window()) {
            for (long position : positions) {
                window.seek(position);
            }
            assertThat(window.bytesRead()).isLessThan(2 * log.length());
        }
    }
}
