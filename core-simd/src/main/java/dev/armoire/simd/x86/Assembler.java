// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes machine code (Intel's manual, volume 2; AVX-512 as in its chapter 2.7). A method is an instruction and has its
 * name; operands come in the order of Intel's syntax, destination first. Names without a suffix work on all 64 bits of
 * general purpose registers, those with {@code 32} on the lower half and clear the upper one. Vector instructions are as
 * wide as their first vector operand and have the names of AVX-512. They are encoded with EVEX; for AVX2 with VEX, where registers
 * end at 15, vectors at 256 bits, and what has no such encoding is refused.
 *
 * <p>For one thread.
 */
public final class Assembler {
    private static final int REX = 0x40;
    private static final int REX_W = 0x48;

    /** Opcode maps. */
    private static final int MAP_0F = 1;

    private static final int MAP_0F38 = 2;
    private static final int MAP_0F3A = 3;

    /** Mandatory prefixes, as EVEX and VEX count them. */
    private static final int P66 = 1;

    private static final int PF3 = 2;
    private static final int PF2 = 3;

    private static final int NONE = 0;

    private static final int VEX_REGISTERS = 16;

    private final boolean isAvx512;
    private byte[] code = new byte[4096];
    private int length;

    /** Code for AVX-512. */
    public Assembler() {
        this(true);
    }

    /** @param isAvx512 whether vector instructions are those of AVX-512, or of AVX2 */
    public Assembler(boolean isAvx512) {
        this.isAvx512 = isAvx512;
    }

    /** Whether vector instructions are those of AVX-512. */
    public boolean isAvx512() {
        return isAvx512;
    }

    /** The code so far, a copy. */
    public byte[] toByteArray() {
        return Arrays.copyOf(code, length);
    }

    // ------------------------------------------------------------------------------------------ places and jumps

    /** Binds {@code label} to what comes next. */
    public void bind(Label label) {
        if (label.position != Label.UNBOUND) {
            throw new IllegalStateException("label is bound already");
        }
        label.position = length;
        for (int use : label.uses) {
            patch(use, label.position);
        }
    }

    /** Fills up with instructions that do nothing to a multiple of {@code bytes}. */
    public void align(int bytes) {
        while (length % bytes != 0) {
            emit(0x90);
        }
    }

    public void jmp(Label label) {
        emit(0xE9);
        use(label);
    }

    public void j(Condition condition, Label label) {
        emit(0x0F);
        emit(0x80 | condition.code);
        use(label);
    }

    public void ret() {
        emit(0xC3);
    }

    // ---------------------------------------------------------------------------------- general purpose registers

    public void push(Gp register) {
        rex(0, 0, 0, register.number(), false);
        emit(0x50 | (register.number() & 7));
    }

    public void pop(Gp register) {
        rex(0, 0, 0, register.number(), false);
        emit(0x58 | (register.number() & 7));
    }

    public void mov(Gp to, Gp from) {
        legacy(REX_W, 0x89, from.number(), to);
    }

    /** The shortest form that gives all 64 bits. */
    public void mov(Gp to, long value) {
        boolean wide = value >>> Integer.SIZE != 0;
        rex(wide ? REX_W : 0, 0, 0, to.number(), false);
        emit(0xB8 | (to.number() & 7));
        emitInt((int) value);
        if (wide) {
            emitInt((int) (value >>> Integer.SIZE));
        }
    }

    public void mov(Gp to, Mem from) {
        legacy(REX_W, 0x8B, to.number(), from);
    }

    public void mov(Mem to, Gp from) {
        legacy(REX_W, 0x89, from.number(), to);
    }

    public void mov32(Gp to, Mem from) {
        legacy(0, 0x8B, to.number(), from);
    }

    public void mov32(Gp to, Gp from) {
        legacy(0, 0x89, from.number(), to);
    }

    public void mov32(Mem to, Gp from) {
        legacy(0, 0x89, from.number(), to);
    }

    /** A byte, extended with zeros. */
    public void movzx8(Gp to, Mem from) {
        legacy2(0, 0xB6, to.number(), from);
    }

