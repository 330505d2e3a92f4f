// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What was written is found, in every process; what is damaged is never believed. */
@ParameterizedClass
@ValueSource(booleans = {true, false})
class LocationFileTest {
    private static final int ENTRIES = 20_000;
    private static final int PACKFILES = 50;

    /** Or a map. */
    @Parameter
    boolean isTable;

    @TempDir
    Path folder;

    private static Mac mac(long number) {
        Random random = new Random(number);
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private static BlobLocation location(int number) {
        Random random = new Random(-1 - number);
        return new BlobLocation(
                random.nextInt(PACKFILES), random.nextLong(LocationFile.OFFSET_LIMIT), random.nextLong(1L << 32));
    }

    private Path write(String name, int from, int to) throws IOException {
        Path file = folder.resolve(name);
        write(file, to - from, List.of(), target -> {
            for (int i = from; i < to; i++) {
                BlobLocation place = location(i);
                target.location(1 + i % 3, mac(i), place.packfile(), place.offset(), place.length());
            }
        });
        return file;
    }

    private void write(Path file, int entries, List<Path> older, Consumer<BlobIndex.Visitor> source)
            throws IOException {
        LocationRuns.write(file, entries, older, isTable, (target, atOnce) -> {
            assertThat(atOnce).isNotEqualTo(isTable);
            source.accept(target);
        });
        assertThat(LocationTable.isTable(file)).isEqualTo(isTable);
    }

    private static List<BlobLocation> find(LocationFile map, int type, Mac mac) {
        List<BlobLocation> found = new ArrayList<>();
        map.find(type, mac, (packfile, offset, length) -> found.add(new BlobLocation(packfile, offset, length)));
        return found;
    }

    private static void assertHolds(LocationFile map, int from, int to) {
        for (int i = from; i < to; i++) {
            assertThat(find(map, 1 + i % 3, mac(i))).containsExactly(location(i));
        }
    }

    @Test
    void whatWasWrittenIsFoundAndNothingElse() throws IOException {
        Path file = write("map", 0, ENTRIES);
        assertThat(Files.size(file) / (double) ENTRIES).isLessThanOrEqualTo(64);
        try (LocationFile map = LocationFile.open(file)) {
            assertThat(map.size()).isEqualTo(ENTRIES);
            assertHolds(map, 0, ENTRIES);
            for (int i = 0; i < 1000; i++) {
                assertThat(find(map, 1 + (i + 1) % 3, mac(i))).isEmpty();
                assertThat(find(map, 1, mac(ENTRIES + i))).isEmpty();
            }
        }
    }

    @Test
    void severalCopiesOfABlob() throws IOException {
        Path file = folder.resolve("map");
        write(file, 10, List.of(), target -> {
            target.location(1, mac(1), 7, 1, 10);
            target.location(1, mac(1), 3, 2, 10);
            target.location(1, mac(1), 7, 9, 99);
            target.location(1, mac(1), 5, 3, 10);
            target.location(255, mac(1), 4, (1L << 40) - 1, (1L << 32) - 1);
        });
        try (LocationFile map = LocationFile.open(file)) {
            assertThat(find(map, 1, mac(1)))
                    .containsExactly(
                            new BlobLocation(7, 1, 10), new BlobLocation(3, 2, 10), new BlobLocation(5, 3, 10));
            assertThat(find(map, 255, mac(1))).containsExactly(new BlobLocation(4, (1L << 40) - 1, (1L << 32) - 1));
        }
    }

    @Test
    void olderFilesAreMerged() throws IOException {
        Path first = write("first", 0, 3000);
        Path second = write("second", 2000, 5000);
        Path merged = folder.resolve("merged");
        write(merged, 1, List.of(first, second), target -> target.location(9, mac(-1), 1, 2, 3));
        try (LocationFile map = LocationFile.open(merged)) {
            assertThat(map.size()).isEqualTo(5001);
            assertHolds(map, 0, 5000);
            assertThat(find(map, 9, mac(-1))).containsExactly(new BlobLocation(1, 2, 3));
        }
    }

    /** Nothing is found that was not written, whatever byte is wrong; and a wrong byte outside of a lock is noticed. */
    @Test
    void aFlippedByteIsNeverBelieved() throws IOException {
        Path whole = write("whole", 0, 3000);
        Random random = new Random(5);
        for (int round = 0; round < 90; round++) {
            Path file = copy(whole, "damaged" + round);
            boolean inSums = round % 3 == 0 && !isTable;
            Path target = inSums ? folder.resolve("damaged" + round + ".sums") : file;
            long at = round % 6 == 1 ? random.nextLong(20_000) : random.nextLong(Files.size(target));
            flip(target, at, 1 + random.nextInt(255));
            assertNothingWrongIsFound(file, round + ": byte " + at);
        }
    }

    /** Returns whether anything was noticed. */
    private boolean assertNothingWrongIsFound(Path file, String what) {
        boolean isNoticed = false;
        try (LocationFile map = LocationFile.open(file)) {
            for (int i = 0; i < 3000; i += 7) {
                try {
                    assertThat(find(map, 1 + i % 3, mac(i))).as(what).containsExactly(location(i));
                    assertThat(find(map, 1, mac(-2 - i))).as(what).isEmpty();
                } catch (DamagedIndexException e) {
                    isNoticed = true;
                }
            }
        } catch (DamagedIndexException e) {
            return true; // when it was opened
        }
        return isNoticed;
    }

    /** A disk that lost power keeps some sectors, and of others what was there before: nothing, or something else. */
    @Test
    void sectorsThatWereNotWrittenAreNoticed() throws IOException {
        Path whole = write("whole", 0, 3000);
        Random random = new Random(6);
        int noticed = 0;
        for (int round = 0; round < 40; round++) {
            byte[] bytes = Files.readAllBytes(whole);
            byte[] before = new byte[512];
            for (int at = 0; at < bytes.length; at += before.length) {
                if (random.nextInt(50) == 0) {
                    if (round % 2 == 0) {
                        random.nextBytes(before);
                    }
                    System.arraycopy(before, 0, bytes, at, Math.min(before.length, bytes.length - at));
                }
            }
            Path file = copy(whole, "torn" + round);
            Files.write(file, bytes);
            noticed += assertNothingWrongIsFound(file, "round " + round) ? 1 : 0;
        }
        assertThat(noticed).isGreaterThan(38);
    }

    @Test
    void aFileCutShortIsNotOpened() throws IOException {
        Path whole = write("whole", 0, 3000);
        for (long length : new long[] {0, 1, 60, 4096, Files.size(whole) - 1}) {
            Path file = copy(whole, "cut" + length);
            truncate(file, length);
            assertThatThrownBy(() -> LocationFile.open(file)).isInstanceOf(DamagedIndexException.class);
            if (!isTable) {
                Path other = copy(whole, "sums" + length);
                truncate(folder.resolve("sums" + length + ".sums"), Math.min(length, 70));
                assertThatThrownBy(() -> LocationFile.open(other)).isInstanceOf(DamagedIndexException.class);
            }
        }
        assertThatThrownBy(() -> LocationFile.open(folder.resolve("nowhere")))
                .isInstanceOf(DamagedIndexException.class);
    }

    @Test
    void aLockLeftByADeadProcessOnlyCostsTime() throws IOException {
        assumeThat(isTable).as("has locks").isFalse();
        Path file = write("map", 0, 1000);
        long headersAt;
        try (FileChannel sums = FileChannel.open(folder.resolve("map.sums"))) {
            ByteBuffer word = ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            sums.read(word, 16);
            headersAt = word.getLong(0);
        }
        flip(file, headersAt + 3, 0x80); // write-locked
        try (LocationFile map = LocationFile.open(file)) {
            assertThatThrownBy(() -> find(map, 1, mac(0))).isInstanceOf(DamagedIndexException.class);
        }
    }

    @Test
    void twoProcessesReadOneFile() throws Exception {
        Path file = write("map", 0, ENTRIES);
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--sun-misc-unsafe-memory-access=allow",
                        "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--add-opens=java.base/java.lang=ALL-UNNAMED",
                        "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                        "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                        "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        OtherProcess.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        try (LocationFile map = LocationFile.open(file)) {
            do {
                assertHolds(map, 0, ENTRIES);
            } while (other.isAlive());
        } finally {
            other.waitFor(60, TimeUnit.SECONDS);
        }
        assertThat(new String(other.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(other.exitValue()).isZero();
    }

    /** Reads all of a file, as another process does. */
    static final class OtherProcess {
        public static void main(String[] arguments) {
            try (LocationFile map = LocationFile.open(Path.of(arguments[0]))) {
                for (int i = 0; i < ENTRIES; i++) {
                    if (!find(map, 1 + i % 3, mac(i)).equals(List.of(location(i)))) {
                        throw new AssertionError("entry " + i);
                    }
                }
            }
        }
    }

    private Path copy(Path file, String name) throws IOException {
        if (!isTable) {
            Files.copy(
                    file.resolveSibling(file.getFileName() + ".sums"),
                    folder.resolve(name + ".sums"),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        return Files.copy(file, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    private static void truncate(Path file, long length) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(length);
        }
    }

    private static void flip(Path file, long at, int mask) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, at);
            one.put(0, (byte) (one.get(0) ^ mask)).flip();
            channel.write(one, at);
        }
    }
}
