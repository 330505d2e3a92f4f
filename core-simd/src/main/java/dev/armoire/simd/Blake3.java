// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

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
    private static final int CV_WORDS = 8;
    /** Batches that make one subtree, so that its parents fill the lanes too. */
    private static final int SUBTREE_BATCHES = 8;
    /** Chunks that a vector kernel hashes sooner than the scalar one, whatever its width. */
    private static final int FEWEST_LANES = 3;
    /** Bytes after which a scalar hasher asks again whether there is a vector kernel by now. */
    private static final long REPORT_BYTES = 1 << 20;

    private static final int[] NO_WORDS = {};
    /** Enough for 2^64 - 1 bytes. */
    private static final int MAX_DEPTH = 54;

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

    private final int[] chunk = new int[CHUNK_BYTES / Integer.BYTES];
    private final MemorySegment chunkBytes = MemorySegment.ofArray(chunk);
    private int chunkLength;
    private long chunkCounter;

    private final int[] stack = new int[MAX_DEPTH * CV_WORDS];
    private int depth;

    private final int[] state = new int[16];

    private @Nullable LeafKernel leaves;
    private int[] batchChunks = NO_WORDS;
    private int[] batchCvs = NO_WORDS;
    private long unreportedBytes;

    private Blake3(int[] key, int modeFlags, @Nullable LeafKernel leaves) {
        this.key = key;
        this.modeFlags = modeFlags;
        use(leaves);
    }

    /** A hasher without a key. */
    public static Blake3 plain() {
        return new Blake3(IV, 0, Kernels.ofProcess().leafKernel());
    }

    /**
     * A hasher in keyed mode.
     *
     * @param key32 the key, copied
     * @throws IllegalArgumentException if the key is not 32 bytes
     */
    public static Blake3 keyed(byte[] key32) {
        return keyed(key32, Kernels.ofProcess().leafKernel());
    }

    static Blake3 keyed(byte[] key32, @Nullable LeafKernel leaves) {
        if (key32.length != DIGEST_BYTES) {
            throw new IllegalArgumentException("a BLAKE3 key has 32 bytes, this one has " + key32.length);
        }
        var words = new int[CV_WORDS];
        MemorySegment.copy(MemorySegment.ofArray(key32), U32, 0, words, 0, CV_WORDS);
        return new Blake3(words, KEYED_HASH, leaves);
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
            if (chunkLength == 0 && leaves != null) {
                position += hashBatches(leaves, data, position);
            }
            int step = (int) Math.min(CHUNK_BYTES - chunkLength, length - position);
            MemorySegment.copy(data, position, chunkBytes, chunkLength, step);
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
        int position = offset;
        int end = offset + length;
        while (position < end) {
            if (chunkLength == CHUNK_BYTES) {
                finishChunk();
            }
            int step = Math.min(CHUNK_BYTES - chunkLength, end - position);
            MemorySegment.copy(data, position, chunkBytes, ValueLayout.JAVA_BYTE, chunkLength, step);
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
        MemorySegment.copy(state, 0, out, U32, offset, CV_WORDS);
        reset();
    }

    /** Fills {@code out} with the message's extended output, of any length, and starts the next message. */
    public void digestXof(MemorySegment out) {
        Root root = finish();
        var input = Arrays.copyOf(state, CV_WORDS);
        var block = MemorySegment.ofArray(state);
        long length = out.byteSize();
        for (long counter = 0, position = 0; position < length; counter++, position += BLOCK_BYTES) {
            System.arraycopy(input, 0, state, 0, CV_WORDS);
            compressRoot(root, counter);
            MemorySegment.copy(block, 0, out, position, Math.min(BLOCK_BYTES, length - position));
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
        compressBlocks();
        if (depth == 0) {
            return Root.CHUNK;
        }
        compressLastBlock(chunkCounter, 0);
        pushState();
        while (depth > 2) {
            mergeTop();
        }
        System.arraycopy(key, 0, state, 0, CV_WORDS);
        return Root.PARENT;
    }

    private void compressRoot(Root root, long outputCounter) {
        if (root == Root.CHUNK) {
            compressLastBlock(outputCounter, ROOT);
        } else {
            ScalarBlake3.compress(state, stack, 0, BLOCK_BYTES, outputCounter, modeFlags | PARENT | ROOT);
        }
    }

    /** Ends a full chunk that is not the last one. */
    private void finishChunk() {
        compressBlocks();
        compressLastBlock(chunkCounter, 0);
        push(state, 0, 1);
        chunkLength = 0;
    }

    private void askForKernel(long bytes) {
        if (leaves != null) {
            return;
        }
        unreportedBytes += bytes;
        if (unreportedBytes >= REPORT_BYTES) {
            use(Kernels.ofProcess().hashed(unreportedBytes));
            unreportedBytes = 0;
        }
    }

    private void use(@Nullable LeafKernel kernel) {
        if (kernel != null) {
            leaves = kernel;
            batchChunks = new int[kernel.width() * CHUNK_BYTES / Integer.BYTES];
            batchCvs = new int[SUBTREE_BATCHES * kernel.width() * CV_WORDS];
        }
    }

    /**
     * Hashes as many whole chunks as follow from {@code position}, but not the last byte: what it belongs to may be the root.
     *
     * @return the bytes hashed
     */
    private long hashBatches(LeafKernel kernel, MemorySegment data, long position) {
        int width = kernel.width();
        int subtree = SUBTREE_BATCHES * width;
        long left = (data.byteSize() - position - 1) / CHUNK_BYTES;
        long done = 0;
        while (left - done >= FEWEST_LANES) {
            // Chunks need not be aligned to anything to be hashed, but only aligned ones make a subtree of their own.
            if (chunkCounter % subtree == 0 && left - done >= subtree) {
                for (int i = 0; i < subtree; i += width) {
                    hashBatch(kernel, data, position + (done + i) * CHUNK_BYTES, width, i);
                }
                for (int parents = subtree / 2; parents > 0; parents /= 2) {
                    // Towards the top some lanes work on what is left of lower levels; nobody reads it.
                    for (int i = 0; i < parents; i += width) {
                        kernel.hashParents(batchCvs, 2 * i * CV_WORDS, key, modeFlags, batchCvs, i * CV_WORDS);
                    }
                }
                push(batchCvs, 0, subtree);
                done += subtree;
            } else {
                int chunks = (int) Math.min(width, left - done);
                hashBatch(kernel, data, position + done * CHUNK_BYTES, chunks, 0);
                for (int i = 0; i < chunks; i++) {
                    push(batchCvs, i * CV_WORDS, 1);
                }
                done += chunks;
            }
        }
        return done * CHUNK_BYTES;
    }

    /** Up to one lane per chunk; lanes left over hash whatever an earlier batch left there, and nobody reads it. */
    private void hashBatch(LeafKernel kernel, MemorySegment data, long position, int chunks, int index) {
        MemorySegment.copy(data, U32, position, batchChunks, 0, chunks * (CHUNK_BYTES / Integer.BYTES));
        kernel.hashChunks(batchChunks, key, chunkCounter + index, modeFlags, batchCvs, index * CV_WORDS);
    }

    /** All blocks of the chunk but the last, which decides alone whether it is the root. */
    private void compressBlocks() {
        System.arraycopy(key, 0, state, 0, CV_WORDS);
        int last = lastBlock();
        int flags = modeFlags | CHUNK_START;
        for (int block = 0; block < last; block++) {
            ScalarBlake3.compress(state, chunk, block * BLOCK_WORDS, BLOCK_BYTES, chunkCounter, flags);
            flags = modeFlags;
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
        ScalarBlake3.compress(state, chunk, at, length, counter, flags);
    }

    private int lastBlock() {
        return chunkLength == 0 ? 0 : (chunkLength - 1) / BLOCK_BYTES;
    }

    /** Zeroes what earlier messages left behind the {@code length} bytes of the block at word {@code at}. */
    private void clearTail(int at, int length) {
        int word = at + length / Integer.BYTES;
        chunk[word] &= (1 << (Byte.SIZE * (length % Integer.BYTES))) - 1;
        Arrays.fill(chunk, word + 1, at + BLOCK_WORDS, 0);
    }

    /** Adds a subtree of {@code chunks} chunks, a power of two that divides the number of chunks before it. */
    private void push(int[] cvs, int at, int chunks) {
        System.arraycopy(cvs, at, stack, depth * CV_WORDS, CV_WORDS);
        depth++;
        chunkCounter += chunks;
        for (long subtrees = chunkCounter / chunks; (subtrees & 1) == 0; subtrees >>= 1) {
            mergeTop();
        }
    }

    /** Two neighbours on the stack are a parent's block as they lie there. */
    private void mergeTop() {
        int at = (depth - 2) * CV_WORDS;
        System.arraycopy(key, 0, state, 0, CV_WORDS);
        ScalarBlake3.compress(state, stack, at, BLOCK_BYTES, 0, modeFlags | PARENT);
        depth -= 2;
        pushState();
    }

    private void pushState() {
        System.arraycopy(state, 0, stack, depth * CV_WORDS, CV_WORDS);
        depth++;
    }
}
