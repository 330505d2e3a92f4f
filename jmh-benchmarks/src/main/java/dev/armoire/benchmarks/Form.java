// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Kernels;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * In which form Armoire's kernels run. JMH gives every combination of parameters a JVM of its own, and in that the form is
 * chosen before the first kernel is loaded: states and benchmarks that use a kernel take this one as an argument.
 */
@SuppressWarnings("NullAway.Init") // JMH sets the field
@State(Scope.Benchmark)
public class Form {
    /** Value of {@code armoire.simd}. Asking for what this machine does not have ends the benchmark. */
    @Param({"scalar", "vector", "avx2", "native"})
    public String form;

    /** Chooses. */
    @Setup
    public void choose() {
        System.setProperty("armoire.simd", form);
        Kernels.describe();
    }
}