    /** The lowest byte, extended with zeros. */
    public void movzx8(Gp to, Gp from) {
        rex(REX, to.number(), 0, from.number(), true);
        emit(0x0F);
        emit(0xB6);
        modRegister(to.number(), from.number());
    }

    /** Bits 8 to 15 of RAX, RCX, RDX or RBX, extended with zeros into a register below R8. */
    public void movzx8High(Gp to, Gp from) {
        emit(0x0F);
        emit(0xB6);
        modRegister(to.number(), from.number() + 4);
    }

    public void lea(Gp to, Mem address) {
        legacy(REX_W, 0x8D, to.number(), address);
    }

    public void add(Gp to, Gp from) {
        legacy(REX_W, 0x01, from.number(), to);
    }

    public void add(Gp to, Mem from) {
        legacy(REX_W, 0x03, to.number(), from);
    }

    public void add(Gp to, int value) {
        immediate(REX_W, 0, to, value);
    }

    public void add32(Gp to, Gp from) {
        legacy(0, 0x01, from.number(), to);
    }

    public void add32(Gp to, Mem from) {
        legacy(0, 0x03, to.number(), from);
    }

    public void add32(Gp to, int value) {
        immediate(0, 0, to, value);
    }

    /** Adds a small number to 32 bits in memory. */
    public void add32(Mem to, int value) {
        legacy(0, 0x83, 0, to);
        emit(value);
    }

    public void sub(Gp to, Gp from) {
        legacy(REX_W, 0x29, from.number(), to);
    }

    public void sub(Gp to, Mem from) {
        legacy(REX_W, 0x2B, to.number(), from);
    }

    public void sub(Gp to, int value) {
        immediate(REX_W, 5, to, value);
    }

    public void and(Gp to, Gp from) {
        legacy(REX_W, 0x21, from.number(), to);
    }

    public void and(Gp to, int value) {
        immediate(REX_W, 4, to, value);
    }

    public void or(Gp to, Gp from) {
        legacy(REX_W, 0x09, from.number(), to);
    }

    public void xor(Gp to, Gp from) {
        legacy(REX_W, 0x31, from.number(), to);
    }

    public void xor(Gp to, Mem from) {
        legacy(REX_W, 0x33, to.number(), from);
    }

    /** Copies if the condition holds. */
    public void cmov(Condition condition, Gp to, Gp from) {
        legacy2(REX_W, 0x40 | condition.code, to.number(), from);
    }

    public void xor32(Gp to, Gp from) {
        legacy(0, 0x31, from.number(), to);
    }

    public void cmp(Gp left, Gp right) {
        legacy(REX_W, 0x39, right.number(), left);
    }

    public void cmp(Gp left, int right) {
        immediate(REX_W, 7, left, right);
    }

    public void test(Gp left, Gp right) {
        legacy(REX_W, 0x85, right.number(), left);
    }

    public void shl(Gp register, int bits) {
        legacy(REX_W, 0xC1, 4, register);
        emit(bits);
    }

    public void shr(Gp register, int bits) {
        legacy(REX_W, 0xC1, 5, register);
        emit(bits);
    }

    public void rol32(Gp register, int bits) {
        legacy(0, 0xC1, 0, register);
        emit(bits);
    }

    public void imul(Gp to, Gp from) {
        legacy2(REX_W, 0xAF, to.number(), from);
    }

    public void imul(Gp to, Mem from) {
        legacy2(REX_W, 0xAF, to.number(), from);
    }

    /** RDX, RAX: the 128 bits of the unsigned product of RAX and {@code by}. */
    public void mul(Mem by) {
        legacy(REX_W, 0xF7, 4, by);
    }

    public void imul32(Gp to, Gp from) {
        legacy2(0, 0xAF, to.number(), from);
    }

    public void imul32(Gp to, Mem from) {
        legacy2(0, 0xAF, to.number(), from);
    }

    /** Number of the lowest bit that is set. */
    public void tzcnt(Gp to, Gp from) {
        emit(0xF3);
        legacy2(REX_W, 0xBC, to.number(), from);
    }

    /** Asks for the cache line at {@code address} to be brought into the first-level cache. */
    public void prefetcht0(Mem address) {
        legacy2(0, 0x18, 1, address);
    }

