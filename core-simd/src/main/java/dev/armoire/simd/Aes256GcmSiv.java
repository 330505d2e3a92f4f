// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * AES-256-GCM-SIV (RFC 8452) without additional data, for short messages, each under a key of its own: one call derives and
 * expands the keys, encrypts and authenticates, on the CPU's AES and carry-less multiplication instructions. A library behind
 * JNI takes ten times as long to be called as a message of a few hundred bytes takes to be encrypted, and small files are three
 * such messages each.
 *
 * <p>Owns a workspace with the last key; for one thread.
 */
public final class Aes256GcmSiv {
    /** Bytes of a key. */
    public static final int KEY_BYTES = 32;

    /** Bytes of a nonce. */
    public static final int NONCE_BYTES = 12;

    /** Bytes of the tag, which follows the ciphertext. */
    public static final int TAG_BYTES = 16;

    /** Longest message: garbage collection waits for a call to end. */
    public static final int MAX_BYTES = 1 << 20;

    private static final int BLOCK_BYTES = 16;
    private static final int ROUNDS = 14;

    // Places in the workspace.
    private static final int KEY = 0;
    /** Four zeros follow it. */
    private static final int NONCE = KEY + KEY_BYTES;

    private static final int TAG = NONCE + BLOCK_BYTES;
    /** The constants. */
    private static final int POLYNOMIAL = TAG + BLOCK_BYTES;

    private static final int ROTATED = POLYNOMIAL + BLOCK_BYTES;
    private static final int SPREAD = ROTATED + BLOCK_BYTES;
    private static final int ONE = SPREAD + BLOCK_BYTES;
    private static final int NOTHING = ONE + BLOCK_BYTES;
    private static final int ROUND_CONSTANTS = NOTHING + BLOCK_BYTES;
    private static final int CLEAR_TOP = ROUND_CONSTANTS + 7 * BLOCK_BYTES;
    private static final int SET_TOP = CLEAR_TOP + BLOCK_BYTES;
    /** Round keys, of the key and then of the one derived from it. */
    private static final int SCHEDULE = SET_TOP + BLOCK_BYTES;
    /** Of the key of the authenticator: the fourth, third, second, first. */
    private static final int POWERS = SCHEDULE + (ROUNDS + 1) * BLOCK_BYTES;

    /** What is behind the last whole block, with zeros, and what comes of it. */
    private static final int REST_IN = POWERS + 4 * BLOCK_BYTES;

    private static final int REST_OUT = REST_IN + BLOCK_BYTES;
    /** Ones, then zeros. */
    private static final int MASKS = REST_OUT + BLOCK_BYTES;

    private static final int WORKSPACE_BYTES = MASKS + 2 * BLOCK_BYTES;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes = new byte[WORKSPACE_BYTES];
    private final MemorySegment workspace = MemorySegment.ofArray(bytes);

    /** With a key of zeros. */
    public Aes256GcmSiv() {
        words(POLYNOMIAL, 1, 0xc200_0000_0000_0000L);
        words(ROTATED, 0x0c0f_0e0d_0c0f_0e0dL, 0x0c0f_0e0d_0c0f_0e0dL);
        words(SPREAD, 0x0f0e_0d0c_0f0e_0d0cL, 0x0f0e_0d0c_0f0e_0d0cL);
        words(ONE, 1, 0);
        for (int i = 0; i < 7; i++) {
            long both = (1L << i) * 0x1_0000_0001L;
            words(ROUND_CONSTANTS + i * BLOCK_BYTES, both, both);
        }
        words(CLEAR_TOP, -1, Long.MAX_VALUE);
        words(SET_TOP, 0, Long.MIN_VALUE);
        words(MASKS, -1, -1);
    }

    private void words(int at, long low, long high) {
        workspace.set(WORD, at, low);
        workspace.set(WORD, at + Long.BYTES, high);
    }

    /** Whether this CPU and system can run it; {@link #seal} and {@link #open} need that. */
    public static boolean isAvailable() {
        return Kernels.machineCode();
    }

    /** Sets the key for the calls that follow: 32 bytes, borrowed for this call. */
    public void key(byte[] key) {
        System.arraycopy(key, 0, bytes, KEY, KEY_BYTES);
    }

    /**
     * Writes ciphertext and tag.
     *
     * @param nonce {@link #NONCE_BYTES}
     * @param plain borrowed, heap or native, up to {@link #MAX_BYTES}, not overlapping {@code out}
     * @param out heap or native, {@link #TAG_BYTES} longer
     */
    public void seal(byte[] nonce, MemorySegment plain, MemorySegment out) {
        long length = plain.byteSize();
        check(nonce, length, out.byteSize() - TAG_BYTES);
        long ignored = call(Code.SEAL, plain, out, length);
        assert ignored == 0;
        MemorySegment.copy(bytes, TAG, out, ValueLayout.JAVA_BYTE, length, TAG_BYTES);
    }

