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
    /** By number; the first one is empty. */
    private final List<int[]> sets = new ArrayList<>(List.of(new int[0]));

    private final Map<Members, Integer> numbers = new HashMap<>(Map.of(new Members(new int[0]), 0));
    /** Those that are being built, the outermost first; what is behind them is empty and kept for later. */
    private final List<BitSet> open = new ArrayList<>();

    private int depth;

    /** To be compared by what is in it. */
    private record Members(int[] ordinals) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Members members && Arrays.equals(ordinals, members.ordinals);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ordinals);
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
        BitSet into = open.get(depth - 1);
        for (int packfile : sets.get(number)) {
            into.set(packfile);
        }
    }

    /** Ends the set that was begun last, gives its number, and adds it to the one around it. */
    int end() {
        BitSet ended = open.get(--depth);
        int[] ordinals = new int[ended.cardinality()];
        int at = 0;
        for (int packfile = ended.nextSetBit(0); packfile >= 0; packfile = ended.nextSetBit(packfile + 1)) {
            ordinals[at++] = packfile;
        }
        ended.clear();
        Members members = new Members(ordinals);
        Integer known = numbers.get(members);
        int number;
        if (known == null) {
            number = sets.size();
            sets.add(ordinals);
            numbers.put(members, number);
        } else {
            number = known;
        }
        if (depth > 0) {
            addAll(number);
        }
        return number;
    }

    boolean intersects(int number, BitSet packfiles) {
        return Arrays.stream(sets.get(number)).anyMatch(packfiles::get);
    }
}
