// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SmallFilesAheadTest {
    private static final int MIB = (1 << 20) - 1;
    private static final int LARGE = (64 << 10) - 1;

    private final SmallFilesAhead ahead = new SmallFilesAhead(8);
    private final AtomicInteger opened = new AtomicInteger();

    @AfterEach
    void close() {
        ahead.close();
    }

    /** A file of so many bytes, all of one value. */
    private final class Source implements ImportRecord.Content {
        private final int value;
        private int left;

        Source(int size, int value) {
            this.left = size;
            this.value = value;
            opened.incrementAndGet();
        }

        @Override
        public long read(MemorySegment into) {
            int count = (int) Math.min(left, into.byteSize());
            into.asSlice(0, count).fill((byte) value);
            left -= count;
            return count;
        }

        @Override
        public ImportRecord.Version version() {
            return new ImportRecord.Version(left, value, 0);
        }

        @Override
        public void close() {
            left = 0;
        }
    }

    private SmallFilesAhead.File read(int size, SmallFilesAhead.Opener opener) {
        return Objects.requireNonNull(ahead.read(size, opener));
    }

    private static byte[] contentOf(ImportRecord.Content content) throws IOException {
        byte[] bytes = new byte[100_000];
        try (content) {
            int count = (int) content.read(MemorySegment.ofArray(bytes).asSlice(0, 7));
            if (count == 7) {
                count += (int) content.read(MemorySegment.ofArray(bytes).asSlice(7));
            }
            return Arrays.copyOf(bytes, count);
        }
    }

    private static byte[] bytes(int size, int value) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /** As a server may say it: as a number of 32 bits each of these looks like a size. */
    @Test
    void aSizeThatCannotBeIsNotBelieved() {
        for (long size : new long[] {-1, -5, Long.MIN_VALUE, Long.MIN_VALUE + 1000, 1L << 32}) {
            assertThat(ahead.read(size, () -> new Source(1, 1))).isNull();
        }
    }

    @Test
    void manyAreReadAtOnce() throws IOException, InterruptedException {
        CountDownLatch others = new CountDownLatch(8);
        List<SmallFilesAhead.File> files = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int value = i;
            files.add(read(1000, () -> {
                others.countDown();
                try {
                    assertThat(others.await(30, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                return new Source(1000, value);
            }));
        }
        assertThat(others.await(30, TimeUnit.SECONDS)).isTrue();
        for (int i = 0; i < 8; i++) {
            ImportRecord.Content content = files.get(i).open();
            assertThat(content.version()).isEqualTo(new ImportRecord.Version(0, i, 0));
            assertThat(contentOf(content)).isEqualTo(bytes(1000, i));
        }
    }

    /** So are those of a MiB, as far as there is room. */
    @Test
    void largerOnesAreReadAtOnceAsWell() throws IOException, InterruptedException {
        CountDownLatch others = new CountDownLatch(8);
        List<SmallFilesAhead.File> files = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            int value = i;
            files.add(read(MIB, () -> {
                others.countDown();
                try {
                    assertThat(others.await(30, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                return new Source(MIB, value);
            }));
        }
        while (opened.get() < 16) {
            Thread.sleep(5);
        }
        Thread.sleep(100);
        assertThat(opened).as("as much as there is room for").hasValue(16);
        for (int i = 0; i < files.size(); i++) {
            assertThat(contentOf(files.get(i).open())).isEqualTo(bytes(100_000, i));
        }
        assertThat(opened).hasValue(100);
    }

    /** However many there are, and in whatever order they are wanted. */
    @Test
    void whatNobodyTakesIsLittle() throws IOException, InterruptedException {
        List<SmallFilesAhead.File> files = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            int value = i;
            files.add(read(LARGE, () -> new Source(LARGE, value)));
        }
        while (opened.get() < 200) {
            Thread.sleep(5);
        }
        Thread.sleep(100);
        assertThat(opened.get()).isLessThanOrEqualTo(256);
        for (int i = files.size() - 1; i >= 0; i--) {
            assertThat(contentOf(files.get(i).open())).isEqualTo(bytes(LARGE, i));
        }
        assertThat(opened).as("each is read once").hasValue(600);
    }

    @Test
    void whoTakesThemInTurnWaitsForNone() throws IOException {
        List<SmallFilesAhead.File> files = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            int value = i;
            files.add(read(LARGE, () -> new Source(LARGE, value)));
        }
        for (int i = 0; i < files.size(); i++) {
            assertThat(contentOf(files.get(i).open())).isEqualTo(bytes(LARGE, i));
        }
        assertThat(opened).hasValue(600);
    }

    @Test
    void whatFailsIsTriedAgainByWhoeverOpensIt() throws IOException {
        AtomicInteger tries = new AtomicInteger();
        SmallFilesAhead.File late = read(10, () -> {
            if (tries.incrementAndGet() == 1) {
                throw new IOException("too early");
            }
            return new Source(10, 3);
        });
        SmallFilesAhead.File never = read(10, () -> {
            throw new IOException("gone");
        });
        while (tries.get() == 0) {
            Thread.onSpinWait();
        }
        assertThat(contentOf(late.open())).isEqualTo(bytes(10, 3));
        assertThatThrownBy(never::open).isInstanceOf(IOException.class).hasMessage("gone");
    }

    @Test
    void whatHasGrownIsReadInFull() throws IOException {
        SmallFilesAhead.File grown = read(10, () -> new Source(5000, 4));
        assertThat(contentOf(grown.open())).isEqualTo(bytes(5000, 4));
        SmallFilesAhead.File shrunk = read(10, () -> new Source(2, 4));
        assertThat(contentOf(shrunk.open())).isEqualTo(bytes(2, 4));
        SmallFilesAhead.File empty = read(0, () -> new Source(0, 4));
        assertThat(contentOf(empty.open())).isEmpty();
    }

    @Test
    void largeOnesAndThoseAfterTheEndAreNotRead() {
        assertThat(ahead.read(4 << 20, () -> new Source(1, 1))).isNull();
        ahead.close();
        assertThat(ahead.read(1, () -> new Source(1, 1))).isNull();
        assertThat(opened).hasValue(0);
    }
}
