// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Blake3Pieces;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the order in which chunks come, and whatever room there is for those that wait. */
final class JoinedContentsTest {
    private static final int CHUNKS = 60;

    @TempDir
    Path folder;

    private Repository repository;
    private final Map<Mac, byte[]> chunks = new HashMap<>();
    private final List<Mac> order = new ArrayList<>();
    private final List<Mac> read = new ArrayList<>();
    private final Set<Mac> lost = new HashSet<>();

    private final BlobSource source = (type, mac) -> {
        assertThat(type).isEqualTo(ResourceType.CHUNK);
        if (lost.contains(mac)) {
            throw new CorruptDataException("lost");
        }
        read.add(mac);
        return MemorySegment.ofArray(chunks.get(mac));
    };

    @BeforeEach
    void open() throws IOException {
        repository = TestStores.open(TestStores.create(folder.resolve("store")));
        Random random = new Random(4);
        MacHasher hasher = repository.keys().newMacHasher();
        for (int i = 0; i < CHUNKS; i++) {
            byte[] chunk = new byte[random.nextInt(4) == 0 ? 1024 : 1 + random.nextInt(5000)];
            random.nextBytes(chunk);
            Mac mac = hasher.mac(MemorySegment.ofArray(chunk));
            chunks.put(mac, chunk);
            order.add(mac);
        }
    }

    @AfterEach
    void close() throws IOException {
        repository.close();
    }

    private ObjectRecord record(List<Mac> macs, boolean isRight) {
        MacHasher hasher = repository.keys().newMacHasher();
        List<ObjectRecord.Chunk> list = new ArrayList<>();
        for (Mac mac : macs) {
            byte[] chunk = chunks.get(mac);
            hasher.update(MemorySegment.ofArray(chunk));
            list.add(new ObjectRecord.Chunk(mac, chunk.length, 1));
        }
        if (!isRight) {
            hasher.update(MemorySegment.ofArray(new byte[1]));
        }
        return new ObjectRecord(hasher.finish(), list, "", 1);
    }

    private void take(JoinedContents joined, Mac mac) {
        joined.take(mac, MemorySegment.ofArray(chunks.get(mac)), hasher(), () -> false);
    }

