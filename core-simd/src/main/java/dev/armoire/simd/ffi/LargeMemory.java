// SPDX-License-Identifier: ISC
package dev.armoire.simd.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Owns memory, all zeros at first, for work that jumps around in hundreds of megabytes. It begins on a huge page, so a
 * system that hands those out by itself can; they are not asked for. Where the host of a virtual machine has taken back
 * what lay idle, huge pages took 0.5 to 0.8 s to come for 256 MiB, small ones 0.12 s, and a key derivation that had them
 * gained 0.1 s.
 *
 * <p>The system clears a page when it is first touched. A thread of this class does that in order from the start, while
 * its user already works on the first pages. Where pages cannot be asked for, this is memory of an ordinary arena.
 *
 * <p>The segment may be used by any thread until {@link #close}, by the one that opened it.
 */
public final class LargeMemory implements AutoCloseable {
    private static final long HUGE_PAGE_BYTES = 2 << 20;

    /** About a millisecond of clearing: garbage collection waits for the call. */
    private static final long STEP_BYTES = 2 << 20;

    private static final long CACHE_LINE_BYTES = 64;
    private static final long MADV_POPULATE_WRITE = 23;

    private final Arena arena;
    private final MemorySegment segment;
    private final @Nullable Thread toucher;
    // Set by the owner's close, read by the toucher before each step.
    private volatile boolean closing;

    /** @param bytes 1 or more */
    public LargeMemory(long bytes) {
        this.arena = Arena.ofShared();
        var pages = bytes < HUGE_PAGE_BYTES ? null : HugePages.map(bytes, arena);
        if (pages == null) {
            this.segment = arena.allocate(bytes, CACHE_LINE_BYTES);
            this.toucher = null;
        } else {
            this.segment = pages.segment();
            this.toucher = Thread.ofPlatform().daemon().name("page-toucher").unstarted(() -> touch(pages));
            toucher.start();
        }
    }

    /** All of it, valid until {@link #close}. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Gives the memory back. What secrets are in it need no wiping if it came from the system: that clears pages before
     * anybody else gets them. Memory of an arena goes back to the allocator of this process, and is wiped.
     */
    @Override
    public void close() {
        closing = true;
        if (toucher == null) {
            segment.fill((byte) 0);
        } else {
            joinToucher(toucher);
        }
        arena.close();
    }

    /** The memory must not go before the last system call on it has ended. */
    private static void joinToucher(Thread toucher) {
        boolean interrupted = false;
        while (toucher.isAlive()) {
            try {
                toucher.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void touch(HugePages pages) {
        for (long at = 0; at < segment.byteSize() && !closing; at += STEP_BYTES) {
            long address = segment.address() + at;
            long length = Math.min(STEP_BYTES, segment.byteSize() - at);
            if (pages.mapper.call(pages.madvise, address, length, MADV_POPULATE_WRITE, 0, 0) != 0) {
                return; // Linux before 5.14: a page is cleared when its user comes to it
            }
        }
    }

    /** A mapping that its arena takes away, and what gives advice on it. */
    private record HugePages(MachineCode.Mapper mapper, MemorySegment madvise, MemorySegment segment) {
        @SuppressWarnings("restricted")
        static @Nullable HugePages map(long bytes, Arena arena) {
            var mapper = MachineCode.mapper();
            if (mapper == null) {
                return null;
            }
            var symbols = Linker.nativeLinker().defaultLookup();
            var madvise = symbols.findOrThrow("madvise");
            var munmap = symbols.findOrThrow("munmap");
            // One page more, of which only addresses are used, so that a whole number of pages can begin on one.
            long mappedBytes = bytes + HUGE_PAGE_BYTES;
            long address = mapper.map(mappedBytes);
            if (address == 0) {
                return null;
            }
            long first = (address + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
            var segment = MemorySegment.ofAddress(first)
                    .reinterpret(bytes, arena, gone -> mapper.call(munmap, address, mappedBytes, 0, 0, 0));
            return new HugePages(mapper, madvise, segment);
        }
    }
}
