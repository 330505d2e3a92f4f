// SPDX-License-Identifier: ISC
package dev.armoire.simd.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Mem;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MachineCodeTest {
    @BeforeEach
    void needsMachineCode() {
        assumeTrue(MachineCode.refusal() == null, () -> String.valueOf(MachineCode.refusal()));
    }

    @Test
    void argumentsArriveInTheRegistersOfTheirOrder() throws Throwable {
        var code = new Assembler();
        code.mov(Gp.RAX, Mem.at(Gp.RDI));
        code.add(Gp.RAX, Mem.at(Gp.RSI, 8));
        code.xor(Gp.RAX, Mem.at(Gp.RDX));
        code.shl(Gp.RCX, 1);
        code.add(Gp.RAX, Gp.RCX);
        code.shl(Gp.R8, 2);
        code.add(Gp.RAX, Gp.R8);
        code.sub(Gp.RAX, Gp.R9);
        code.ret();
        MethodHandle function = MachineCode.link(code);

        long result = (long) function.invokeExact(
                MemorySegment.ofArray(new long[] {1000}),
                MemorySegment.ofArray(new long[] {0, 24}),
                MemorySegment.ofArray(new long[] {0}),
                100L,
                10L,
                7L);

        assertThat(result).isEqualTo(1024 + 200 + 40 - 7);
    }
}
