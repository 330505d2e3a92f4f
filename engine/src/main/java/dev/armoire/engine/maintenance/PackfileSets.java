// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Sets of packfiles, each kept once and known by a number: the parts of a snapshot need the same few again and again. Sets are
 * built one inside of another, as a walk goes through what blobs refer to. For one thread.
 */
final class PackfileSets {
    private static final Members NONE = new Members(0, new long[0]);

    /** By number; the first one is empty. */
    private final List<Members> sets = new ArrayList<>(List.of(NONE));

    private final Map<Members, Integer> numbers = new HashMap<>(Map.of(NONE, 0));
    /** Those that are being built, the outermost first; what is behind them is empty and kept for later. */
    private final List<BitSet> open = new ArrayList<>();

    private int depth;

    /**
     * One bit for each packfile from the first to the last one: what is near the root of each of many snapshots may need
     * thousands.
     *
     * @param first ordinal of the first bit, a multiple of 64
     */
    private record Members(int first, long[] words) {
        static Members of(BitSet set) {
            if (set.isEmpty()) {
                return NONE;
            }
            long[] words = set.toLongArray();
            int from = set.nextSetBit(0) / Long.SIZE;
            return new Members(from * Long.SIZE, Arrays.copyOfRange(words, from, words.length));
        }

        void addTo(BitSet set) {
            for (int i = 0; i < words.length; i++) {
                for (long left = words[i]; left != 0; left &= left - 1) {
                    set.set(first + i * Long.SIZE + Long.numberOfTrailingZeros(left));
                }
            }
        }

        boolean intersects(BitSet others) {
            BitSet mine = new BitSet();
            addTo(mine);
            return mine.intersects(others);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Members members && first == members.first && Arrays.equals(words, members.words);
        }

        @Override
        public int hashCode() {
            return 31 * first + Arrays.hashCode(words);
        }
    }

    /** Begins a set inside of the one that is being built. */
    void begin() {
        if (depth == open.size()) {
            open.add(new BitSet());
        }
        depth++;
    }

    void add(int packfile) {
        open.get(depth - 1).set(packfile);
    }

    /** Adds all of another set. */
    void addAll(int number) {
        sets.get(number).addTo(open.get(depth - 1));
    }

    /** Ends the set that was begun last, gives its number, and adds it to the one around it. */
    int end() {
        BitSet ended = open.get(--depth);
        Members members = Members.of(ended);
        ended.clear();
        Integer known = numbers.putIfAbsent(members, sets.size());
        if (known == null) {
            known = sets.size();
            sets.add(members);
        }
        if (depth > 0) {
            addAll(known);
        }
        return known;
    }

    boolean intersects(int number, BitSet packfiles) {
        return sets.get(number).intersects(packfiles);
    }
}
