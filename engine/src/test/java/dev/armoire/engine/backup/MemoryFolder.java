// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Temporary folders in memory, where the system has such and room in it: tests that make a store for each point at which
 * something may fail wait for syncs and for folders to be made and removed more than for anything else. What they prove, that
 * a store is whole after each point, does not depend on the disk; that files are synced is tested elsewhere.
 */
public final class MemoryFolder implements TempDirFactory {
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final long WANTED_BYTES = 1 << 30;

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext test) throws IOException {
        boolean hasRoom = Files.isWritable(SHARED_MEMORY)
                && Files.getFileStore(SHARED_MEMORY).getUsableSpace() >= WANTED_BYTES;
        return hasRoom
                ? Files.createTempDirectory(SHARED_MEMORY, "armoire-test")
                : Files.createTempDirectory("armoire-test");
    }
}