    /**
     * Writes the plaintext.
     *
     * @param sealed ciphertext and tag, borrowed, heap or native, not overlapping {@code out}
     * @param out heap or native, {@link #TAG_BYTES} shorter; holds nothing of use when the result is false
     * @return whether it was sealed under this key and nonce
     */
    public boolean open(byte[] nonce, MemorySegment sealed, MemorySegment out) {
        long length = out.byteSize();
        check(nonce, length, sealed.byteSize() - TAG_BYTES);
        MemorySegment.copy(sealed, ValueLayout.JAVA_BYTE, length, bytes, TAG, TAG_BYTES);
        return call(Code.OPEN, sealed, out, length) == 0;
    }

    private void check(byte[] nonce, long length, long other) {
        if (length != other || length > MAX_BYTES) {
            throw new IllegalArgumentException("a message of " + length + " bytes, room for " + other);
        }
        System.arraycopy(nonce, 0, bytes, NONCE, NONCE_BYTES);
    }

    private long call(MethodHandle function, MemorySegment in, MemorySegment out, long length) {
        int rest = (int) (length % BLOCK_BYTES);
        words(REST_IN, 0, 0);
        MemorySegment.copy(in, ValueLayout.JAVA_BYTE, length - rest, bytes, REST_IN, rest);
        long result;
        try {
            result = (long)
                    function.invokeExact(workspace, in, out, length / BLOCK_BYTES, (long) rest, length * Byte.SIZE);
        } catch (Throwable e) {
            throw new IllegalStateException("machine code failed", e);
        }
        MemorySegment.copy(bytes, REST_OUT, out, ValueLayout.JAVA_BYTE, length - rest, rest);
        return result;
    }

    /**
     * The functions, assembled at the first message: workspace in RDI, input in RSI, output in RDX, whole blocks in RCX, bytes
     * behind them in R8, bits of the message in R9. Keys and data are in no branch and no address.
     */
    private static final class Code {
        private static final Vec[] X = new Vec[8];
        private static final Vec LOW = Vec.xmm(8);
        private static final Vec HIGH = Vec.xmm(9);
        private static final Vec MIDDLE = Vec.xmm(10);
        private static final Vec SPARE = Vec.xmm(11);
        /** The next block of the counter. */
        private static final Vec COUNTER = Vec.xmm(12);
        /** Of the authenticator. */
        private static final Vec SUM = Vec.xmm(13);

        private static final Vec POWER = Vec.xmm(14);
        private static final Vec FIELD = Vec.xmm(15);

        private static final Gp WORK = Gp.RDI;
        private static final Gp IN = Gp.RSI;
        private static final Gp OUT = Gp.RDX;
        private static final Gp BLOCKS = Gp.RCX;
        private static final Gp REST = Gp.R8;
        private static final Gp BITS = Gp.R9;
        private static final Gp AT = Gp.R10;
        private static final Gp LEFT = Gp.R11;

        static {
            for (int i = 0; i < X.length; i++) {
                X[i] = Vec.xmm(i);
            }
        }

        static final MethodHandle SEAL = MachineCode.link(seal());
        static final MethodHandle OPEN = MachineCode.link(open());

        /** Needs no more than AVX2 has, whatever the CPU. */
        private final Assembler asm = new Assembler(false);

        private static Assembler seal() {
            var code = new Code();
            code.deriveKeys();
            code.asm.mov(AT, IN);
            code.authenticate(REST_IN);
            code.asm.vmovdqu32(work(TAG), X[0]);
            code.asm.vpor(X[0], X[0], work(SET_TOP));
            code.asm.vmovdqa32(COUNTER, X[0]);
            code.crypt();
            code.asm.xor32(Gp.RAX, Gp.RAX);
            return code.end();
        }

        /** Returns 0 when the tags are equal. */
        private static Assembler open() {
            var code = new Code();
            code.deriveKeys();
            code.asm.vmovdqu32(COUNTER, work(TAG));
            code.asm.vpor(COUNTER, COUNTER, work(SET_TOP));
            code.asm.mov(AT, OUT);
            code.crypt();
            code.authenticate(REST_OUT);
            code.asm.vpxord(X[0], X[0], work(TAG));
            code.asm.vmovq(Gp.RAX, X[0]);
            code.asm.vpextrq(Gp.RCX, X[0], 1);
            code.asm.or(Gp.RAX, Gp.RCX);
            return code.end();
        }

