// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.util.EnumSet;
import java.util.Set;
import jdk.incubator.vector.LongVector;

/** The forms of the Gear scan that this JVM can run, whatever {@code armoire.simd} chooses. */
final class GearForms {
    private GearForms() {}

    static Set<GearForm> available() {
        Set<GearForm> forms = EnumSet.of(GearForm.SCALAR);
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
            forms.add(GearForm.VECTOR);
        }
        if (MachineCode.refusal() == null) {
            forms.add(GearForm.AVX2);
        }
        if (MachineCode.hasAvx512()) {
            forms.add(GearForm.AVX512);
        }
        return forms;
    }

    /**
     * Whether the JVM has no instructions for what a form does and calls methods in their stead, as the vector form finds it
     * without AVX-512: it is hundreds of times slower then, so that tests draw less.
     */
    static boolean isEmulated(GearForm form) {
        return form == GearForm.VECTOR && LongVector.SPECIES_PREFERRED.vectorBitSize() < 512;
    }
}