    private Blake3Pieces hasher() {
        return Objects.requireNonNull(repository.keys().newPieceHasher());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void inWhateverOrderNothingIsReadAgain(int order) {
        List<Mac> given = new ArrayList<>(order == 1 ? this.order.reversed() : this.order);
        if (order == 2) {
            Collections.shuffle(given, new Random(5));
        }
        List<Mac> version = new ArrayList<>(this.order);
        version.remove(7);
        try (MacSet good = new MacSet();
                JoinedContents joined = new JoinedContents(good, repository.newMacSet(true))) {
            joined.add(new Mac(1, 0, 0, 0), record(this.order, true));
            joined.add(new Mac(2, 0, 0, 0), record(version, true));
            joined.add(new Mac(2, 0, 0, 0), record(version, true));
            given.forEach(mac -> take(joined, mac));
            assertThat(good.contains(ResourceType.OBJECT, new Mac(1, 0, 0, 0))).isTrue();
            assertThat(good.contains(ResourceType.OBJECT, new Mac(2, 0, 0, 0))).isTrue();
            assertThat(joined.unfinished()).isEmpty();
            assertThat(read).isEmpty();
        }
    }

    @Test
    void onlyWhatCameTooEarlyIsReadAgain() {
        try (MacSet good = new MacSet();
                JoinedContents joined = new JoinedContents(good, repository.newMacSet(true))) {
            order.subList(0, 20).forEach(mac -> take(joined, mac));
            joined.add(new Mac(1, 0, 0, 0), record(order, true));
            order.subList(20, CHUNKS).forEach(mac -> take(joined, mac));
            joined.unfinished().forEach(content -> content.complete(source, hasher(), () -> false));
            assertThat(good.contains(ResourceType.OBJECT, new Mac(1, 0, 0, 0))).isTrue();
            assertThat(read).isEqualTo(order.subList(0, 20));
        }
    }

    /** One after the other needs no gaps, with whatever of other contents is there. */
    @Test
    void withoutRoomForGapsThoseWithoutAreStillWorkedOut() {
        try (MacSet good = new MacSet();
                JoinedContents joined = new JoinedContents(good, repository.newMacSet(true), 1)) {
            joined.add(new Mac(1, 0, 0, 0), record(order, true));
            joined.add(new Mac(2, 0, 0, 0), record(order.reversed(), true));
            order.forEach(mac -> take(joined, mac));
            assertThat(joined.unfinished()).isEmpty();
            assertThat(good.contains(ResourceType.OBJECT, new Mac(1, 0, 0, 0))
                            ^ good.contains(ResourceType.OBJECT, new Mac(2, 0, 0, 0)))
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 1000})
    void exactlyTheWellOnesAreSaidToBeSo(int maxPieces) {
        Random random = new Random(maxPieces);
        for (int round = 0; round < 60; round++) {
            lost.clear();
            Set<Integer> wanted = new TreeSet<>();
            Set<Integer> found = new TreeSet<>();
            try (MacSet good = new MacSet();
                    JoinedContents joined = new JoinedContents(good, repository.newMacSet(true), maxPieces)) {
                if (round % 3 == 0) {
                    lost.add(order.get(random.nextInt(CHUNKS)));
                }
                for (int content = 1; content <= 8; content++) {
                    List<Mac> macs = new ArrayList<>();
                    int count = 2 + random.nextInt(30);
                    int from = random.nextInt(CHUNKS);
                    for (int i = 0; i < count; i++) { // some of them often, some of several contents, some in a row
                        macs.add(order.get(random.nextInt(4) == 0 ? from : (from + i) % CHUNKS));
                    }
                    boolean isRight = random.nextInt(4) != 0;
                    joined.add(new Mac(content, 0, 0, 0), record(macs, isRight));
                    if (isRight && Collections.disjoint(macs, lost)) {
                        wanted.add(content);
                    }
                }
                List<Mac> shuffled = new ArrayList<>(order);
                if (round % 2 == 0) {
                    Collections.shuffle(shuffled, random);
                }
                shuffled.removeAll(lost);
                shuffled.forEach(mac -> take(joined, mac));
                joined.unfinished().forEach(content -> content.complete(source, hasher(), () -> false));
                assertThat(joined.unfinished()).isEmpty();
                for (int content = 1; content <= 8; content++) {
                    if (good.contains(ResourceType.OBJECT, new Mac(content, 0, 0, 0))) {
                        found.add(content);
                    }
                }
            }
            if (maxPieces > CHUNKS) {
                assertThat(found).as("round %d", round).isEqualTo(wanted);
            } else {
                assertThat(wanted).as("round %d", round).containsAll(found);
            }
        }
    }

    @Test
    void aChunkOfAnotherLengthIsNoneOfIt() {
        ObjectRecord right = record(order, true);
        List<ObjectRecord.Chunk> list = new ArrayList<>(right.chunks());
        list.set(3, new ObjectRecord.Chunk(list.get(3).mac(), list.get(3).length() + 1, 1));
        try (MacSet good = new MacSet();
                JoinedContents joined = new JoinedContents(good, repository.newMacSet(true))) {
            joined.add(new Mac(1, 0, 0, 0), new ObjectRecord(right.contentMac(), list, "", 1));
            order.forEach(mac -> take(joined, mac));
            assertThat(joined.unfinished()).isEmpty();
            assertThat(good.contains(ResourceType.OBJECT, new Mac(1, 0, 0, 0))).isFalse();
        }
    }

    @Test
    void whoIsStoppedStops() {
        try (MacSet good = new MacSet();
                JoinedContents joined = new JoinedContents(good, repository.newMacSet(true))) {
            joined.add(new Mac(1, 0, 0, 0), record(order, true));
            JoinedContents.Content content = joined.unfinished().getFirst();
            assertThatThrownBy(() -> content.complete(source, hasher(), () -> true))
                    .isInstanceOf(PipelineAbortedException.class);
            content.complete(source, hasher(), () -> false);
            assertThat(good.contains(ResourceType.OBJECT, new Mac(1, 0, 0, 0))).isTrue();
        }
    }
}
