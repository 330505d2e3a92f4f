// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BlobIndexTest {
    static final int CHUNK = 9;
    static final int OBJECT = 7;

    final PackfileTable packfiles = new PackfileTable();

    BlobIndex newIndex() {
        return new BlobIndex(packfiles);
    }

    @Test
    void agreesWithAMapOverManyBlobsAndGrowth() {
        Random random = new Random(1);
        int packfile = visiblePackfile(mac(random));
        Map<Mac, BlobLocation> model = new HashMap<>();
        try (BlobIndex index = newIndex()) {
            for (int i = 0; i < 50_000; i++) {
                Mac mac = mac(random);
                BlobLocation place = new BlobLocation(packfile, random.nextLong(1L << 40), random.nextLong(1L << 32));
                index.add(CHUNK, mac, place.packfile(), place.offset(), place.length());
                model.put(mac, place);
            }
            assertThat(index.size()).isEqualTo(50_000);
            model.forEach((mac, place) -> assertThat(index.find(CHUNK, mac)).isEqualTo(place));
            assertThat(index.find(OBJECT, model.keySet().iterator().next())).isNull();
            assertThat(index.find(CHUNK, mac(random))).isNull();
            AtomicInteger visited = new AtomicInteger();
            index.forEach((type, mac, holder, offset, length) -> {
                assertThat(model.get(mac)).isEqualTo(new BlobLocation(holder, offset, length));
                visited.incrementAndGet();
            });
            assertThat(visited).hasValue(50_000);
        }
    }

    @Test
    void colouredDeletedAndMissingPackfilesHideTheirBlobs() {
        Random random = new Random(2);
        Mac name = mac(random);
        Mac blob = mac(random);
        try (BlobIndex index = newIndex()) {
            index.add(CHUNK, blob, packfiles.ordinal(name), 1, 2);
            assertThat(index.find(CHUNK, blob))
                    .as("no state announced the packfile")
                    .isNull();
            packfiles.markKnown(name);
            assertThat(index.find(CHUNK, blob)).as("the store does not list it").isNull();
            assertThat(index.findExpected(CHUNK, blob)).isNotNull();
            packfiles.markListed(name);
            assertThat(index.find(CHUNK, blob)).isNotNull();
            packfiles.markColoured(name);
            assertThat(index.contains(CHUNK, blob)).isFalse();
            packfiles.unmarkColoured(name);
            assertThat(index.contains(CHUNK, blob)).isTrue();
            packfiles.markDeleted(name);
            assertThat(index.contains(CHUNK, blob)).isFalse();
            packfiles.markKnown(name);
            assertThat(index.contains(CHUNK, blob)).as("a deletion is for ever").isFalse();
        }
    }

    @Test
    void ofSeveralCopiesTheLowestPackfileNameWinsAmongVisibleOnes() {
        Mac low = new Mac(1, 0, 0, 0);
        Mac high = new Mac(-1, 0, 0, 0);
        Mac blob = mac(new Random(3));
        try (BlobIndex index = newIndex()) {
            int highOrdinal = visiblePackfile(high);
            int lowOrdinal = visiblePackfile(low);
            index.add(CHUNK, blob, highOrdinal, 10, 1);
            index.add(CHUNK, blob, lowOrdinal, 20, 1);
            index.add(CHUNK, blob, lowOrdinal, 30, 1);
            assertThat(index.find(CHUNK, blob)).isEqualTo(new BlobLocation(lowOrdinal, 20, 1));
            packfiles.markColoured(low);
            assertThat(index.find(CHUNK, blob)).isEqualTo(new BlobLocation(highOrdinal, 10, 1));
        }
    }

    @Test
    void onlyOneOfManyThreadsGetsAClaim() throws InterruptedException {
        Random random = new Random(4);
        Mac[] blobs = new Mac[2000];
        for (int i = 0; i < blobs.length; i++) {
            blobs[i] = mac(random);
        }
        AtomicInteger claims = new AtomicInteger();
        try (BlobIndex index = newIndex()) {
            Thread[] threads = new Thread[4];
            for (int i = 0; i < threads.length; i++) {
                threads[i] = new Thread(() -> {
                    for (Mac blob : blobs) {
                        if (index.claim(CHUNK, blob)) {
                            claims.incrementAndGet();
                        }
                    }
                });
                threads[i].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(claims).hasValue(blobs.length);
            assertThat(index.contains(CHUNK, blobs[0])).isTrue();
            assertThat(index.find(CHUNK, blobs[0])).as("claimed, not placed").isNull();
            int packfile = visiblePackfile(mac(random));
            index.add(CHUNK, blobs[0], packfile, 5, 6);
            assertThat(index.find(CHUNK, blobs[0])).isEqualTo(new BlobLocation(packfile, 5, 6));
            assertThat(index.size()).isEqualTo(blobs.length);
        }
    }

    int visiblePackfile(Mac name) {
        packfiles.markKnown(name);
        packfiles.markListed(name);
        return packfiles.ordinal(name);
    }

    static Mac mac(Random random) {
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }
}
