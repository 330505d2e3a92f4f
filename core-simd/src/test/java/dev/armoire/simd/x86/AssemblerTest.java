// SPDX-License-Identifier: ISC
package dev.armoire.simd.x86;

import static dev.armoire.simd.x86.Gp.*;
import static dev.armoire.simd.x86.Vec.xmm;
import static dev.armoire.simd.x86.Vec.ymm;
import static dev.armoire.simd.x86.Vec.zmm;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every instruction against what GNU as makes of its text, which {@code gnu-as.txt} holds. */
class AssemblerTest {
    private static final Map<String, String> EXPECTED = expected();

    private static Map<String, String> expected() {
        try (var file = Objects.requireNonNull(AssemblerTest.class.getResourceAsStream("gnu-as.txt"))) {
            return new String(file.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" ", 2))
                    .collect(Collectors.toMap(parts -> parts[1], parts -> parts[0]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void same(String text, Consumer<Assembler> instruction) {
        same(text, new Assembler(), instruction);
    }

    /** AVX2 knows the instructions of AVX-512 by other encodings, and some by other names. */
    private static void sameAvx2(String text, Consumer<Assembler> instruction) {
        same("{vex3} " + text, new Assembler(false), instruction);
    }

    private static void same(String text, Assembler asm, Consumer<Assembler> instruction) {
        instruction.accept(asm);
        assertThat(HexFormat.of().formatHex(asm.toByteArray())).as(text).isEqualTo(EXPECTED.get(text));
    }

    @Test
    void aesInstructions() {
        same("vaesenc xmm0,xmm0,[rdi+16]", a -> a.vaesenc(xmm(0), xmm(0), Mem.at(RDI, 16)));
        same("vaesenc xmm9,xmm3,[r12]", a -> a.vaesenc(xmm(9), xmm(3), Mem.at(R12)));
        same("vaesenclast xmm1,xmm2,[rdi+224]", a -> a.vaesenclast(xmm(1), xmm(2), Mem.at(RDI, 224)));
        same("vaesdec xmm0,xmm15,[r13+r9*8]", a -> a.vaesdec(xmm(0), xmm(15), Mem.at(R13, R9, 8, 0)));
        same("vaesdeclast xmm0,xmm0,[rdi+464]", a -> a.vaesdeclast(xmm(0), xmm(0), Mem.at(RDI, 464)));
        same("vaesimc xmm0,[rdi+208]", a -> a.vaesimc(xmm(0), Mem.at(RDI, 208)));
        same("{vex3} vpinsrq xmm0,xmm0,r11,1", a -> a.vpinsrq(xmm(0), xmm(0), R11, 1));
        same("{vex3} vpinsrq xmm9,xmm3,rax,0", a -> a.vpinsrq(xmm(9), xmm(3), RAX, 0));
        same("{vex3} vpextrq r8,xmm0,1", a -> a.vpextrq(R8, xmm(0), 1));
        same("{vex3} vpextrq rcx,xmm11,1", a -> a.vpextrq(RCX, xmm(11), 1));
        same("{vex3} vpclmulqdq xmm8,xmm0,xmm14,0x11", a -> a.vpclmulqdq(xmm(8), xmm(0), xmm(14), 0x11));
        same("{vex3} vpclmulqdq xmm1,xmm12,xmm3,0x10", a -> a.vpclmulqdq(xmm(1), xmm(12), xmm(3), 0x10));
        same("{evex} vpslldq xmm11,xmm10,8", a -> a.vpslldq(xmm(11), xmm(10), 8));
        same("{evex} vpslldq xmm0,xmm17,4", a -> a.vpslldq(xmm(0), xmm(17), 4));
        same("{evex} vpsrldq xmm11,xmm2,8", a -> a.vpsrldq(xmm(11), xmm(2), 8));
        same("{evex} vmovq xmm0,rax", a -> a.vmovq(xmm(0), RAX));
        same("{evex} vmovq xmm17,r9", a -> a.vmovq(xmm(17), R9));
    }

    @Test
    void generalPurposeInstructions() {
        same("push rbx", a -> a.push(RBX));
        same("push r12", a -> a.push(R12));
        same("pop r15", a -> a.pop(R15));
        same("mov rax,r9", a -> a.mov(RAX, R9));
        same("mov r9,rsp", a -> a.mov(R9, RSP));
        same("mov eax,1", a -> a.mov(RAX, 1));
        same("movabs r10,0x123456789abcdef0", a -> a.mov(R10, 0x123456789abcdef0L));
        same("mov rax,[rsp+8]", a -> a.mov(RAX, Mem.at(RSP, 8)));
        same("mov r8,[r13]", a -> a.mov(R8, Mem.at(R13)));
        same("mov r8,[r12+r9*4+1000]", a -> a.mov(R8, Mem.at(R12, R9, 4, 1000)));
        same("mov [rbp+rax*8],r11", a -> a.mov(Mem.at(RBP, RAX, 8, 0), R11));
        same("mov r10d,[rdi-4]", a -> a.mov32(R10, Mem.at(RDI, -4)));
        same("mov [r14+128],eax", a -> a.mov32(Mem.at(R14, 128), RAX));
        same("mov eax,r9d", a -> a.mov32(RAX, R9));
        same("movzx eax,byte ptr [rsi+r15]", a -> a.movzx8(RAX, Mem.at(RSI, R15, 1, 0)));
        same("movzx r9d,sil", a -> a.movzx8(R9, RSI));
        same("movzx r9d,r11b", a -> a.movzx8(R9, R11));
        same("lea rax,[rbx+rax*2]", a -> a.lea(RAX, Mem.at(RBX, RAX, 2, 0)));
        same("add rax,r9", a -> a.add(RAX, R9));
        same("add r9,[rdi+8]", a -> a.add(R9, Mem.at(RDI, 8)));
        same("add r9,64", a -> a.add(R9, 64));
        same("add r9,4096", a -> a.add(R9, 4096));
        same("add eax,r9d", a -> a.add32(RAX, R9));
        same("add eax,[rdi]", a -> a.add32(RAX, Mem.at(RDI)));
        same("add dword ptr [rdi+rax*4+1024],1", a -> a.add32(Mem.at(RDI, RAX, 4, 1024), 1));
        same("add r8d,1000", a -> a.add32(R8, 1000));
        same("sub rcx,8", a -> a.sub(RCX, 8));
        same("sub rcx,rdx", a -> a.sub(RCX, RDX));
        same("and rcx,255", a -> a.and(RCX, 255));
        same("and rax,rcx", a -> a.and(RAX, RCX));
        same("or rax,rcx", a -> a.or(RAX, RCX));
        same("xor rax,rcx", a -> a.xor(RAX, RCX));
        same("xor rax,[rsi]", a -> a.xor(RAX, Mem.at(RSI)));
        same("xor r8d,r8d", a -> a.xor32(R8, R8));
        same("cmp rax,r15", a -> a.cmp(RAX, R15));
        same("cmp rax,16", a -> a.cmp(RAX, 16));
        same("test r8,rax", a -> a.test(R8, RAX));
        same("shl r8,3", a -> a.shl(R8, 3));
        same("shr rax,60", a -> a.shr(RAX, 60));
        same("rol r9d,13", a -> a.rol32(R9, 13));
        same("imul rax,r9", a -> a.imul(RAX, R9));
        same("imul r10d,eax", a -> a.imul32(R10, RAX));
        same("imul r10d,[rdi+4]", a -> a.imul32(R10, Mem.at(RDI, 4)));
        same("tzcnt rax,r9", a -> a.tzcnt(RAX, R9));
        same("prefetcht0 [rsi+512]", a -> a.prefetcht0(Mem.at(RSI, 512)));
        same("cpuid", a -> a.cpuid());
        same("xgetbv", a -> a.xgetbv());
        same("vzeroupper", a -> a.vzeroupper());
        same("cmovbe r11,r10", a -> a.cmov(Condition.NOT_ABOVE, R11, R10));
        same("cmova rax,r9", a -> a.cmov(Condition.ABOVE, RAX, R9));
    }

    @Test
    void maskInstructions() {
        same("kmovq rax,k2", a -> a.kmovq(RAX, 2));
        same("kmovq r9,k2", a -> a.kmovq(R9, 2));
    }

    @Test
    void instructionsOfKeyDerivationAndEntropyForAvx2() {
        sameAvx2("vpand ymm0,ymm1,ymm2", a -> a.vpand(ymm(0), ymm(1), ymm(2)));
        sameAvx2("vpand xmm8,xmm15,xmm9", a -> a.vpand(xmm(8), xmm(15), xmm(9)));
        sameAvx2("vpalignr ymm0,ymm1,ymm2,8", a -> a.vpalignr(ymm(0), ymm(1), ymm(2), 8));
        sameAvx2("vpalignr ymm9,ymm8,ymm15,8", a -> a.vpalignr(ymm(9), ymm(8), ymm(15), 8));
        sameAvx2("vpmovzxdq ymm0,xmm1", a -> a.vpmovzxdq(ymm(0), xmm(1)));
        sameAvx2("vpmovzxdq ymm15,xmm8", a -> a.vpmovzxdq(ymm(15), xmm(8)));
        sameAvx2("vptest xmm0,xmm1", a -> a.vptest(xmm(0), xmm(1)));
        sameAvx2("vptest ymm9,ymm15", a -> a.vptest(ymm(9), ymm(15)));
        sameAvx2("vcmpltpd ymm0,ymm1,ymm2", a -> a.vcmpltpd(ymm(0), ymm(1), ymm(2)));
        sameAvx2("vcmpltpd ymm12,ymm9,ymm15", a -> a.vcmpltpd(ymm(12), ymm(9), ymm(15)));
    }

    @Test
    void vectorInstructions() {
        // Register numbers on each side of 8 and 16, where another bit of the encoding holds their top.
        for (int[] numbers : new int[][] {{0, 1, 2}, {17, 9, 30}, {8, 31, 5}}) {
            for (int bits : new int[] {128, 256, 512}) {
                vectorInstructions(numbers, bits);
            }
        }
    }

    private static void vectorInstructions(int[] numbers, int bits) {
        int bytes = bits / Byte.SIZE;
        Vec to = new Vec(numbers[0], bits);
        Vec left = new Vec(numbers[1], bits);
        Vec right = new Vec(numbers[2], bits);
        String letter = bits == 128 ? "x" : bits == 256 ? "y" : "z";
        String pointer = letter.toUpperCase(Locale.ROOT) + "MMWORD";
        String sa = letter + "mm" + numbers[0];
        String sb = letter + "mm" + numbers[1];
        String sc = letter + "mm" + numbers[2];
        String ab = sa + "," + sb;
        String abc = ab + "," + sc;
        same(
                "vmovdqu32 " + sa + "," + pointer + " PTR [rdi+rax*4+" + bytes + "]",
                a -> a.vmovdqu32(to, Mem.at(RDI, RAX, 4, bytes)));
        same(
                "vmovdqu32 " + sa + "," + pointer + " PTR [r12+" + (bytes * 3 + 4) + "]",
                a -> a.vmovdqu32(to, Mem.at(R12, bytes * 3 + 4)));
        same("vmovdqu32 " + pointer + " PTR [r9+r14*8]," + sa, a -> a.vmovdqu32(Mem.at(R9, R14, 8, 0), to));
        same("vmovdqa32 " + ab, a -> a.vmovdqa32(to, left));
        same("{evex} vpaddd " + abc, a -> a.vpaddd(to, left, right));
        same(
                "{evex} vpaddd " + ab + "," + pointer + " PTR [rsp+" + bytes + "]",
                a -> a.vpaddd(to, left, Mem.at(RSP, bytes)));
        same("{evex} vpaddq " + abc, a -> a.vpaddq(to, left, right));
        same("{evex} vpmuludq " + abc, a -> a.vpmuludq(to, left, right));
        same("vpxord " + abc, a -> a.vpxord(to, left, right));
        same("vpxord " + ab + "," + pointer + " PTR [rsi]", a -> a.vpxord(to, left, Mem.at(RSI)));
        same("vpternlogd " + abc + ",0x96", a -> a.vpternlogd(to, left, right, 0x96));
        same("vprord " + ab + ",7", a -> a.vprord(to, left, 7));
        same("vprorq " + ab + ",63", a -> a.vprorq(to, left, 63));
        same("{evex} vpsllq " + ab + ",1", a -> a.vpsllq(to, left, 1));
        same("{evex} vpsrlq " + ab + ",32", a -> a.vpsrlq(to, left, 32));
        same("{evex} vpshufd " + ab + ",0x93", a -> a.vpshufd(to, left, 0x93));
        same("{evex} vpunpckldq " + abc, a -> a.vpunpckldq(to, left, right));
        same("{evex} vpunpckhdq " + abc, a -> a.vpunpckhdq(to, left, right));
        same("{evex} vpunpcklqdq " + abc, a -> a.vpunpcklqdq(to, left, right));
        same("{evex} vpunpckhqdq " + abc, a -> a.vpunpckhqdq(to, left, right));
        same("vpbroadcastd " + sa + ",r9d", a -> a.vpbroadcastd(to, R9));
        same("vpbroadcastq " + sa + ",rax", a -> a.vpbroadcastq(to, RAX));
        same("{evex} vpbroadcastd " + sa + ",DWORD PTR [rdi+4]", a -> a.vpbroadcastd(to, Mem.at(RDI, 4)));
        same("vptestnmq k2," + sb + "," + sc, a -> a.vptestnmq(2, left, right));
        same("vpcmpltud k1," + sb + "," + sc, a -> a.vpcmpltud(1, left, right));
        same("vpaddd " + sa + "{k1}," + sb + "," + sc, a -> a.vpaddd(to, left, right, 1));
        same("{evex} vmovq r9,xmm" + numbers[0], a -> a.vmovq(R9, to));
        same("{evex} vpmulld " + ab + "," + pointer + " PTR [rdi]", a -> a.vpmulld(to, left, Mem.at(RDI)));
        if (bits > 128) {
            same("{evex} vpermq " + ab + ",0x39", a -> a.vpermq(to, left, 0x39));
            same("{evex} vpermd " + abc, a -> a.vpermd(to, left, right));
            same(
                    "vshufi32x4 " + abc + (bits == 512 ? ",0x44" : ",1"),
                    a -> a.vshufi32x4(to, left, right, bits == 512 ? 0x44 : 1));
            same("vinserti32x4 " + ab + ",xmm" + numbers[2] + ",1", a -> a.vinserti32x4(to, left, xmm(numbers[2]), 1));
            same("vextracti32x4 xmm" + numbers[0] + "," + sb + ",1", a -> a.vextracti32x4(xmm(numbers[0]), left, 1));
            same(
                    "vinserti32x4 " + ab + ",XMMWORD PTR [r12+" + 16 * 9 + "],1",
                    a -> a.vinserti32x4(to, left, Mem.at(R12, 16 * 9), 1));
            same("vextracti32x4 XMMWORD PTR [rdx+96]," + sb + ",1", a -> a.vextracti32x4(Mem.at(RDX, 96), left, 1));
        }
        if (bits == 512) {}
    }

    @Test
    void vectorInstructionsOfAvx2() {
        for (int[] numbers : new int[][] {{0, 1, 2}, {9, 3, 12}, {7, 15, 8}}) {
            for (int bits : new int[] {128, 256}) {
                vectorInstructionsOfAvx2(numbers, bits);
            }
        }
        sameAvx2("vmovq xmm9,r8", a -> a.vmovq(xmm(9), R8));
        sameAvx2("vmovq rax,xmm13", a -> a.vmovq(RAX, xmm(13)));
        sameAvx2("vpermd ymm4,ymm12,YMMWORD PTR [rdi+32]", a -> a.vpermd(ymm(4), ymm(12), Mem.at(RDI, 32)));
        sameAvx2("vpermd ymm9,ymm1,ymm14", a -> a.vpermd(ymm(9), ymm(1), ymm(14)));
        sameAvx2("vpermq ymm9,ymm14,0x39", a -> a.vpermq(ymm(9), ymm(14), 0x39));
        sameAvx2("vinserti128 ymm9,ymm1,xmm14,1", a -> a.vinserti32x4(ymm(9), ymm(1), xmm(14), 1));
        sameAvx2(
                "vinserti128 ymm1,ymm9,XMMWORD PTR [r12+144],1",
                a -> a.vinserti32x4(ymm(1), ymm(9), Mem.at(R12, 144), 1));
        sameAvx2("vextracti128 xmm14,ymm9,1", a -> a.vextracti32x4(xmm(14), ymm(9), 1));
        sameAvx2("vextracti128 XMMWORD PTR [rdx+96],ymm9,1", a -> a.vextracti32x4(Mem.at(RDX, 96), ymm(9), 1));
    }

    private static void vectorInstructionsOfAvx2(int[] numbers, int bits) {
        Vec to = new Vec(numbers[0], bits);
        Vec left = new Vec(numbers[1], bits);
        Vec right = new Vec(numbers[2], bits);
        String letter = bits == 128 ? "x" : "y";
        String memory = letter.toUpperCase(Locale.ROOT) + "MMWORD PTR [r12+r9*8+64]";
        Mem place = Mem.at(R12, R9, 8, 64);
        String sa = letter + "mm" + numbers[0];
        String ab = sa + "," + letter + "mm" + numbers[1];
        String abc = ab + "," + letter + "mm" + numbers[2];
        sameAvx2("vmovdqu " + sa + "," + memory, a -> a.vmovdqu32(to, place));
        sameAvx2("vmovdqu " + memory + "," + sa, a -> a.vmovdqu32(place, to));
        sameAvx2("vmovdqa " + ab, a -> a.vmovdqa32(to, left));
        sameAvx2("vpaddd " + abc, a -> a.vpaddd(to, left, right));
        sameAvx2("vpaddd " + ab + "," + memory, a -> a.vpaddd(to, left, place));
        sameAvx2("vpaddq " + abc, a -> a.vpaddq(to, left, right));
        sameAvx2("vpmuludq " + abc, a -> a.vpmuludq(to, left, right));
        sameAvx2("vpmulld " + ab + "," + memory, a -> a.vpmulld(to, left, place));
        sameAvx2("vpxor " + abc, a -> a.vpxord(to, left, right));
        sameAvx2("vpxor " + ab + "," + memory, a -> a.vpxord(to, left, place));
        sameAvx2("vpand " + ab + "," + memory, a -> a.vpand(to, left, place));
        sameAvx2("vpor " + abc, a -> a.vpor(to, left, right));
        sameAvx2("vpor " + ab + "," + memory, a -> a.vpor(to, left, place));
        sameAvx2("vpslld " + ab + ",20", a -> a.vpslld(to, left, 20));
        sameAvx2("vpsrld " + ab + ",12", a -> a.vpsrld(to, left, 12));
        sameAvx2("vpsllq " + ab + ",1", a -> a.vpsllq(to, left, 1));
        sameAvx2("vpsrlq " + ab + ",32", a -> a.vpsrlq(to, left, 32));
        sameAvx2("vpslldq " + ab + ",8", a -> a.vpslldq(to, left, 8));
        sameAvx2("vpsrldq " + ab + ",8", a -> a.vpsrldq(to, left, 8));
        sameAvx2("vpshufd " + ab + ",0x93", a -> a.vpshufd(to, left, 0x93));
        sameAvx2("vpshufb " + abc, a -> a.vpshufb(to, left, right));
        sameAvx2("vpshufb " + ab + "," + memory, a -> a.vpshufb(to, left, place));
        sameAvx2("vpblendd " + abc + ",0x6", a -> a.vpblendd(to, left, right, 6));
        sameAvx2("vpunpckldq " + abc, a -> a.vpunpckldq(to, left, right));
        sameAvx2("vpunpckhdq " + abc, a -> a.vpunpckhdq(to, left, right));
        sameAvx2("vpunpcklqdq " + abc, a -> a.vpunpcklqdq(to, left, right));
        sameAvx2("vpunpckhqdq " + abc, a -> a.vpunpckhqdq(to, left, right));
        sameAvx2("vpbroadcastd " + sa + ",xmm" + numbers[1], a -> a.vpbroadcastd(to, xmm(numbers[1])));
        sameAvx2("vpbroadcastd " + sa + ",DWORD PTR [rdi+4]", a -> a.vpbroadcastd(to, Mem.at(RDI, 4)));
        sameAvx2("vpbroadcastq " + sa + ",QWORD PTR [rdi+4]", a -> a.vpbroadcastq(to, Mem.at(RDI, 4)));
    }

    @Test
    void whatAvx2DoesNotHaveIsRefused() {
        for (Consumer<Assembler> instruction : List.<Consumer<Assembler>>of(
                a -> a.vpaddd(zmm(0), zmm(1), zmm(2)),
                a -> a.vpaddd(ymm(16), ymm(1), ymm(2)),
                a -> a.vpaddd(ymm(0), ymm(17), ymm(2)),
                a -> a.vpaddd(ymm(0), ymm(1), ymm(31)),
                a -> a.vpaddd(ymm(0), ymm(1), ymm(2), 1),
                a -> a.vprord(ymm(0), ymm(1), 7),
                a -> a.vpternlogd(ymm(0), ymm(1), ymm(2), 0x96),
                a -> a.vpbroadcastd(ymm(0), RAX))) {
            assertThatThrownBy(() -> instruction.accept(new Assembler(false)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("AVX2");
        }
    }

    @Test
    void jumpsReachPlacesBeforeAndBehindThem() {
        var asm = new Assembler();
        var before = new Label();
        var behind = new Label();
        asm.bind(before);
        asm.j(Condition.BELOW, behind);
        asm.jmp(before);
        asm.bind(behind);
        asm.align(16);
        asm.ret();
        assertThat(HexFormat.of().formatHex(asm.toByteArray()))
                .isEqualTo("0f8205000000" + "e9f5ffffff" + "90".repeat(5) + "c3");
        assertThatThrownBy(() -> asm.bind(before)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatCannotBeEncodedIsRefused() {
        assertThatThrownBy(() -> Mem.at(RAX, RSP, 1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Mem.at(RAX, RBX, 3, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Vec(32, 512)).isInstanceOf(IllegalArgumentException.class);
    }
}
