// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Standard error as the user gave it to the launcher.
 *
 * <p>The JVM greets the incubator module with a warning on standard error before any code of ours runs, and no option
 * silences it. Hence the launcher starts the JVM with descriptor 2 leading to a filter that drops this line, and puts
 * the real standard error on the descriptor that the system property {@value #PROPERTY} names. Until
 * {@link #reattach()} is called everything written to standard error still arrives, through the filter; after it,
 * descriptor 2 is the terminal or file itself again: it can be asked whether it is a terminal, its order with standard
 * output is kept, and crash messages of the JVM reach it.
 *
 * <p>The calls into the C library cost some tens of milliseconds in a fresh JVM. A command that writes nothing to
 * standard error need not make them.
 */
final class StandardError {
    static final String PROPERTY = "armoire.stderr.fd";

    private static final int STANDARD_ERROR = 2;

    private StandardError() {}

    /**
     * Makes descriptor 2 the real standard error; does nothing when the launcher did not move it or when called again.
     * If the C library refuses, the filter stays in between, which loses nothing but speed. Any thread may call this.
     */
    static synchronized void reattach() {
        Integer real = Integer.getInteger(PROPERTY);
        System.clearProperty(PROPERTY);
        if (real != null && real > STANDARD_ERROR) {
            System.err.flush();
            duplicate(real, STANDARD_ERROR);
        }
    }

    @SuppressWarnings("restricted") // dup2 with its true signature, on descriptors that are ours
    private static void duplicate(int from, int to) {
        Linker linker = Linker.nativeLinker();
        MemorySegment dup2 = linker.defaultLookup().find("dup2").orElse(null);
        if (dup2 == null) {
            return;
        }
        MethodHandle handle = linker.downcallHandle(dup2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
        try {
            int ignored = (int) handle.invokeExact(from, to);
        } catch (Throwable e) { // a downcall declares Throwable and throws nothing by itself
            throw new IllegalStateException("cannot call dup2", e);
        }
    }
}
