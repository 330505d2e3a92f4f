// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.util.EnumSet;
import java.util.Set;

/** The forms of the Gear scan that this JVM can run, whatever {@code armoire.simd} chooses. */
final class GearForms {
    private GearForms() {}

    static Set<GearForm> available() {
        Set<GearForm> forms = EnumSet.of(GearForm.SCALAR);
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
            forms.add(GearForm.VECTOR);
        }
        if (MachineCode.refusal() == null) {
            forms.add(GearForm.NATIVE);
        }
        return forms;
    }
}