        private static Mem work(int at) {
            return Mem.at(WORK, at);
        }

        private static Mem roundKey(int round) {
            return work(SCHEDULE + round * BLOCK_BYTES);
        }

        /** Six blocks of the key make those of this message (section 4); the powers are for four blocks at a time. */
        private void deriveKeys() {
            asm.vmovdqu32(X[0], work(KEY));
            asm.vmovdqu32(X[1], work(KEY + BLOCK_BYTES));
            expand(X[0], X[1]);
            asm.vmovdqu32(X[0], work(NONCE));
            asm.vpslldq(X[0], X[0], BLOCK_BYTES - NONCE_BYTES);
            for (int i = 1; i < 6; i++) {
                asm.vpaddd(X[i], X[i - 1], work(ONE));
            }
            encrypt(6);
            asm.vpunpcklqdq(POWER, X[0], X[1]);
            asm.vpunpcklqdq(X[0], X[2], X[3]);
            asm.vpunpcklqdq(X[1], X[4], X[5]);
            expand(X[0], X[1]);
            asm.vmovdqu32(FIELD, work(POLYNOMIAL));
            var few = new Label();
            asm.cmp(BLOCKS, 4);
            asm.j(Condition.BELOW, few);
            asm.vmovdqa32(SUM, POWER);
            for (int power = 1; power <= 4; power++) {
                if (power > 1) {
                    multiply(SUM);
                }
                asm.vmovdqu32(work(POWERS + (4 - power) * BLOCK_BYTES), SUM);
            }
            asm.bind(few);
        }

        /** Round keys (FIPS 197 section 5.2) of the key in {@code even} and {@code odd}, which are used up. */
        private void expand(Vec even, Vec odd) {
            asm.vmovdqu32(LOW, work(ROTATED));
            asm.vmovdqu32(HIGH, work(SPREAD));
            asm.vmovdqu32(roundKey(0), even);
            asm.vmovdqu32(roundKey(1), odd);
            for (int round = 2; round <= ROUNDS; round++) {
                boolean isEven = round % 2 == 0;
                Vec key = isEven ? even : odd;
                // Of four equal columns the rows can be shifted as they like: what is left of a round is the S-box.
                asm.vpshufb(MIDDLE, isEven ? odd : even, isEven ? LOW : HIGH);
                int constant = isEven ? ROUND_CONSTANTS + (round / 2 - 1) * BLOCK_BYTES : NOTHING;
                asm.vaesenclast(MIDDLE, MIDDLE, work(constant));
                for (int shift = 4; shift <= 8; shift *= 2) {
                    asm.vpslldq(SPARE, key, shift);
                    asm.vpxord(key, key, SPARE);
                }
                asm.vpxord(key, key, MIDDLE);
                asm.vmovdqu32(roundKey(round), key);
            }
        }

        /** Encrypts the first {@code count} of X at once. */
        private void encrypt(int count) {
            for (int i = 0; i < count; i++) {
                asm.vpxord(X[i], X[i], roundKey(0));
            }
            for (int round = 1; round < ROUNDS; round++) {
                for (int i = 0; i < count; i++) {
                    asm.vaesenc(X[i], X[i], roundKey(round));
                }
            }
            for (int i = 0; i < count; i++) {
                asm.vaesenclast(X[i], X[i], roundKey(ROUNDS));
            }
        }

        /** Runs the counter over the input (section 4, AES-CTR). */
        private void crypt() {
            asm.mov(LEFT, BLOCKS);
            for (int width : new int[] {8, 4, 1}) {
                var again = new Label();
                var done = new Label();
                asm.bind(again);
                asm.cmp(LEFT, width);
                asm.j(Condition.BELOW, done);
                keyStream(width);
                for (int i = 0; i < width; i++) {
                    asm.vpxord(X[i], X[i], Mem.at(IN, i * BLOCK_BYTES));
                    asm.vmovdqu32(Mem.at(OUT, i * BLOCK_BYTES), X[i]);
                }
                asm.add(IN, width * BLOCK_BYTES);
                asm.add(OUT, width * BLOCK_BYTES);
                asm.sub(LEFT, width);
                asm.jmp(again);
                asm.bind(done);
            }
            var whole = new Label();
            asm.test(REST, REST);
            asm.j(Condition.ZERO, whole);
            keyStream(1);
            asm.vpxord(X[0], X[0], work(REST_IN));
            asm.mov(Gp.RAX, WORK);
            asm.sub(Gp.RAX, REST);
            asm.vpand(X[0], X[0], Mem.at(Gp.RAX, MASKS + BLOCK_BYTES));
            asm.vmovdqu32(work(REST_OUT), X[0]);
            asm.bind(whole);
        }

