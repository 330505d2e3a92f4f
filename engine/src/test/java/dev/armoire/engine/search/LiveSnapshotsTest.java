// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is remembered of which snapshots there are is believed only when nothing can have changed. */
class LiveSnapshotsTest {
    private static final long SEED = 20261129;

    @TempDir
    Path temporary;

    private final Random random = new Random(SEED);

    private List<Mac> macs(int count) {
        List<Mac> macs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            macs.add(new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong()));
        }
        return macs;
    }

    private Repository open(String name, boolean isEncrypted) throws IOException {
        return TestStores.open(
                TestStores.create(temporary.resolve(name), Hashing.BLAKE3, Compression.LZ4, isEncrypted));
    }

    private LiveSnapshots of(Repository repository) {
        return new LiveSnapshots(temporary.resolve("live"), repository.config().repositoryIdBytes(), repository.keys());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 1000})
    void whatWasWrittenIsReadInItsOrder(int count) throws IOException {
        try (Repository repository = open("store", true)) {
            List<Mac> states = macs(3);
            List<Mac> snapshots = macs(count);
            of(repository).write(states, snapshots);
            assertThat(of(repository).read(states)).isEqualTo(snapshots);
            assertThat(of(repository).read(states.reversed())).isEqualTo(snapshots);
        }
    }

    @Test
    void otherStatesMakeItWorthless() throws IOException {
        try (Repository repository = open("store", true)) {
            List<Mac> states = macs(3);
            of(repository).write(states, macs(2));
            List<Mac> more = new ArrayList<>(states);
            more.addAll(macs(1));
            List<Mac> others = new ArrayList<>(states.subList(0, 2));
            others.addAll(macs(1));
            assertThat(of(repository).read(more)).isNull();
            assertThat(of(repository).read(others)).isNull();
            assertThat(of(repository).read(states.subList(0, 2))).isNull();
            assertThat(of(repository).read(List.of())).isNull();
        }
    }

    @Test
    void aByteThatIsWrongMakesItWorthless() throws IOException {
        try (Repository repository = open("store", true)) {
            List<Mac> states = macs(2);
            List<Mac> snapshots = macs(3);
            of(repository).write(states, snapshots);
            Path file = temporary.resolve("live");
            byte[] right = Files.readAllBytes(file);
            for (int at = 0; at < right.length; at++) {
                byte[] wrong = right.clone();
                wrong[at] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, wrong);
                assertThat(of(repository).read(states))
                        .as("seed %d, byte %d", SEED, at)
                        .isNull();
            }
            for (int length : new int[] {0, 1, right.length - Mac.BYTES, right.length - 1, right.length + Mac.BYTES}) {
                Files.write(file, Arrays.copyOf(right, length));
                assertThat(of(repository).read(states)).as("%d bytes", length).isNull();
            }
            Files.write(file, right);
            assertThat(of(repository).read(states)).isEqualTo(snapshots);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void thatOfAnotherStoreIsNotTaken(boolean isEncrypted) throws IOException {
        try (Repository one = open("one", isEncrypted);
                Repository other = open("other", isEncrypted)) {
            List<Mac> states = macs(2);
            of(one).write(states, macs(2));
            assertThat(of(other).read(states)).isNull();
        }
    }

    @Test
    void whereNothingCanBeWrittenNothingIsKnown() throws IOException {
        try (Repository repository = open("store", false)) {
            List<Mac> states = macs(1);
            assertThat(of(repository).read(states)).isNull();
            Files.createDirectory(temporary.resolve("live"));
            Files.createFile(temporary.resolve("live/in-the-way"));
            assertThatCode(() -> of(repository).write(states, macs(1))).doesNotThrowAnyException();
            assertThat(of(repository).read(states)).isNull();
        }
    }
}
