// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter.Xattr;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ScratchFile;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Items of a tar file in their order, packed: some forty bytes for each, as most begin as the one before and belong to
 * the same people. The first ones lie in memory outside the heap, the others in a temporary file, but for the last of them.
 * Owns that memory and that file. For one thread.
 */
final class ItemList implements AutoCloseable {
    /** Items that are packed together; to have one all of them are unpacked. */
    private static final int BLOCK_ITEMS = 16;

    private static final int CHUNK_BYTES = 1 << 20;
    private static final int UNPACKED_BLOCKS = 32;
    private static final int MAX_OWNERS = 1 << 14;

    private static final int HAS_LINK = 1;
    private static final int IS_HARD_LINK = 2;
    private static final int HAS_XATTRS = 4;
    private static final int HAS_HOLES = 8;
    private static final int HAS_PROBLEM = 16;
    private static final int HAS_LOST = 32;
    private static final int HAS_OTHER_LENGTH = 64;

    /** What files of the same people have in common. */
    private record Owner(int mode, long uid, long gid, String user, String group) {}

    private final ScratchFile.@Nullable Folder scratch;
    private final int chunksInMemory;
    private final List<Arena> arenas = new ArrayList<>();
    /** Those in memory, and then the one that is being filled. */
    private final List<MemorySegment> chunks = new ArrayList<>();

    private int forgotten;
    private @Nullable FileChannel file;
    private int chunksInFile;
    /** Where each block begins, and the last one ends. */
    private long[] starts = new long[1024];