        private void keyStream(int count) {
            asm.vmovdqa32(X[0], COUNTER);
            for (int i = 1; i < count; i++) {
                asm.vpaddd(X[i], X[i - 1], work(ONE));
            }
            asm.vpaddd(COUNTER, X[count - 1], work(ONE));
            encrypt(count);
        }

        /** Leaves the tag of the plaintext at AT, and in {@code rest}, in the first of X: POLYVAL, and what section 4 makes of it. */
        private void authenticate(int rest) {
            asm.vpxord(SUM, SUM, SUM);
            asm.mov(LEFT, BLOCKS);
            var four = new Label();
            var one = new Label();
            var last = new Label();
            var lengths = new Label();
            asm.bind(four);
            asm.cmp(LEFT, 4);
            asm.j(Condition.BELOW, one);
            for (int i = 0; i < 4; i++) {
                asm.vmovdqu32(X[i], Mem.at(AT, i * BLOCK_BYTES));
            }
            asm.vpxord(X[0], X[0], SUM);
            for (int i = 0; i < 4; i++) {
                asm.vmovdqu32(X[4], work(POWERS + i * BLOCK_BYTES));
                product(X[i], X[4], i == 0);
            }
            reduce(SUM);
            asm.add(AT, 4 * BLOCK_BYTES);
            asm.sub(LEFT, 4);
            asm.jmp(four);
            asm.bind(one);
            asm.test(LEFT, LEFT);
            asm.j(Condition.ZERO, last);
            asm.vpxord(SUM, SUM, Mem.at(AT));
            multiply(SUM);
            asm.add(AT, BLOCK_BYTES);
            asm.sub(LEFT, 1);
            asm.jmp(one);
            asm.bind(last);
            asm.test(REST, REST);
            asm.j(Condition.ZERO, lengths);
            asm.vpxord(SUM, SUM, work(rest));
            multiply(SUM);
            asm.bind(lengths);
            asm.vpxord(X[0], X[0], X[0]);
            asm.vpinsrq(X[0], X[0], BITS, 1);
            asm.vpxord(SUM, SUM, X[0]);
            multiply(SUM);
            asm.vpxord(SUM, SUM, work(NONCE));
            asm.vpand(SUM, SUM, work(CLEAR_TOP));
            asm.vmovdqa32(X[0], SUM);
            encrypt(1);
        }

        /** {@code factor = dot(factor, POWER)} (section 3). */
        private void multiply(Vec factor) {
            product(factor, POWER, true);
            reduce(factor);
        }

        /** The 256 bits of a product, or their sum with those of the ones before; the middle ones apart. */
        private void product(Vec left, Vec right, boolean isFirst) {
            if (isFirst) {
                asm.vpclmulqdq(LOW, left, right, 0x00);
                asm.vpclmulqdq(HIGH, left, right, 0x11);
                asm.vpclmulqdq(MIDDLE, left, right, 0x10);
            } else {
                asm.vpclmulqdq(SPARE, left, right, 0x00);
                asm.vpxord(LOW, LOW, SPARE);
                asm.vpclmulqdq(SPARE, left, right, 0x11);
                asm.vpxord(HIGH, HIGH, SPARE);
                asm.vpclmulqdq(SPARE, left, right, 0x10);
                asm.vpxord(MIDDLE, MIDDLE, SPARE);
            }
            asm.vpclmulqdq(SPARE, left, right, 0x01);
            asm.vpxord(MIDDLE, MIDDLE, SPARE);
        }

        /** Montgomery's reduction by x^128 + x^127 + x^126 + x^121 + 1, half a block at a time. */
        private void reduce(Vec to) {
            asm.vpslldq(SPARE, MIDDLE, Long.BYTES);
            asm.vpxord(LOW, LOW, SPARE);
            asm.vpsrldq(SPARE, MIDDLE, Long.BYTES);
            asm.vpxord(HIGH, HIGH, SPARE);
            for (int half = 0; half < 2; half++) {
                asm.vpclmulqdq(SPARE, LOW, FIELD, 0x10);
                asm.vpshufd(LOW, LOW, 0x4E);
                asm.vpxord(LOW, LOW, SPARE);
            }
            asm.vpxord(to, LOW, HIGH);
        }

        /** Nothing is left in registers. */
        private Assembler end() {
            for (int i = 0; i < 16; i++) {
                Vec register = Vec.xmm(i);
                asm.vpxord(register, register, register);
            }
            asm.vzeroupper();
            asm.ret();
            return asm;
        }
    }
}
