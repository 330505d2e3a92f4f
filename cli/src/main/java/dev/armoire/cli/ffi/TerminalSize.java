// SPDX-License-Identifier: ISC
package dev.armoire.cli.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/** The size of the terminal that standard output is. */
public final class TerminalSize {
    private static final long LINUX_TIOCGWINSZ = 0x5413;
    private static final long BSD_TIOCGWINSZ = 0x40087468;

    private TerminalSize() {}

    /** How many columns it has now, or 0 when nobody can tell. */
    public static int columns() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(8, 2);
            int result = (int) Calls.IOCTL.invokeExact(1, Calls.REQUEST, size);
            return result == 0 ? Short.toUnsignedInt(size.get(ValueLayout.JAVA_SHORT, 2)) : 0;
        } catch (Throwable t) {
            throw new IllegalStateException("a native call threw", t);
        }
    }

    /** Bound when first used. */
    @SuppressWarnings("restricted")
    private static final class Calls {
        static final long REQUEST =
                System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("linux")
                        ? LINUX_TIOCGWINSZ
                        : BSD_TIOCGWINSZ;
        static final MethodHandle IOCTL = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("ioctl"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                        Linker.Option.firstVariadicArg(2));
    }
}
