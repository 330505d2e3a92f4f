// SPDX-License-Identifier: ISC
package dev.armoire.cli.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Numbers of users and groups by their names, as this machine has them, from wherever it does. */
public final class Accounts {
    private static final int ENTRY_BYTES = 128; // struct passwd has 48, on macOS 72; struct group has 32
    private static final int DATA_BYTES = 1 << 20; // a group may have very many members
    /** Both structures begin with two pointers and the number. */
    private static final int NUMBER_AT = 16;

    private Accounts() {}

    /** The number of a user, or -1 when there is none of this name. */
    public static long user(String name) {
        return find(Calls.GETPWNAM_R, name);
    }

    /** The number of a group, or -1 when there is none of this name. */
    public static long group(String name) {
        return find(Calls.GETGRNAM_R, name);
    }

    private static long find(MethodHandle lookup, String name) {
        if (name.isEmpty() || name.indexOf('\0') >= 0) {
            return -1;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(ENTRY_BYTES, 8);
            MemorySegment data = arena.allocate(DATA_BYTES);
            MemorySegment result = arena.allocate(ADDRESS);
            int failed = (int) lookup.invokeExact(arena.allocateFrom(name), entry, data, (long) DATA_BYTES, result);
            return failed != 0 || result.get(ADDRESS, 0).equals(MemorySegment.NULL)
                    ? -1
                    : Integer.toUnsignedLong(entry.get(JAVA_INT, NUMBER_AT));
        } catch (Throwable t) {
            throw new IllegalStateException("a native call threw", t);
        }
    }

    /** Bound when first used. */
    private static final class Calls {
        static final MethodHandle GETPWNAM_R = find("getpwnam_r");
        static final MethodHandle GETGRNAM_R = find("getgrnam_r");

        private Calls() {}

        @SuppressWarnings("restricted")
        private static MethodHandle find(String function) {
            return Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().findOrThrow(function),
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
        }
    }
}