    public void cpuid() {
        emit(0x0F);
        emit(0xA2);
    }

    public void xgetbv() {
        emit(0x0F);
        emit(0x01);
        emit(0xD0);
    }

    // ------------------------------------------------------------------------------------------------- AVX-512

    public void vmovdqu32(Vec to, Mem from) {
        evex(MAP_0F, PF3, 0, 0x6F, to, NONE, from, NONE);
    }

    public void vmovdqu32(Mem to, Vec from) {
        evex(MAP_0F, PF3, 0, 0x7F, from, NONE, to, NONE);
    }

    public void vmovdqa32(Vec to, Vec from) {
        evex(MAP_0F, P66, 0, 0x6F, to, NONE, from);
    }

    public void vpaddd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0xFE, to, left.number(), right);
    }

    public void vpaddd(Vec to, Vec left, Mem right) {
        evex(MAP_0F, P66, 0, 0xFE, to, left.number(), right, NONE);
    }

    public void vpaddq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0xD4, to, left.number(), right);
    }

    public void vpmuludq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0xF4, to, left.number(), right);
    }

    /** The lower halves of the products. */
    public void vpmulld(Vec to, Vec left, Mem right) {
        evex(MAP_0F38, P66, 0, 0x40, to, left.number(), right, NONE);
    }

    public void vpxord(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0xEF, to, left.number(), right);
    }

    public void vpxord(Vec to, Vec left, Mem right) {
        evex(MAP_0F, P66, 0, 0xEF, to, left.number(), right, NONE);
    }

    /** Any function of three bits: bit {@code 4 * to + 2 * left + right} of {@code table} is the result. */
    public void vpternlogd(Vec to, Vec left, Vec right, int table) {
        requireAvx512();
        evex(MAP_0F3A, P66, 0, 0x25, to, left.number(), right);
        emit(table);
    }

    public void vpternlogd(Vec to, Vec left, Mem right, int table) {
        requireAvx512();
        evex(MAP_0F3A, P66, 0, 0x25, to, left.number(), right, NONE);
        emit(table);
    }

    public void vprord(Vec to, Vec from, int bits) {
        requireAvx512();
        evex(MAP_0F, P66, 0, 0x72, new Vec(0, to.bits()), to.number(), from);
        emit(bits);
    }

    public void vprorq(Vec to, Vec from, int bits) {
        requireAvx512();
        evex(MAP_0F, P66, laneBit(), 0x72, new Vec(0, to.bits()), to.number(), from);
        emit(bits);
    }

    public void vpsllq(Vec to, Vec from, int bits) {
        evex(MAP_0F, P66, laneBit(), 0x73, new Vec(6, to.bits()), to.number(), from);
        emit(bits);
    }

    public void vpsrlq(Vec to, Vec from, int bits) {
        evex(MAP_0F, P66, laneBit(), 0x73, new Vec(2, to.bits()), to.number(), from);
        emit(bits);
    }

    /** Shifts each 128-bit lane by bytes. */
    public void vpslldq(Vec to, Vec from, int bytes) {
        evex(MAP_0F, P66, 0, 0x73, new Vec(7, to.bits()), to.number(), from);
        emit(bytes);
    }

    /** Shifts each 128-bit lane by bytes. */
    public void vpsrldq(Vec to, Vec from, int bytes) {
        evex(MAP_0F, P66, 0, 0x73, new Vec(3, to.bits()), to.number(), from);
        emit(bytes);
    }

    public void vpshufd(Vec to, Vec from, int order) {
        evex(MAP_0F, P66, 0, 0x70, to, NONE, from);
        emit(order);
    }

    /** Orders the four 64-bit lanes of each half by two bits each of {@code order}. */
    public void vpermq(Vec to, Vec from, int order) {
        evex(MAP_0F3A, P66, 1, 0x00, to, NONE, from);
        emit(order);
    }

    public void vpermq(Vec to, Vec indexes, Vec from) {
        requireAvx512();
        evex(MAP_0F38, P66, 1, 0x36, to, indexes.number(), from);
    }

    public void vpermd(Vec to, Vec indexes, Vec from) {
        evex(MAP_0F38, P66, 0, 0x36, to, indexes.number(), from);
    }

    public void vpermd(Vec to, Vec indexes, Mem from) {
        evex(MAP_0F38, P66, 0, 0x36, to, indexes.number(), from, NONE);
    }

    public void vpunpckldq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x62, to, left.number(), right);
    }

    public void vpunpckhdq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x6A, to, left.number(), right);
    }

    public void vpunpcklqdq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x6C, to, left.number(), right);
    }

    public void vpunpckhqdq(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x6D, to, left.number(), right);
    }

    public void vpunpcklbw(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x60, to, left.number(), right);
    }

    public void vpunpckhbw(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x68, to, left.number(), right);
    }

    public void vpunpcklwd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x61, to, left.number(), right);
    }

    public void vpunpckhwd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, 0, 0x69, to, left.number(), right);
    }

    /** Orders the bytes of each 128-bit lane. */
    public void vpshufb(Vec to, Vec from, Vec indexes) {
        evex(MAP_0F38, P66, 0, 0x00, to, from.number(), indexes);
    }

    /**
     * Picks from 2 x 64 bytes, where the bit of a byte in mask register {@code mask} (1 to 7) is set: {@code to} holds the
     * indexes and receives the result. Needs AVX512_VBMI.
     */
    public void vpermi2b(Vec to, Vec low, Vec high, int mask) {
        requireAvx512();
        evex(MAP_0F38, P66, 0, 0x75, to, low.number(), high, mask);
    }

    /** Two 128-bit lanes of {@code left}, then two of {@code right}, by two bits each of {@code order} (512 bits). */
    public void vshufi32x4(Vec to, Vec left, Vec right, int order) {
        requireAvx512();
        evex(MAP_0F3A, P66, 0, 0x43, to, left.number(), right);
        emit(order);
    }

    public void vinserti32x4(Vec to, Vec from, Vec part, int lane) {
        evex(MAP_0F3A, P66, 0, 0x38, to, from.number(), part);
        emit(lane);
    }

    public void vinserti32x4(Vec to, Vec from, Mem part, int lane) {
        evex(MAP_0F3A, P66, 0, 0x38, to, from.number(), part, NONE, 16);
        emit(lane);
    }

    public void vextracti32x4(Mem to, Vec from, int lane) {
        evex(MAP_0F3A, P66, 0, 0x39, from, NONE, to, NONE, 16);
        emit(lane);
    }

    public void vextracti32x4(Vec to, Vec from, int lane) {
        evex(MAP_0F3A, P66, 0, 0x39, from, NONE, to);
        emit(lane);
    }

    public void vpbroadcastd(Vec to, Gp from) {
        requireAvx512();
        evex(MAP_0F38, P66, 0, 0x7C, to, NONE, new Vec(from.number(), 128));
    }

    public void vpbroadcastq(Vec to, Gp from) {
        requireAvx512();
        evex(MAP_0F38, P66, 1, 0x7C, to, NONE, new Vec(from.number(), 128));
    }

    public void vpbroadcastd(Vec to, Mem from) {
        evex(MAP_0F38, P66, 0, 0x58, to, NONE, from, NONE, Integer.BYTES);
    }

    public void vmovq(Vec to, Gp from) {
        evex(MAP_0F, P66, 1, 0x6E, new Vec(to.number(), 128), NONE, new Vec(from.number(), 128));
    }

    public void vmovq(Gp to, Vec from) {
        evex(MAP_0F, P66, 1, 0x7E, new Vec(from.number(), 128), NONE, new Vec(to.number(), 128));
    }

    /** Bits of mask register {@code mask} (0 to 7): which 64-bit lanes have no bit in common. */
    public void vptestnmq(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F38, PF3, 1, 0x27, new Vec(mask, left.bits()), left.number(), right);
    }

    /** Bits of mask register {@code mask}: which 64-bit lanes have a bit in common. */
    public void vptestmq(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F38, P66, 1, 0x27, new Vec(mask, left.bits()), left.number(), right);
    }

    /** Clears the bits of mask register {@code mask} (1 to 7) whose 64-bit lanes have no bit in common. */
    public void vptestmqAnd(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F38, P66, 1, 0x27, new Vec(mask, left.bits()), left.number(), right, mask);
    }

    /** Bits of mask register {@code mask}: the highest bits of the bytes. */
    public void vpmovb2m(int mask, Vec from) {
        requireAvx512();
        evex(MAP_0F38, PF3, 0, 0x29, new Vec(mask, from.bits()), NONE, from);
    }

    /** Bits of mask register {@code mask}: which unsigned 32-bit lanes of {@code left} are less than those of {@code right}. */
    public void vpcmpltud(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F3A, P66, 0, 0x1E, new Vec(mask, left.bits()), left.number(), right);
        emit(1);
    }

    /** Adds {@code right} in the lanes whose bit in mask register {@code mask} is set, and copies {@code left} in others. */
    public void vpaddd(Vec to, Vec left, Vec right, int mask) {
        evex(MAP_0F, P66, 0, 0xFE, to, left.number(), right, mask);
    }

    public void kmovq(Gp to, int mask) {
        requireAvx512();
        vex(MAP_0F, PF2, 1, 0x93, to.number(), NONE, mask);
    }

    public void knotq(int to, int from) {
        requireAvx512();
        vex(MAP_0F, NONE, 1, 0x44, to, NONE, from);
    }

    public void vpbroadcastq(Vec to, Mem from) {
        evex(MAP_0F38, P66, laneBit(), 0x59, to, NONE, from, NONE, Long.BYTES);
    }

    // ------------------------------------------------------------------------------ floating point, 64-bit lanes

    public void vaddpd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x58, to, left.number(), right);
    }

    public void vsubpd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x5C, to, left.number(), right);
    }

    /** Only in the lanes whose bit in mask register {@code mask} (1 to 7) is set. */
    public void vsubpd(Vec to, Vec left, Vec right, int mask) {
        evex(MAP_0F, P66, laneBit(), 0x5C, to, left.number(), right, mask);
    }

    public void vmulpd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x59, to, left.number(), right);
    }

    /** Only in the lanes whose bit in mask register {@code mask} (1 to 7) is set. */
    public void vaddpd(Vec to, Vec left, Vec right, int mask) {
        evex(MAP_0F, P66, laneBit(), 0x58, to, left.number(), right, mask);
    }

    public void vdivpd(Vec to, Vec left, Vec right) {
        evex(MAP_0F, P66, laneBit(), 0x5E, to, left.number(), right);
    }

    /** Subtracts the double at {@code right} in the lowest lane. */
    public void vsubsd(Vec to, Vec left, Mem right) {
        evex(MAP_0F, PF2, laneBit(), 0x5C, to, left.number(), right, NONE, Double.BYTES);
    }

    /** Bits of mask register {@code mask}: which lanes of {@code left} are less than those of {@code right}. */
    public void vcmpltpd(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F, P66, laneBit(), 0xC2, new Vec(mask, left.bits()), left.number(), right);
        emit(1);
    }

    /** Bits of mask register {@code mask}: which lanes are equal. */
    public void vcmpeqpd(int mask, Vec left, Vec right) {
        requireAvx512();
        evex(MAP_0F, P66, laneBit(), 0xC2, new Vec(mask, left.bits()), left.number(), right);
        emit(0);
    }

    /** Unsigned integers of 64 bits. */
    public void vcvtuqq2pd(Vec to, Vec from) {
        requireAvx512();
        evex(MAP_0F, PF3, 1, 0x7A, to, NONE, from);
    }

    /** Unsigned integers of 32 bits, in half as wide a register. */
    public void vcvtudq2pd(Vec to, Vec from) {
        requireAvx512();
        evex(MAP_0F, PF3, 0, 0x7A, to, NONE, from);
    }

    // ------------------------------------------------------------------------------------------------ switching

    // ---------------------------------------------- AES and carry-less products, on vector registers 0 to 15

    /** Product of polynomials over bits: bit 0 of {@code halves} chooses that of {@code left}, bit 4 that of {@code right}. */
    public void vpclmulqdq(Vec to, Vec left, Vec right, int halves) {
        vex(MAP_0F3A, P66, 0, 0x44, to.number(), left.number(), right.number());
        emit(halves);
    }

    /** A round of encryption. */
    public void vaesenc(Vec to, Vec from, Mem key) {
        vex(MAP_0F38, P66, 0, 0xDC, to, from.number(), key);
    }

    /** The last round of encryption. */
    public void vaesenclast(Vec to, Vec from, Mem key) {
        vex(MAP_0F38, P66, 0, 0xDD, to, from.number(), key);
    }

    /** A round of decryption, with a key from {@link #vaesimc}. */
    public void vaesdec(Vec to, Vec from, Mem key) {
        vex(MAP_0F38, P66, 0, 0xDE, to, from.number(), key);
    }

    /** The last round of decryption. */
    public void vaesdeclast(Vec to, Vec from, Mem key) {
        vex(MAP_0F38, P66, 0, 0xDF, to, from.number(), key);
    }

    /** Makes a key for decryption of one for encryption. */
    public void vaesimc(Vec to, Mem key) {
        vex(MAP_0F38, P66, 0, 0xDB, to, NONE, key);
    }

    public void vpinsrq(Vec to, Vec from, Gp value, int lane) {
        vex(MAP_0F3A, P66, 1, 0x22, to.number(), from.number(), value.number());
        emit(lane);
    }

    public void vpextrq(Gp to, Vec from, int lane) {
        vex(MAP_0F3A, P66, 1, 0x16, from.number(), NONE, to.number());
        emit(lane);
    }

    // ---------------------------------------------------------- what AVX-512 has better ways for, with VEX alone

    public void vpand(Vec to, Vec left, Mem right) {
        vex(MAP_0F, P66, 0, 0xDB, to, left.number(), right);
    }

    public void vpor(Vec to, Vec left, Vec right) {
        vex(MAP_0F, P66, 0, 0xEB, to, left.number(), right);
    }

    public void vpor(Vec to, Vec left, Mem right) {
        vex(MAP_0F, P66, 0, 0xEB, to, left.number(), right);
    }

    public void vpslld(Vec to, Vec from, int bits) {
        vex(MAP_0F, P66, 0, 0x72, new Vec(6, to.bits()), to.number(), from);
        emit(bits);
    }

    public void vpsrld(Vec to, Vec from, int bits) {
        vex(MAP_0F, P66, 0, 0x72, new Vec(2, to.bits()), to.number(), from);
        emit(bits);
    }

    /** Orders the bytes of each 128-bit lane. */
    public void vpshufb(Vec to, Vec from, Mem indexes) {
        vex(MAP_0F38, P66, 0, 0x00, to, from.number(), indexes);
    }

    /** 32-bit lanes of {@code right} where {@code lanes} has their bit, else of {@code left}. */
    public void vpblendd(Vec to, Vec left, Vec right, int lanes) {
        vex(MAP_0F3A, P66, 0, 0x02, to, left.number(), right);
        emit(lanes);
    }

    public void vpand(Vec to, Vec left, Vec right) {
        vex(MAP_0F, P66, 0, 0xDB, to, left.number(), right);
    }

    /** Of each 128-bit lane of {@code high} and {@code low} behind each other, what begins {@code bytes} into {@code low}. */
    public void vpalignr(Vec to, Vec high, Vec low, int bytes) {
        vex(MAP_0F3A, P66, 0, 0x0F, to, high.number(), low);
        emit(bytes);
    }

    /** Unsigned integers of 32 bits, in half as wide a register, as ones of 64. */
    public void vpmovzxdq(Vec to, Vec from) {
        vex(MAP_0F38, P66, 0, 0x35, to, NONE, from);
    }

    /** Compares with zero: {@link Condition#ZERO} if there is no bit in common. */
    public void vptest(Vec left, Vec right) {
        vex(MAP_0F38, P66, 0, 0x17, left, NONE, right);
    }

    /** All ones in the 64-bit lanes where {@code left} is less than {@code right}, as floating point. */
    public void vcmpltpd(Vec to, Vec left, Vec right) {
        vex(MAP_0F, P66, 0, 0xC2, to, left.number(), right);
        emit(1);
    }

    /** The lowest 32 bits in every lane. */
    public void vpbroadcastd(Vec to, Vec from) {
        vex(MAP_0F38, P66, 0, 0x58, to, NONE, new Vec(from.number(), 128));
    }

    /** The lowest 64 bits in every lane. */
    public void vpbroadcastq(Vec to, Vec from) {
        vex(MAP_0F38, P66, 0, 0x59, to, NONE, new Vec(from.number(), 128));
    }

    /** Spares the code that follows the cost of mixing with older vector instructions. */
    public void vzeroupper() {
        emit(0xC5);
        emit(0xF8);
        emit(0x77);
    }

    // ------------------------------------------------------------------------------------------------ encodings

    private void legacy(int rex, int opcode, int reg, Gp rm) {
        rex(rex, reg, 0, rm.number(), false);
        emit(opcode);
        modRegister(reg, rm.number());
    }

    private void legacy(int rex, int opcode, int reg, Mem rm) {
        rex(rex, reg, indexOf(rm), rm.base().number(), false);
        emit(opcode);
        modMemory(reg, rm, 1);
    }

    private void legacy2(int rex, int opcode, int reg, Gp rm) {
        rex(rex, reg, 0, rm.number(), false);
        emit(0x0F);
        emit(opcode);
        modRegister(reg, rm.number());
    }

    private void legacy2(int rex, int opcode, int reg, Mem rm) {
        rex(rex, reg, indexOf(rm), rm.base().number(), false);
        emit(0x0F);
        emit(opcode);
        modMemory(reg, rm, 1);
    }

    private void immediate(int rex, int extension, Gp to, int value) {
        boolean small = value == (byte) value;
        legacy(rex, small ? 0x83 : 0x81, extension, to);
        if (small) {
            emit(value);
        } else {
            emitInt(value);
        }
    }

    private void rex(int bits, int reg, int index, int base, boolean always) {
        int prefix = bits | REX | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);
        if (prefix != REX || always) {
            emit(prefix);
        }
    }

    private void vex(int map, int prefix, int w, int opcode, int reg, int second, int rm) {
        vexPrefix(map, prefix, w, reg, second, 0, rm >> 3, 128);
        emit(opcode);
        modRegister(reg, rm);
    }

    private void vex(int map, int prefix, int w, int opcode, Vec reg, int second, Vec rm) {
        vexPrefix(map, prefix, w, reg.number(), second, 0, rm.number() >> 3, widest(reg, rm));
        emit(opcode);
        modRegister(reg.number(), rm.number());
    }

    private void vex(int map, int prefix, int w, int opcode, Vec reg, int second, Mem rm) {
        vexPrefix(
                map,
                prefix,
                w,
                reg.number(),
                second,
                indexOf(rm) >> 3,
                rm.base().number() >> 3,
                reg.bits());
        emit(opcode);
        modMemory(reg.number(), rm, 1);
    }

    private void vexPrefix(int map, int prefix, int w, int reg, int second, int x, int b, int bits) {
        if (reg >= VEX_REGISTERS || second >= VEX_REGISTERS || b > 1 || bits > 256) {
            throw new IllegalArgumentException("AVX2 has 16 vector registers of 256 bits");
        }
        emit(0xC4);
        emit((reg >> 3 << 7 | x << 6 | b << 5) ^ 0xE0 | map);
        emit(w << 7 | (~second & 0xF) << 3 | bits / 256 << 2 | prefix);
    }

    private void evex(int map, int prefix, int w, int opcode, Vec reg, int second, Vec rm) {
        evex(map, prefix, w, opcode, reg, second, rm, NONE);
    }

    private void evex(int map, int prefix, int w, int opcode, Vec reg, int second, Vec rm, int mask) {
        if (!isAvx512) {
            requireNoMask(mask);
            vex(map, prefix, w, opcode, reg, second, rm);
            return;
        }
        // The fourth bit of rm goes where that of an index would be.
        evexPrefix(
                map,
                prefix,
                w,
                reg.number(),
                second,
                rm.number() >> 4 & 1,
                rm.number() >> 3 & 1,
                widest(reg, rm),
                mask);
        emit(opcode);
        modRegister(reg.number(), rm.number());
    }

    private void evex(int map, int prefix, int w, int opcode, Vec reg, int second, Mem rm, int mask) {
        evex(map, prefix, w, opcode, reg, second, rm, mask, reg.bits() / Byte.SIZE);
    }

    /** {@code memoryBytes} is the unit of short displacements: what the instruction reads or writes. */
    private void evex(int map, int prefix, int w, int opcode, Vec reg, int second, Mem rm, int mask, int memoryBytes) {
        if (!isAvx512) {
            requireNoMask(mask);
            vex(map, prefix, w, opcode, reg, second, rm);
            return;
        }
        evexPrefix(
                map,
                prefix,
                w,
                reg.number(),
                second,
                indexOf(rm) >> 3,
                rm.base().number() >> 3,
                reg.bits(),
                mask);
        emit(opcode);
        modMemory(reg.number(), rm, memoryBytes);
    }

    /** That lanes have 64 bits EVEX wants to be told, where VEX has nothing to say. */
    private int laneBit() {
        return isAvx512 ? 1 : 0;
    }

    private static void requireNoMask(int mask) {
        if (mask != NONE) {
            throw new IllegalArgumentException("AVX2 has no mask registers");
        }
    }

    /** For instructions that VEX has no encoding for. */
    private void requireAvx512() {
        if (!isAvx512) {
            throw new IllegalArgumentException("AVX2 has no such instruction");
        }
    }

    private void evexPrefix(int map, int prefix, int w, int reg, int second, int x, int b, int bits, int mask) {
        emit(0x62);
        emit(((reg >> 3 & 1) << 7 | x << 6 | b << 5 | (reg >> 4 & 1) << 4) ^ 0xF0 | map);
        emit(w << 7 | (~second & 0xF) << 3 | 1 << 2 | prefix);
        emit(bits / 256 << 5 | (~second >> 4 & 1) << 3 | mask);
    }

    /** An instruction that takes a part of a wider register is as wide as that. */
    private static int widest(Vec reg, Vec rm) {
        return Math.max(reg.bits(), rm.bits());
    }

    private static int indexOf(Mem memory) {
        Gp index = memory.index();
        return index == null ? 0 : index.number();
    }

    private void modRegister(int reg, int rm) {
        emit(0xC0 | (reg & 7) << 3 | (rm & 7));
    }

    private void modMemory(int reg, Mem rm, int unit) {
        int base = rm.base().number() & 7;
        int displacement = rm.displacement();
        int shortForm = displacement / unit;
        int mod;
        if (displacement == 0 && base != Gp.RBP.number()) {
            mod = 0;
        } else if (displacement % unit == 0 && shortForm == (byte) shortForm) {
            mod = 1;
        } else {
            mod = 2;
        }
        @Nullable Gp index = rm.index();
        if (index == null && base != Gp.RSP.number()) {
            emit(mod << 6 | (reg & 7) << 3 | base);
        } else {
            int indexBits = index == null ? Gp.RSP.number() : index.number() & 7;
            emit(mod << 6 | (reg & 7) << 3 | Gp.RSP.number());
            emit(Integer.numberOfTrailingZeros(rm.scale()) << 6 | indexBits << 3 | base);
        }
        if (mod == 1) {
            emit(shortForm);
        } else if (mod == 2) {
            emitInt(displacement);
        }
    }

    private void use(Label label) {
        int at = length;
        emitInt(0);
        if (label.position == Label.UNBOUND) {
            label.uses.add(at);
        } else {
            patch(at, label.position);
        }
    }

    private void patch(int at, int target) {
        int distance = target - (at + Integer.BYTES);
        for (int i = 0; i < Integer.BYTES; i++) {
            code[at + i] = (byte) (distance >> Byte.SIZE * i);
        }
    }

    private void emit(int value) {
        if (length == code.length) {
            code = Arrays.copyOf(code, 2 * length);
        }
        code[length++] = (byte) value;
    }

    private void emitInt(int value) {
        for (int i = 0; i < Integer.BYTES; i++) {
            emit(value >> Byte.SIZE * i);
        }
    }
}
