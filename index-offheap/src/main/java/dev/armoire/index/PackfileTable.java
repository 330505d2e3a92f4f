// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The packfiles that states speak of, by ordinal. One per 64 MiB of data, so the heap can hold them. Thread-safe.
 *
 * <p>A packfile's blobs are visible when a state has announced it, no state has deleted it (a deletion is for ever, format
 * 1 §10.4), it is not coloured, and the store lists it.
 */
public final class PackfileTable {
    private static final int KNOWN = 1;
    private static final int DELETED = 2;
    private static final int COLOURED = 4;
    private static final int LISTED = 8;

    private final List<Mac> names = new ArrayList<>();
    private final Map<Mac, Integer> ordinals = new HashMap<>();
    private byte[] flags = new byte[64];

    /** The ordinal of a packfile, new if it was never named before. */
    public synchronized int ordinal(Mac name) {
        Integer known = ordinals.get(name);
        if (known != null) {
            return known;
        }
        int ordinal = names.size();
        names.add(name);
        ordinals.put(name, ordinal);
        if (ordinal == flags.length) {
            flags = java.util.Arrays.copyOf(flags, flags.length * 2);
        }
        return ordinal;
    }

    /** Adds one with what is for ever in what states say of it. */
    public synchronized void add(Mac name, boolean isKnown, boolean isDeleted) {
        mark(name, (isKnown ? KNOWN : 0) | (isDeleted ? DELETED : 0));
    }

    public synchronized Mac name(int ordinal) {
        return names.get(ordinal);
    }

    public synchronized int size() {
        return names.size();
    }

    public void markKnown(Mac name) {
        mark(name, KNOWN);
    }

    public void markDeleted(Mac name) {
        mark(name, DELETED);
    }

    public void markColoured(Mac name) {
        mark(name, COLOURED);
    }

    public void markListed(Mac name) {
        mark(name, LISTED);
    }

    public synchronized void unmarkColoured(Mac name) {
        flags[ordinal(name)] &= ~COLOURED;
    }

    private synchronized void mark(Mac name, int flag) {
        int ordinal = ordinal(name); // before the array is looked at, which this may replace
        flags[ordinal] |= (byte) flag;
    }

    /** Whether states announced it. */
    public synchronized boolean isKnown(int ordinal) {
        return (flags[ordinal] & KNOWN) != 0;
    }

    /** Whether it was deleted, or will never be announced. */
    public synchronized boolean isDeleted(int ordinal) {
        return (flags[ordinal] & DELETED) != 0;
    }

    /** Whether blobs in this packfile can be read. */
    public synchronized boolean isVisible(int ordinal) {
        return flags[ordinal] == (KNOWN | LISTED);
    }

    /** Whether it can be read, coloured or not. */
    public synchronized boolean isStored(int ordinal) {
        return (flags[ordinal] & ~COLOURED) == (KNOWN | LISTED);
    }

    /** Whether its blobs are hidden until maintenance removes or reprieves it. */
    public synchronized boolean isColoured(int ordinal) {
        return (flags[ordinal] & COLOURED) != 0;
    }

    /** Whether the store has it, whatever states say. */
    public synchronized boolean isListed(int ordinal) {
        return (flags[ordinal] & LISTED) != 0;
    }

    /** Whether states say that it holds live data: announced, not deleted, not coloured. */
    public synchronized boolean isExpected(int ordinal) {
        return (flags[ordinal] & ~LISTED) == KNOWN;
    }

    /** Whether states say that it holds live data, and yet the store does not list it. */
    public synchronized boolean isMissing(int ordinal) {
        return flags[ordinal] == KNOWN;
    }
}
