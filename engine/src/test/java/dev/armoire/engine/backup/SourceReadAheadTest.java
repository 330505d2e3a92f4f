// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import org.junit.jupiter.api.Test;

final class SourceReadAheadTest {
    private static final long FAST = 5_000;
    private static final long SLOW = 200_000;

    private SourceReadAhead readAhead = new SourceReadAhead(false);
    private int asked;
    private boolean isInMemory;

    private void come(int files, int mode) {
        ImportRecord record = new ImportRecord() {
            @Override
            public byte[] path() {
                return new byte[] {'/', 'f'};
            }

            @Override
            public FileInfo info() {
                return new FileInfo(1, mode, 0, 0, 0, 0, 0, 0, 1, "", "", 0);
            }

            @Override
            public boolean readAhead() {
                asked++;
                return !isInMemory;
            }

            @Override
            public Content open() throws IOException {
                throw new IOException("nobody opens it");
            }
        };
        for (int i = 0; i < files; i++) {
            readAhead.coming(record);
        }
    }

    private void take(int times, long bytes, long nanos) {
        for (int i = 0; i < times; i++) {
            readAhead.took(bytes, nanos);
        }
    }

    @Test
    void nothingIsReadAheadWhileNobodyWaits() {
        take(1000, 4096, FAST);
        take(1000, 4 << 20, SLOW); // long, but for what it brought
        come(100, FileMode.fromUnix(0100644));
        assertThat(asked).isZero();
    }

    @Test
    void ofWhatIsFarAwayEachFileIsAskedFor() {
        readAhead = new SourceReadAhead(true);
        come(100, FileMode.fromUnix(0100644));
        come(100, FileMode.fromUnix(0040755));
        isInMemory = true; // so are files that are too large for this
        come(100, FileMode.fromUnix(0100644));
        isInMemory = false;
        come(100, FileMode.fromUnix(0100644));
        assertThat(asked).isEqualTo(300);
    }

    @Test
    void onceWorkersHaveWaitedFilesAreReadAheadUntilTheyAreInMemory() {
        take(8, 4096, SLOW);
        come(500, FileMode.fromUnix(0100644));
        assertThat(asked).isEqualTo(500);
        come(100, FileMode.fromUnix(0040755));
        assertThat(asked).as("directories have no content").isEqualTo(500);
        isInMemory = true;
        come(1000, FileMode.fromUnix(0100644));
        assertThat(asked - 500)
                .as("what it takes to see that nothing comes of it")
                .isBetween(64, 128);
        int before = asked;
        take(15, 4096, SLOW);
        come(1, FileMode.fromUnix(0100644));
        assertThat(asked).as("it was in vain last time").isEqualTo(before);
        take(1, 4096, SLOW);
        isInMemory = false;
        come(64, FileMode.fromUnix(0100644));
        assertThat(asked)
                .as("another part of the source may be on the medium again")
                .isEqualTo(before + 64);
        isInMemory = true;
        come(64, FileMode.fromUnix(0100644));
        take(16, 4096, SLOW);
        come(1, FileMode.fromUnix(0100644));
        assertThat(asked).as("and so it was").isEqualTo(before + 129);
    }

    @Test
    void whatIsInVainAgainAndAgainIsTriedLessAndLessButNeverGivenUp() {
        isInMemory = true;
        for (int i = 0; i < 1000; i++) {
            take(8, 4096, SLOW);
            come(64, FileMode.fromUnix(0100644));
        }
        assertThat(asked).isBetween(30 * 64, 40 * 64);
        isInMemory = false;
        take(256, 4096, SLOW);
        int before = asked;
        come(10_000, FileMode.fromUnix(0100644));
        assertThat(asked - before).isEqualTo(10_000);
    }
}
