// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DirectWritesTest {
    @TempDir
    private Path folder;

    private final DirectWrites direct = new DirectWrites();

    /** Parts of many lengths: on the heap, where they will be in the file modulo a block, a byte beside that, anywhere. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void writesAllPartsInOrder(long seed) throws IOException {
        Random random = new Random(seed);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            List<MemorySegment> parts = new ArrayList<>();
            while (expected.size() < 6 << 20) {
                byte[] content = new byte[length(random)];
                random.nextBytes(content);
                int beside = new int[] {-1, 0, 0, 0, 1, random.nextInt(DirectWrites.BLOCK_BYTES)}[random.nextInt(6)];
                if (beside < 0) {
                    parts.add(MemorySegment.ofArray(content));
                } else {
                    int at = (expected.size() + beside) % DirectWrites.BLOCK_BYTES;
                    MemorySegment memory = arena.allocate(at + content.length + 1L, DirectWrites.BLOCK_BYTES);
                    MemorySegment part = memory.asSlice(at, content.length);
                    MemorySegment.copy(content, 0, part, ValueLayout.JAVA_BYTE, 0, content.length);
                    parts.add(part);
                }
                expected.write(content);
            }
            Path file = Files.createFile(folder.resolve("file"));
            assumeThat(direct.write(file, parts)).as("O_DIRECT here").isTrue();
            assertThat(file).hasBinaryContent(expected.toByteArray());
        }
    }

    private static int length(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextInt(100);
            case 1 -> DirectWrites.BLOCK_BYTES * random.nextInt(4);
            case 2 -> random.nextInt(100_000);
            case 3 -> DirectWrites.BUFFER_BYTES + random.nextInt(3) - 1;
            default -> random.nextInt(3 << 20);
        };
    }

    @Test
    void leavesSmallFilesToOthers() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        MemorySegment part = MemorySegment.ofArray(new byte[(int) DirectWrites.LEAST_BYTES - 1]);
        assertThat(direct.write(file, List.of(part))).isFalse();
        assertThat(file).isEmptyFile();
    }
}
