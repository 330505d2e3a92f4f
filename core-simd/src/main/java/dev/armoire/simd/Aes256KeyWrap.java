// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * Wraps and unwraps keys of 32 bytes under a key of 32 bytes (RFC 3394 with AES-256), on the CPU's AES instructions. Every
 * blob of an encrypted store has a key of its own, so this runs once per blob; through the JDK it runs on tables in Java
 * until C2 has compiled it, 20 times slower.
 *
 * <p>A schedule is {@link #SCHEDULE_BYTES} of the caller's memory that {@link #expand} has filled; it is as secret as its
 * key. Thread-safe.
 */
public final class Aes256KeyWrap {
    /** Bytes of a key, of either kind. */
    public static final int KEY_BYTES = 32;

    /** Bytes of a wrapped key. */
    public static final int WRAPPED_BYTES = KEY_BYTES + Long.BYTES;

    private static final int ROUNDS = 14;
    private static final int BLOCK_BYTES = 16;
    /** Where the keys of decryption begin, which are the inverted ones of encryption in the opposite order. */
    private static final int DECRYPTION_AT = (ROUNDS + 1) * BLOCK_BYTES;

    /** Bytes of a schedule, for both directions. */
    public static final int SCHEDULE_BYTES = 2 * DECRYPTION_AT;

    /** Words of a wrapped key, besides the one that is checked. */
    private static final int WORDS = KEY_BYTES / Long.BYTES;

    private static final int TURNS = 6;
    private static final long CHECK = 0xA6A6_A6A6_A6A6_A6A6L;

    private Aes256KeyWrap() {}

    /** Whether this CPU and system can run it; the other methods need that. */
    public static boolean isAvailable() {
        return Kernels.machineCode();
    }

    /**
     * Fills a schedule (FIPS 197 section 5.2).
     *
     * @param key 32 bytes, borrowed
     * @param schedule {@link #SCHEDULE_BYTES}, heap or native
     */
    public static void expand(byte[] key, MemorySegment schedule) {
        if (key.length != KEY_BYTES || schedule.byteSize() != SCHEDULE_BYTES) {
            throw new IllegalArgumentException(
                    "a key of " + key.length + " bytes, a schedule of " + schedule.byteSize());
        }
        byte[] box = substitution();
        byte[] word = new byte[4];
        MemorySegment.copy(key, 0, schedule, ValueLayout.JAVA_BYTE, 0, KEY_BYTES);
        int round = 1;
        for (int at = KEY_BYTES; at < DECRYPTION_AT; at += word.length) {
            MemorySegment.copy(schedule, ValueLayout.JAVA_BYTE, at - word.length, word, 0, word.length);
            if (at % KEY_BYTES == 0) {
                byte first = word[0];
                word[0] = (byte) (box[word[1] & 0xff] ^ round);
                word[1] = box[word[2] & 0xff];
                word[2] = box[word[3] & 0xff];
                word[3] = box[first & 0xff];
                round <<= 1;
            } else if (at % KEY_BYTES == KEY_BYTES / 2) {
                for (int i = 0; i < word.length; i++) {
                    word[i] = box[word[i] & 0xff];
                }
            }
            for (int i = 0; i < word.length; i++) {
                byte above = schedule.get(ValueLayout.JAVA_BYTE, at - KEY_BYTES + i);
                schedule.set(ValueLayout.JAVA_BYTE, at + i, (byte) (above ^ word[i]));
            }
        }
        call(Code.INVERT, schedule, MemorySegment.NULL, MemorySegment.NULL);
        Arrays.fill(word, (byte) 0);
    }

    /**
     * Wraps a key.
     *
     * @param subkey 32 bytes
     * @param wrapped receives {@link #WRAPPED_BYTES}
     */
    public static void wrap(MemorySegment schedule, MemorySegment subkey, MemorySegment wrapped) {
        check(schedule, subkey, wrapped);
        call(Code.WRAP, schedule, subkey, wrapped);
    }

    /**
     * Unwraps a key.
     *
     * @param wrapped {@link #WRAPPED_BYTES}
     * @param subkey receives 32 bytes, which are of no use when the result is false
     * @return whether it was wrapped under this key
     */
    public static boolean unwrap(MemorySegment schedule, MemorySegment wrapped, MemorySegment subkey) {
        check(schedule, subkey, wrapped);
        return call(Code.UNWRAP, schedule, wrapped, subkey) == CHECK;
    }

    private static void check(MemorySegment schedule, MemorySegment subkey, MemorySegment wrapped) {
        if (schedule.byteSize() < SCHEDULE_BYTES
                || subkey.byteSize() < KEY_BYTES
                || wrapped.byteSize() < WRAPPED_BYTES) {
            throw new IllegalArgumentException("a schedule of " + schedule.byteSize() + " bytes, a subkey of "
                    + subkey.byteSize() + ", wrapped " + wrapped.byteSize());
        }
    }

    private static long call(MethodHandle function, MemorySegment a, MemorySegment b, MemorySegment c) {
        try {
            return (long) function.invokeExact(a, b, c, 0L, 0L, 0L);
        } catch (Throwable e) {
            throw new IllegalStateException("machine code failed", e);
        }
    }

    /** The S-box: inverses in the field of 256 elements, then an affine map (FIPS 197 section 5.1.1). */
    private static byte[] substitution() {
        byte[] box = new byte[256];
        int element = 1;
        int inverse = 1;
        do {
            element = (element ^ element << 1 ^ ((element & 0x80) != 0 ? 0x11B : 0)) & 0xff; // times 3
            inverse ^= inverse << 1; // divided by 3
            inverse ^= inverse << 2;
            inverse ^= inverse << 4;
            inverse &= 0xff;
            if ((inverse & 0x80) != 0) {
                inverse ^= 0x09;
            }
            int twice = inverse << Byte.SIZE | inverse;
            box[element] = (byte) (inverse ^ twice >> 7 ^ twice >> 6 ^ twice >> 5 ^ twice >> 4 ^ 0x63);
        } while (element != 1);
        box[0] = 0x63;
        return box;
    }

    /** The functions, assembled when the first key is expanded. */
    private static final class Code {
        private static final Vec BLOCK = Vec.xmm(0);
        private static final Gp FIRST = Gp.RAX;
        private static final Gp[] REST = {Gp.R8, Gp.R9, Gp.R10, Gp.R11};
        private static final Gp TURN = Gp.RCX;

        static final MethodHandle INVERT = MachineCode.link(invert());
        static final MethodHandle WRAP = MachineCode.link(wrap());
        static final MethodHandle UNWRAP = MachineCode.link(unwrap());

        /** Makes the second half of the schedule at a. */
        private static Assembler invert() {
            var asm = new Assembler(false);
            for (int i = 0; i <= ROUNDS; i++) {
                Mem key = Mem.at(Gp.RDI, (ROUNDS - i) * BLOCK_BYTES);
                if (i == 0 || i == ROUNDS) {
                    asm.vmovdqu32(BLOCK, key);
                } else {
                    asm.vaesimc(BLOCK, key);
                }
                asm.vmovdqu32(Mem.at(Gp.RDI, DECRYPTION_AT + i * BLOCK_BYTES), BLOCK);
            }
            return end(asm);
        }

        /** Wraps the key at b into c under the schedule at a. */
        private static Assembler wrap() {
            var asm = new Assembler(false);
            for (int i = 0; i < WORDS; i++) {
                asm.mov(REST[i], Mem.at(Gp.RSI, i * Long.BYTES));
            }
            asm.mov(FIRST, CHECK);
            for (int turn = 1; turn <= TURNS * WORDS; turn++) {
                Gp word = REST[(turn - 1) % WORDS];
                join(asm, word);
                asm.vpxord(BLOCK, BLOCK, Mem.at(Gp.RDI));
                for (int i = 1; i < ROUNDS; i++) {
                    asm.vaesenc(BLOCK, BLOCK, Mem.at(Gp.RDI, i * BLOCK_BYTES));
                }
                asm.vaesenclast(BLOCK, BLOCK, Mem.at(Gp.RDI, ROUNDS * BLOCK_BYTES));
                split(asm, word);
                asm.mov(TURN, turnBits(turn));
                asm.xor(FIRST, TURN);
            }
            asm.mov(Mem.at(Gp.RDX), FIRST);
            for (int i = 0; i < WORDS; i++) {
                asm.mov(Mem.at(Gp.RDX, (i + 1) * Long.BYTES), REST[i]);
            }
            return end(asm);
        }

        /** Unwraps what is at b into c under the schedule at a; returns the word that is checked. */
        private static Assembler unwrap() {
            var asm = new Assembler(false);
            asm.mov(FIRST, Mem.at(Gp.RSI));
            for (int i = 0; i < WORDS; i++) {
                asm.mov(REST[i], Mem.at(Gp.RSI, (i + 1) * Long.BYTES));
            }
            for (int turn = TURNS * WORDS; turn >= 1; turn--) {
                Gp word = REST[(turn - 1) % WORDS];
                asm.mov(TURN, turnBits(turn));
                asm.xor(FIRST, TURN);
                join(asm, word);
                asm.vpxord(BLOCK, BLOCK, Mem.at(Gp.RDI, DECRYPTION_AT));
                for (int i = 1; i < ROUNDS; i++) {
                    asm.vaesdec(BLOCK, BLOCK, Mem.at(Gp.RDI, DECRYPTION_AT + i * BLOCK_BYTES));
                }
                asm.vaesdeclast(BLOCK, BLOCK, Mem.at(Gp.RDI, DECRYPTION_AT + ROUNDS * BLOCK_BYTES));
                split(asm, word);
            }
            for (int i = 0; i < WORDS; i++) {
                asm.mov(Mem.at(Gp.RDX, i * Long.BYTES), REST[i]);
            }
            return end(asm);
        }

        /** The number of the turn as a big-endian word. */
        private static long turnBits(int turn) {
            return Long.reverseBytes(turn);
        }

        private static void join(Assembler asm, Gp word) {
            asm.vmovq(BLOCK, FIRST);
            asm.vpinsrq(BLOCK, BLOCK, word, 1);
        }

        private static void split(Assembler asm, Gp word) {
            asm.vmovq(FIRST, BLOCK);
            asm.vpextrq(word, BLOCK, 1);
        }

        /** No key is left in a register that the caller does not overwrite soon, except by chance. */
        private static Assembler end(Assembler asm) {
            asm.vpxord(BLOCK, BLOCK, BLOCK);
            asm.vzeroupper();
            asm.ret();
            return asm;
        }
    }
}
