// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.crypto.Mac;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.PackfileTable;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Look-ups in the index of blobs, known and unknown, and additions to it, next to a map on the heap. */
public class BlobIndexBenchmark extends Suite {
    private static final int CHUNK = 1;

    /** Which blobs there are. MACs are uniform, so a counter through a mixing function stands in for them. */
    @State(Scope.Thread)
    public static class Entries {
        /** Blobs in the index. */
        @Param({"10000", "1000000", "10000000"})
        public int entries;

        private final SplittableRandom random = new SplittableRandom(12);

        Mac known() {
            return mac(random.nextInt(entries));
        }

        Mac unknown() {
            return mac(-1L - random.nextInt(entries));
        }

        static Mac mac(long number) {
            return new Mac(mix(4 * number), mix(4 * number + 1), mix(4 * number + 2), mix(4 * number + 3));
        }

        /** The finaliser of SplitMix64. */
        private static long mix(long word) {
            long mixed = (word ^ word >>> 30) * 0xbf58476d1ce4e5b9L;
            mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
            return mixed ^ mixed >>> 31;
        }
    }

    /** The index, full. Owns it. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private BlobIndex index;

        /** Fills the index and looks up some of it. */
        @Setup
        public void prepare(Entries entries) {
            index = newIndex();
            index.packfiles().markKnown(Mac.ZERO);
            index.packfiles().markListed(Mac.ZERO);
            int packfile = index.packfiles().ordinal(Mac.ZERO);
            for (int i = 0; i < entries.entries; i++) {
                index.add(CHUNK, Entries.mac(i), packfile, i, 1);
            }
            for (int i = 0; i < entries.entries; i += 1 + entries.entries / 1000) {
                BlobLocation found = index.find(CHUNK, Entries.mac(i));
                check(found != null && found.offset() == i, "blob " + i + " is not where it was put");
            }
            check(index.find(CHUNK, entries.unknown()) == null, "a blob that was never added is in the index");
        }

        /** Frees the index. */
        @TearDown
        public void close() {
            index.close();
        }
    }

    /** An index that grows from nothing, again and again. Owns it. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Growing {
        private BlobIndex index;
        private int next;

        /** Starts with nothing. */
        @Setup
        public void prepare() {
            index = newIndex();
        }

        /** Frees the index. */
        @TearDown
        public void close() {
            index.close();
        }
    }

    /** The map on the heap. */
    @State(Scope.Thread)
    public static class Judge {
        private final Map<Mac, BlobLocation> map = new HashMap<>();

        /** Fills the map. */
        @Setup
        public void prepare(Entries entries) {
            for (int i = 0; i < entries.entries; i++) {
                map.put(Entries.mac(i), new BlobLocation(0, i, 1));
            }
        }
    }

    /** A blob that is there. */
    @Benchmark
    public @Nullable BlobLocation find(Entries entries, Ours ours) {
        return ours.index.find(CHUNK, entries.known());
    }

    /** A blob that is not there, as most are in a first backup. */
    @Benchmark
    public boolean missUnknown(Entries entries, Ours ours) {
        return ours.index.contains(CHUNK, entries.unknown());
    }

    /** One more blob; the index starts again when it has all entries. */
    @Benchmark
    public void add(Entries entries, Growing growing) {
        if (growing.next == entries.entries) {
            growing.close();
            growing.prepare();
            growing.next = 0;
        }
        growing.index.add(CHUNK, Entries.mac(growing.next++), 0, 0, 1);
    }

    /** What a user would pick instead: an object for each key and each value. */
    @Benchmark
    public @Nullable BlobLocation findByHashMap(Entries entries, Judge judge) {
        return judge.map.get(entries.known());
    }

    private static BlobIndex newIndex() {
        return new BlobIndex(new PackfileTable());
    }
}
