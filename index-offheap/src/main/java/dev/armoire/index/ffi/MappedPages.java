// SPDX-License-Identifier: ISC
package dev.armoire.index.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** Pages of mapped files that count as this process's memory. On Linux. */
public final class MappedPages {
    private static final Path STATM = Path.of("/proc/self/statm");
    private static final int PAGE_BYTES = 4096;
    private static final int MADV_DONTNEED = 4;

    private MappedPages() {}

    /** Bytes of files, and of memory shared with others, that this process has in its page tables; 0 where that is not known. */
    public static long residentBytes() {
        try {
            String[] pages = Files.readString(STATM).split(" ", 4);
            return Long.parseLong(pages[2]) * PAGE_BYTES;
        } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
            return 0;
        }
    }

    /**
     * Takes pages out of the page tables. The system goes on keeping them as it keeps other parts of files, and whoever touches one
     * finds it as it was. Of a file that is mapped to be shared, and not unmapped meanwhile: other memory would lose what is in it.
     *
     * @param address of the first byte, and {@code bytes} from there on; pages that are not wholly within stay
     */
    public static void release(long address, long bytes) {
        long first = (address + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        long end = (address + bytes) / PAGE_BYTES * PAGE_BYTES;
        if (end <= first) {
            return;
        }
        try {
            int _ = (int) Advice.HANDLE.invokeExact(first, end - first, MADV_DONTNEED);
        } catch (Throwable t) {
            throw new IllegalStateException("madvise", t);
        }
    }

    private static final class Advice {
        /** {@code int madvise(void* address, size_t bytes, int advice)}. */
        static final MethodHandle HANDLE = handle();

        @SuppressWarnings("restricted")
        private static MethodHandle handle() {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("madvise"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        }
    }
}
