// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open directory: its items as the kernel wants them, entry and dirent one behind the other, outside of the heap. An item
 * takes some 180 bytes. Owns its memory. Filled by one thread, then read by any.
 */
final class Listing implements AutoCloseable {
    static final int SLAB_BYTES = 64 << 10;

    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> slabs = new ArrayList<>();
    private final List<Integer> used = new ArrayList<>();
    /** What an item has beside what the kernel wants. */
    record Extra(Nodes.@Nullable Link link, boolean mayHaveXattrs) {
        static final Extra NONE = new Extra(null, false);
    }

    /** Of those that have any, by where their items begin. */
    private final Map<Long, Extra> extras = new HashMap<>();

    /**
     * Room for an item with all but its entry filled in; the caller fills that.
     *
     * @param type the upper four bits of the Unix mode
     */
    MemorySegment add(byte[] name, long inode, int type, Extra extra) {
        int length = length(name.length);
        if (slabs.isEmpty() || used.getLast() + length > SLAB_BYTES) {
            slabs.add(arena.allocate(SLAB_BYTES, 8));
            used.add(0);
        }
        int slab = slabs.size() - 1;
        int at = used.getLast();
        MemorySegment item = slabs.getLast().asSlice(at, length);
        used.set(slab, at + length);
        long position = (long) slab * SLAB_BYTES + at;
        item.set(Fuse.U64, Fuse.ENTRY, inode);
        item.set(Fuse.U64, Fuse.ENTRY + 8, position + length);
        item.set(Fuse.U32, Fuse.ENTRY + 16, name.length);
        item.set(Fuse.U32, Fuse.ENTRY + 20, type);
        MemorySegment.copy(name, 0, item, ValueLayout.JAVA_BYTE, Fuse.ENTRY + Fuse.DIRENT, name.length);
        if (extra.link != null || extra.mayHaveXattrs) {
            extras.put(position, extra);
        }
        return item;
    }

    private static int length(int nameBytes) {
        return Fuse.ENTRY + Fuse.DIRENT + (nameBytes + 7 & ~7);
    }

    /** Receives items; returns false to stop. */
    @FunctionalInterface
    interface Visitor {
        boolean item(MemorySegment item, Extra extra);
    }

    /** Gives the items from a position on. */
    void forEach(long from, Visitor visitor) {
        if (from < 0) {
            return;
        }
        int at = (int) (from % SLAB_BYTES);
        for (long slab = from / SLAB_BYTES; slab < slabs.size(); slab++, at = 0) {
            while (at < used.get((int) slab)) {
                MemorySegment rest = slabs.get((int) slab).asSlice(at);
                MemorySegment item = rest.asSlice(0, length(rest.get(Fuse.U32, Fuse.ENTRY + 16)));
                if (!visitor.item(item, extras.getOrDefault(slab * SLAB_BYTES + at, Extra.NONE))) {
                    return;
                }
                at += (int) item.byteSize();
            }
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
