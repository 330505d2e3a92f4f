// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All that holds in memory holds as well where most is in a file. */
class SpillingBlobIndexTest extends BlobIndexTest {
    private static final int MOST_IN_TABLES = 16 * 50;

    @TempDir
    Path folder;

    @Override
    BlobIndex newIndex() {
        BlobIndex index = new BlobIndex(packfiles);
        index.spillTo(folder, MOST_IN_TABLES);
        return index;
    }

    private record Place(int type, Mac mac, int packfile) {}

    /** Copies in several packfiles, the same location again and again, MACs that begin alike, claims, and all of it filled anew. */
    @Test
    void agreesWithATableThatHoldsAll() {
        Random random = new Random(11);
        List<Integer> holders = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            holders.add(visiblePackfile(mac(random)));
        }
        packfiles.markColoured(packfiles.name(holders.get(0)));
        List<Mac> macs = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            macs.add(
                    i % 3 == 0
                            ? mac(random)
                            : new Mac(random.nextInt(300), random.nextInt(2), random.nextInt(3), random.nextLong()));
        }
        try (BlobIndex spilling = newIndex();
                BlobIndex whole = new BlobIndex(packfiles)) {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 6000; i++) {
                    int type = random.nextBoolean() ? CHUNK : OBJECT;
                    Mac mac = macs.get(random.nextInt(macs.size()));
                    if (random.nextInt(20) == 0) {
                        assertThat(spilling.claim(type, mac)).isEqualTo(whole.claim(type, mac));
                    } else {
                        int holder = holders.get(random.nextInt(holders.size()));
                        spilling.add(type, mac, holder, i, round);
                        whole.add(type, mac, holder, i, round);
                    }
                }
                assertThat(spilling.size()).isEqualTo(whole.size());
                spilling.dropClaims();
                whole.dropClaims();
                assertThat(spilling.size()).isEqualTo(whole.size()).isGreaterThan(2 * MOST_IN_TABLES);
                compare(spilling, whole, macs, holders);
            }
            BlobIndex.Kept kept =
                    (type, packfile) -> type == OBJECT && !holders.get(1).equals(packfile);
            spilling.moveToFiles(List.of(), packfiles.size(), () -> {}, kept);
            whole.moveToFiles(List.of(), packfiles.size(), () -> {}, kept);
            assertThat(locations(spilling)).isEqualTo(locations(whole)).hasSizeGreaterThan(1000);
        }
    }

    private static void compare(BlobIndex spilling, BlobIndex whole, List<Mac> macs, List<Integer> holders) {
        boolean isSame = true;
        for (Mac mac : macs) {
            for (int type : new int[] {CHUNK, OBJECT}) {
                isSame &= spilling.contains(type, mac) == whole.contains(type, mac)
                        && Objects.equals(spilling.find(type, mac), whole.find(type, mac))
                        && Objects.equals(spilling.findStored(type, mac), whole.findStored(type, mac));
                for (int holder : holders) {
                    isSame &= Objects.equals(spilling.findIn(type, mac, holder), whole.findIn(type, mac, holder));
                }
            }
        }
        assertThat(isSame).isTrue();
        assertThat(locations(spilling)).isEqualTo(locations(whole));
    }

    private static Map<Place, BlobLocation> locations(BlobIndex index) {
        Map<Place, BlobLocation> all = new HashMap<>();
        index.forEachInTables((type, mac, packfile, offset, length) -> assertThat(
                        all.put(new Place(type, mac, packfile), new BlobLocation(packfile, offset, length)))
                .as("each location once")
                .isNull());
        return all;
    }

    @Test
    void aFolderThatCannotBeWrittenToIsNoError() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        Random random = new Random(12);
        int packfile = visiblePackfile(mac(random));
        Set<Mac> added = new HashSet<>();
        try (BlobIndex index = new BlobIndex(packfiles)) {
            index.spillTo(file, MOST_IN_TABLES);
            for (int i = 0; i < 5000; i++) {
                Mac mac = mac(random);
                added.add(mac);
                index.add(CHUNK, mac, packfile, i, 1);
            }
            assertThat(added).allMatch(mac -> index.contains(CHUNK, mac));
            assertThat(index.size()).isEqualTo(5000);
        }
    }

    @Test
    void leavesNothingInTheFolder() throws IOException {
        Random random = new Random(13);
        int packfile = visiblePackfile(mac(random));
        try (BlobIndex index = newIndex()) {
            for (int i = 0; i < 5000; i++) {
                index.add(CHUNK, mac(random), packfile, i, 1);
            }
            try (Stream<Path> files = Files.list(folder)) {
                assertThat(files).isEmpty();
            }
        }
    }
}