    private final List<TarItem> last = new ArrayList<>();
    private int blocks;
    private final Packed packed = new Packed();
    private final List<Owner> owners = new ArrayList<>();
    private final Map<Owner, Integer> ownerNumbers = new HashMap<>();
    private final LinkedHashMap<Integer, TarItem[]> unpacked = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, TarItem[]> eldest) {
            return size() > UNPACKED_BLOCKS;
        }
    };

    /**
     * An empty list.
     *
     * @param scratch folder for the temporary file, or null: all is kept in memory then
     * @param memoryBytes how much is kept there otherwise, to a MiB
     */
    ItemList(ScratchFile.@Nullable Folder scratch, int memoryBytes) {
        this.scratch = scratch;
        chunksInMemory = memoryBytes / CHUNK_BYTES;
    }

    int size() {
        return blocks * BLOCK_ITEMS + last.size();
    }

    /** Adds an item at the end; of its numbers, device, inode and number of links are not kept. */
    void add(TarItem item) {
        last.add(item);
        if (last.size() == BLOCK_ITEMS) {
            packed.clear();
            TarItem before = null;
            for (TarItem one : last) {
                pack(one, before);
                before = one;
            }
            if (blocks + 1 == starts.length) {
                starts = Arrays.copyOf(starts, 2 * starts.length);
            }
            starts[blocks + 1] = append(starts[blocks]);
            blocks++;
            last.clear();
        }
    }

    TarItem get(int index) {
        int block = index / BLOCK_ITEMS;
        return block == blocks ? last.get(index % BLOCK_ITEMS) : block(block)[index % BLOCK_ITEMS];
    }

    /** Gives back the memory of items, as far as that goes; who still asks for one of them gets an exception. */
    void forgetBefore(int index) {
        long end = Math.min(starts[index / BLOCK_ITEMS] / CHUNK_BYTES, chunks.size() - 1);
        for (; forgotten < end; forgotten++) {
            arenas.get(forgotten).close();
        }
    }

    private long append(long at) {
        long position = at;
        for (int done = 0; done < packed.length(); ) {
            int inChunk = (int) (position % CHUNK_BYTES);
            if (inChunk == 0) {
                beginChunk();
            }
            int count = Math.min(packed.length() - done, CHUNK_BYTES - inChunk);
            MemorySegment.copy(packed.array(), done, chunks.getLast(), ValueLayout.JAVA_BYTE, inChunk, count);
            done += count;
            position += count;
        }
        return position;
    }

    private void beginChunk() {
        if (scratch == null || chunks.size() <= chunksInMemory) {
            arenas.add(Arena.ofConfined());
            chunks.add(arenas.getLast().allocate(CHUNK_BYTES));
            return;
        }
        try {
            FileChannel open = file;
            if (open == null) {
                open = file = ScratchFile.open(scratch.path(), "tar");
            }
            ByteBuffer filled = chunks.getLast().asByteBuffer();
            while (filled.hasRemaining()) {
                open.write(filled, (long) chunksInFile * CHUNK_BYTES + filled.position());
            }
            chunksInFile++;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Copies bytes of one chunk. */
    private void read(long position, byte[] into, int at, int count) {
        int chunk = (int) (position / CHUNK_BYTES);
        int inChunk = (int) (position % CHUNK_BYTES);
        int last = chunks.size() - 1;
        if (chunk < last || chunk == last + chunksInFile) {
            MemorySegment.copy(chunks.get(Math.min(chunk, last)), ValueLayout.JAVA_BYTE, inChunk, into, at, count);
            return;
        }
        try {
            ByteBuffer wanted = ByteBuffer.wrap(into, at, count);
            long from = (long) (chunk - last) * CHUNK_BYTES + inChunk - at;
            while (wanted.hasRemaining()) {
                if (Objects.requireNonNull(file).read(wanted, from + wanted.position()) < 0) {
                    throw new EOFException("it has become shorter");
                }
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(
                new IOException("the temporary file for the list of an archive: " + e.getMessage(), e));
    }

    private TarItem[] block(int block) {
        TarItem[] known = unpacked.get(block);
        if (known != null) {
            return known;
        }
        int length = Math.toIntExact(starts[block + 1] - starts[block]);
        byte[] into = packed.refill(length);
        long position = starts[block];
        for (int done = 0; done < length; ) {
            int count = Math.min(length - done, CHUNK_BYTES - (int) (position % CHUNK_BYTES));
            read(position, into, done, count);
            done += count;
            position += count;
        }
        TarItem[] items = new TarItem[BLOCK_ITEMS];
        TarItem before = null;
        for (int i = 0; i < BLOCK_ITEMS; i++) {
            before = items[i] = unpack(before);
        }
        unpacked.put(block, items);
        return items;
    }

    private void pack(TarItem item, @Nullable TarItem before) {
        FileInfo info = item.info();
        long[] data = item.data();
        packed.putNumber((item.linkTarget().length > 0 ? HAS_LINK : 0)
                | (item.isHardLink() ? IS_HARD_LINK : 0)
                | (item.xattrs().isEmpty() ? 0 : HAS_XATTRS)
                | (data == null ? 0 : HAS_HOLES)
                | (item.problem() == null ? 0 : HAS_PROBLEM)
                | (item.lost() == null ? 0 : HAS_LOST)
                | (item.storedBytes() == info.size() ? 0 : HAS_OTHER_LENGTH));
        byte[] previous = before == null ? BytePath.EMPTY : before.path();
        int same = Arrays.mismatch(previous, item.path());
        same = same < 0 ? item.path().length : same;
        packed.putNumber(same);
        packed.putNumber(item.path().length);
        packed.putRest(item.path(), same);
        packOwner(new Owner(info.mode(), info.uid(), info.gid(), info.username(), info.groupname()));
        packed.putNumber(info.size());
        packed.putSigned(
                info.mtimeSeconds() - (before == null ? 0 : before.info().mtimeSeconds()));
        packed.putNumber(info.mtimeNanos());
        packed.putNumber(info.rdev());
        packed.putSigned(item.contentAt() - (before == null ? 0 : before.contentAt()));
        if (item.storedBytes() != info.size()) {
            packed.putNumber(item.storedBytes());
        }
        if (item.linkTarget().length > 0) {
            packed.putBytes(item.linkTarget());
        }
        if (!item.xattrs().isEmpty()) {
            packed.putNumber(item.xattrs().size());
            for (Xattr xattr : item.xattrs()) {
                packed.putBytes(xattr.name());
                packed.putBytes(xattr.value());
            }
        }
        if (data != null) {
            packed.putNumber(data.length);
            long end = 0;
            for (long number : data) {
                packed.putSigned(number - end);
                end = number;
            }
        }
        packText(item.problem());
        packText(item.lost());
    }

    private void packOwner(Owner owner) {
        Integer number = ownerNumbers.get(owner);
        if (number == null && owners.size() < MAX_OWNERS) {
            owners.add(owner);
            number = owners.size();
            ownerNumbers.put(owner, number);
        }
        packed.putNumber(number == null ? 0 : number);
        if (number == null) {
            packed.putNumber(owner.mode());
            packed.putNumber(owner.uid());
            packed.putNumber(owner.gid());
            packText(owner.user());
            packText(owner.group());
        }
    }

    private void packText(@Nullable String text) {
        if (text != null) {
            packed.putBytes(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    private String text() {
        return new String(packed.bytes(), StandardCharsets.UTF_8);
    }

    private TarItem unpack(@Nullable TarItem before) {
        int has = packed.intNumber();
        int same = packed.intNumber();
        byte[] path = new byte[packed.intNumber()];
        if (same > 0 && before != null) {
            System.arraycopy(before.path(), 0, path, 0, same);
        }
        packed.rest(path, same);
        int number = packed.intNumber();
        Owner owner = number > 0
                ? owners.get(number - 1)
                : new Owner(packed.intNumber(), packed.number(), packed.number(), text(), text());
        long size = packed.number();
        long seconds = packed.signed() + (before == null ? 0 : before.info().mtimeSeconds());
        int nanos = packed.intNumber();
        long rdev = packed.number();
        long contentAt = packed.signed() + (before == null ? 0 : before.contentAt());
        long stored = (has & HAS_OTHER_LENGTH) == 0 ? size : packed.number();
        byte[] link = (has & HAS_LINK) == 0 ? BytePath.EMPTY : packed.bytes();
        List<Xattr> xattrs = (has & HAS_XATTRS) == 0 ? List.of() : xattrs();
        long[] data = (has & HAS_HOLES) == 0 ? null : data();
        String problem = (has & HAS_PROBLEM) == 0 ? null : text();
        String lost = (has & HAS_LOST) == 0 ? null : text();
        FileInfo info = new FileInfo(
                size, owner.mode, seconds, nanos, 0, 0, owner.uid, owner.gid, 1, owner.user, owner.group, rdev);
        return new TarItem(path, info, link, (has & IS_HARD_LINK) != 0, xattrs, contentAt, stored, data, problem, lost);
    }

    private List<Xattr> xattrs() {
        int count = packed.intNumber();
        List<Xattr> xattrs = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            xattrs.add(new Xattr(packed.bytes(), packed.bytes()));
        }
        return xattrs;
    }

    private long[] data() {
        long[] data = new long[packed.intNumber()];
        long end = 0;
        for (int i = 0; i < data.length; i++) {
            end += packed.signed();
            data[i] = end;
        }
        return data;
    }

    @Override
    public void close() {
        arenas.subList(forgotten, arenas.size()).forEach(Arena::close);
        forgotten = arenas.size();
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                // It has no name, and nothing in it is needed.
            }
        }
    }
}
