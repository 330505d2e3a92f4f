// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * BLAKE3, plain or keyed, of a message that arrives in pieces (the BLAKE3 paper, section 2). Holds the state of one running
 * message and allocates nothing after its construction; one thread at a time.
 *
 * <p>Input is gathered in chunks of 1 KiB (BLAKE3's chunk, not a backup's). A full chunk is compressed only when more input
 * follows, because the last one may turn out to be the root. Its chaining value then goes on a stack, where two subtrees
 * of equal size are merged at once: the depth is the number of one bits in the chunk count.
 */
public final class Blake3 {
    /** Bytes of a digest and of a key. */
    public static final int DIGEST_BYTES = 32;

    static final int CHUNK_BYTES = 1024;
    static final int CHUNK_START = 1;
    static final int CHUNK_END = 1 << 1;
    static final int PARENT = 1 << 2;
    static final int ROOT = 1 << 3;
    static final int KEYED_HASH = 1 << 4;

    private static final int BLOCK_BYTES = 64;
    private static final int BLOCK_WORDS = BLOCK_BYTES / Integer.BYTES;
    static final int CV_WORDS = 8;
    /** Chunks of the smallest subtree that is hashed as such in the middle of more input: one per lane of the widest vectors. */
    private static final int BATCH_CHUNKS = 16;
    /** Chunks of the largest: a call of a tenth of a millisecond, and chaining values that stay in the first-level cache. */
    private static final int SUBTREE_CHUNKS = 512;
    /** Bytes after which a scalar hasher asks again whether there is a faster kernel by now. */
    private static final long REPORT_BYTES = 32 << 10;

    private static final Words NO_WORDS = Words.of();
    /** Enough for 2^64 - 1 bytes, and the merge that waits. */
    private static final int MAX_DEPTH = 56;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int[] IV = {
        ScalarBlake3.IV0,
        ScalarBlake3.IV1,
        ScalarBlake3.IV2,
        ScalarBlake3.IV3,
        0x510E527F,
        0x9B05688C,
        0x1F83D9AB,
        0x5BE0CD19
    };

    static {
        // Message bytes are copied into int[] as they are, which is right on every CPU this program is built for.
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException("Blake3 needs a little-endian CPU, this one is big-endian");
        }
    }

    private final int[] key;
    private final int modeFlags;
    private final Kernels kernels;
    private Kernels.Form form;
    private Blake3Kernel kernel;
    private long unreportedBytes;

    private final Words chunk = Words.of(new int[CHUNK_BYTES / Integer.BYTES]);
    private int chunkLength;
    private long chunkCounter;

    private final Words stack = Words.of(new int[MAX_DEPTH * CV_WORDS]);
    private int depth;

    private final Words state = Words.of(new int[16]);
    /** Of a subtree; large, and so made for the first message that is not short. */
    private Words cvs = NO_WORDS;

    private Blake3(int[] key, int modeFlags, Kernels kernels) {
        this.key = key;
        this.modeFlags = modeFlags;
        this.kernels = kernels;
        this.form = kernels.form();
        this.kernel = form.kernel(key, modeFlags);
    }

    /** A hasher without a key. */
    public static Blake3 plain() {
        return plain(Kernels.ofProcess());
    }

    static Blake3 plain(Kernels kernels) {
        return new Blake3(IV, 0, kernels);
    }

    /**
     * A hasher in keyed mode.
     *
     * @param key32 the key, copied
     * @throws IllegalArgumentException if the key is not 32 bytes
     */
    public static Blake3 keyed(byte[] key32) {
        return keyed(key32, Kernels.ofProcess());
    }

    static Blake3 keyed(byte[] key32, Kernels kernels) {
        if (key32.length != DIGEST_BYTES) {
            throw new IllegalArgumentException("a BLAKE3 key has 32 bytes, this one has " + key32.length);
        }
        var words = new int[CV_WORDS];
        MemorySegment.copy(MemorySegment.ofArray(key32), U32, 0, words, 0, CV_WORDS);
        return new Blake3(words, KEYED_HASH, kernels);
    }

    /** Adds bytes, heap or native, borrowed for the call. */
    public void update(MemorySegment data) {
        long length = data.byteSize();
        askForKernel(length);
        long position = 0;
        while (position < length) {
            if (chunkLength == CHUNK_BYTES) {
                finishChunk();
            }
            if (chunkLength == 0) {
                position += hashWholeChunks(data, position);
            }
            int step = (int) Math.min(CHUNK_BYTES - chunkLength, length - position);
            MemorySegment.copy(data, position, chunk.bytes(), chunkLength, step);
            chunkLength += step;
            position += step;
        }
    }

    /** Adds {@code length} bytes of an array, borrowed for the call. */
    public void update(byte[] data, int offset, int length) {
        if (length > CHUNK_BYTES) {
            update(MemorySegment.ofArray(data).asSlice(offset, length));
            return;
        }
        askForKernel(length);
        int position = offset;
        int end = offset + length;
        while (position < end) {
            if (chunkLength == CHUNK_BYTES) {
                finishChunk();
            }
            int step = Math.min(CHUNK_BYTES - chunkLength, end - position);
            MemorySegment.copy(data, position, chunk.bytes(), ValueLayout.JAVA_BYTE, chunkLength, step);
            chunkLength += step;
            position += step;
        }
    }

    /**
     * Writes the 32-byte digest of the message to {@code out} at {@code offset} and starts the next message with the same
     * key.
     */
    public void digest(MemorySegment out, long offset) {
        Root root = finish();
        compressRoot(root, 0);
        MemorySegment.copy(state.array(), 0, out, U32, offset, CV_WORDS);
        reset();
    }

    /** Fills {@code out} with the message's extended output, of any length, and starts the next message. */
    public void digestXof(MemorySegment out) {
        Root root = finish();
        int[] input = Arrays.copyOf(state.array(), CV_WORDS);
        long length = out.byteSize();
        for (long counter = 0, position = 0; position < length; counter++, position += BLOCK_BYTES) {
            System.arraycopy(input, 0, state.array(), 0, CV_WORDS);
            compressRoot(root, counter);
            MemorySegment.copy(state.bytes(), 0, out, position, Math.min(BLOCK_BYTES, length - position));
        }
        reset();
    }

    /** Throws away the message so far. */
    public void reset() {
        chunkLength = 0;
        chunkCounter = 0;
        depth = 0;
    }

    /** What the root compression reads: the one chunk's last block, or the two topmost chaining values. */
    private enum Root {
        CHUNK,
        PARENT
    }

    /** Compresses all but the root; {@code state} then holds the root's input chaining value. */
    private Root finish() {
        if (chunkCounter == 0) {
            compressBlocks();
            return Root.CHUNK;
        }
        if (chunkLength > 0) {
            finishChunk();
        }
        while (depth > 2) {
            mergeTop();
        }
        System.arraycopy(key, 0, state.array(), 0, CV_WORDS);
        return Root.PARENT;
    }

    private void compressRoot(Root root, long outputCounter) {
        if (root == Root.CHUNK) {
            compressLastBlock(outputCounter, ROOT);
        } else {
            kernel.compress(state, stack, 0, 1, BLOCK_BYTES, outputCounter, modeFlags | PARENT | ROOT);
        }
    }

    /** Ends the gathered chunk, which is not the only one. */
    private void finishChunk() {
        mergeComplete(); // uses the state
        compressBlocks();
        compressLastBlock(chunkCounter, 0);
        push(state, 0, 1);
        chunkLength = 0;
    }

    private void askForKernel(long bytes) {
        if (form != Kernels.Form.SCALAR) {
            return;
        }
        unreportedBytes += bytes;
        if (unreportedBytes >= REPORT_BYTES) {
            form = kernels.hashed(unreportedBytes);
            unreportedBytes = 0;
            if (form != Kernels.Form.SCALAR) {
                kernel = form.kernel(key, modeFlags);
            }
        }
    }

    /**
     * Hashes the whole chunks that follow from {@code position}, but no single one: it may be the root.
     *
     * @return the bytes hashed
     */
    private long hashWholeChunks(MemorySegment data, long position) {
        long chunks = (data.byteSize() - position) / CHUNK_BYTES;
        if (chunks >= 2 && cvs.array().length == 0) {
            cvs = Words.of(new int[(SUBTREE_CHUNKS + Blake3Kernel.SPARE_CVS) * CV_WORDS]);
        }
        long done = 0;
        while (chunks - done >= 2) {
            long at = position + done * CHUNK_BYTES;
            // Chunks need not be aligned to anything to be hashed, but only aligned ones make a subtree of their own.
            long subtree = Math.min(Long.highestOneBit(chunks - done), SUBTREE_CHUNKS);
            if (chunkCounter != 0) {
                subtree = Math.min(subtree, Long.lowestOneBit(chunkCounter));
            }
            if (subtree >= BATCH_CHUNKS || subtree == chunks - done) {
                int levels = Long.numberOfTrailingZeros(subtree) - 1;
                kernel.hashTree(data, at, (int) subtree, chunkCounter, levels, cvs);
                push(cvs, 0, subtree / 2);
                push(cvs, CV_WORDS, subtree / 2);
                done += subtree;
            } else {
                int single = (int) Math.min(chunks - done, BATCH_CHUNKS - chunkCounter % BATCH_CHUNKS);
                kernel.hashTree(data, at, single, chunkCounter, 0, cvs);
                for (int i = 0; i < single; i++) {
                    push(cvs, i * CV_WORDS, 1);
                }
                done += single;
            }
        }
        return done * CHUNK_BYTES;
    }

    // For Blake3Pieces, with no message under way

    /** Receives the chaining value of a subtree of 2^level chunks, 8 words from {@code at} on, borrowed for the call. */
    @FunctionalInterface
    interface Subtrees {
        void subtree(int level, int[] words, int at);
    }

    /**
     * Gives the largest subtrees that chunks make, from left to right.
     *
     * @param position of the first one in {@code data}
     * @param chunks whole ones, none of which is the last of the message
     * @param counter number of the first one
     */
    void subtrees(MemorySegment data, long position, long chunks, long counter, Subtrees out) {
        askForKernel(chunks * CHUNK_BYTES);
        if (cvs.array().length == 0) {
            cvs = Words.of(new int[(SUBTREE_CHUNKS + Blake3Kernel.SPARE_CVS) * CV_WORDS]);
        }
        for (long done = 0; done < chunks; ) {
            long number = counter + done;
            long at = position + done * CHUNK_BYTES;
            long subtree = Math.min(Long.highestOneBit(chunks - done), SUBTREE_CHUNKS);
            if (number != 0) {
                subtree = Math.min(subtree, Long.lowestOneBit(number));
            }
            if (subtree >= BATCH_CHUNKS || subtree == chunks - done) {
                int level = Long.numberOfTrailingZeros(subtree);
                kernel.hashTree(data, at, (int) subtree, number, level, cvs);
                out.subtree(level, cvs.array(), 0);
                done += subtree;
            } else {
                int single = (int) Math.min(chunks - done, BATCH_CHUNKS - number % BATCH_CHUNKS);
                kernel.hashTree(data, at, single, number, 0, cvs);
                for (int i = 0; i < single; i++) {
                    out.subtree(0, cvs.array(), i * CV_WORDS);
                }
                done += single;
            }
        }
    }

    /** The chaining value of the last chunk of a message that has others, of at most 1 KiB; valid until the next call. */
    int[] lastChunk(byte[] data, long counter) {
        MemorySegment.copy(data, 0, chunk.bytes(), ValueLayout.JAVA_BYTE, 0, data.length);
        chunkLength = data.length;
        chunkCounter = counter;
        compressBlocks();
        compressLastBlock(counter, 0);
        reset();
        return state.array();
    }

    /** The chaining value of two neighbours' parent, or the first 32 bytes of output if that is the root; valid until the next call. */
    int[] parent(int[] left, int leftAt, int[] right, int rightAt, boolean isRoot) {
        System.arraycopy(left, leftAt, stack.array(), 0, CV_WORDS);
        System.arraycopy(right, rightAt, stack.array(), CV_WORDS, CV_WORDS);
        System.arraycopy(key, 0, state.array(), 0, CV_WORDS);
        kernel.compress(state, stack, 0, 1, BLOCK_BYTES, 0, modeFlags | PARENT | (isRoot ? ROOT : 0));
        return state.array();
    }

    /** All blocks of the chunk but the last, which decides alone whether it is the root. */
    private void compressBlocks() {
        System.arraycopy(key, 0, state.array(), 0, CV_WORDS);
        int last = lastBlock();
        if (last > 0) {
            kernel.compress(state, chunk, 0, last, BLOCK_BYTES, chunkCounter, modeFlags | CHUNK_START);
        }
    }

    private void compressLastBlock(long counter, int rootFlag) {
        int last = lastBlock();
        int at = last * BLOCK_WORDS;
        int length = chunkLength - last * BLOCK_BYTES;
        if (length < BLOCK_BYTES) {
            clearTail(at, length);
        }
        int flags = modeFlags | CHUNK_END | rootFlag | (last == 0 ? CHUNK_START : 0);
        kernel.compress(state, chunk, at, 1, length, counter, flags);
    }

    private int lastBlock() {
        return chunkLength == 0 ? 0 : (chunkLength - 1) / BLOCK_BYTES;
    }

    /** Zeroes what earlier messages left behind the {@code length} bytes of the block at word {@code at}. */
    private void clearTail(int at, int length) {
        int[] words = chunk.array();
        int word = at + length / Integer.BYTES;
        words[word] &= (1 << (Byte.SIZE * (length % Integer.BYTES))) - 1;
        Arrays.fill(words, word + 1, at + BLOCK_WORDS, 0);
    }

    /** Adds a subtree of {@code chunks} chunks, a power of two that divides the number of chunks before it. */
    private void push(Words cvs, int at, long chunks) {
        mergeComplete();
        System.arraycopy(cvs.array(), at, stack.array(), depth * CV_WORDS, CV_WORDS);
        depth++;
        chunkCounter += chunks;
    }

    /** Merges what could be the root no longer, as more follows. */
    private void mergeComplete() {
        int subtrees = Long.bitCount(chunkCounter);
        while (depth > subtrees) {
            mergeTop();
        }
    }

    /** Two neighbours on the stack are a parent's block as they lie there. */
    private void mergeTop() {
        int at = (depth - 2) * CV_WORDS;
        System.arraycopy(key, 0, state.array(), 0, CV_WORDS);
        kernel.compress(state, stack, at, 1, BLOCK_BYTES, 0, modeFlags | PARENT);
        System.arraycopy(state.array(), 0, stack.array(), at, CV_WORDS);
        depth--;
    }
}
