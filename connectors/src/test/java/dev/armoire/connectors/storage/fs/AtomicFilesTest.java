// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFilesTest {
    @TempDir
    Path folder;

    /** Pieces of a few bytes stand for those of gibibytes. */
    @Test
    void partsAreWrittenAndReadInPiecesOfAnySize() throws IOException {
        Random random = new Random(11);
        for (long pieceBytes : new long[] {1, 2, 7, 64, 1000, 1 << 20}) {
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            List<MemorySegment> parts = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                byte[] part = new byte[random.nextInt(100)];
                random.nextBytes(part);
                expected.write(part);
                parts.add(MemorySegment.ofArray(part));
            }
            Path file = folder.resolve("pieces" + pieceBytes);
            try (FileChannel channel = FileChannel.open(
                            file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ);
                    Arena arena = Arena.ofConfined()) {
                AtomicFiles.writeAll(channel, parts, pieceBytes);
                assertThat(file).hasBinaryContent(expected.toByteArray());
                MemorySegment back = arena.allocate(expected.size() + 5);
                assertThat(OpenFiles.fill(channel, 0, back, pieceBytes)).isEqualTo(expected.size());
                assertThat(back.asSlice(0, expected.size()).mismatch(MemorySegment.ofArray(expected.toByteArray())))
                        .isEqualTo(-1);
            }
        }
    }

    /** Around all boundaries of blocks and buffers, on the heap and off it; past the page cache where the file system does that. */
    @Test
    void largeFilesAreWhatTheirPartsAre() throws IOException {
        Random random = new Random(12);
        AtomicFiles files = new AtomicFiles(FileSystems.getDefault());
        long least = DirectWrites.LEAST_BYTES;
        for (long size : new long[] {
            least - 1,
            least,
            least + 1,
            least + 511,
            least + DirectWrites.BLOCK_BYTES,
            2 * least + DirectWrites.BLOCK_BYTES - 1
        }) {
            byte[] expected = new byte[(int) size];
            random.nextBytes(expected);
            try (Arena arena = Arena.ofConfined()) {
                List<MemorySegment> parts = new ArrayList<>();
                int at = 0;
                while (at < size) {
                    int length = Math.min((int) size - at, 1 + random.nextInt(3 * DirectWrites.BUFFER_BYTES / 2));
                    MemorySegment part = MemorySegment.ofArray(expected).asSlice(at, length);
                    parts.add(
                            random.nextBoolean() ? part : arena.allocate(length).copyFrom(part));
                    at += length;
                }
                Path file = folder.resolve("large" + size);
                files.write(file, folder, parts);
                assertThat(Files.readAllBytes(file)).isEqualTo(expected);
            }
        }
    }

    @Test
    void withoutHardLinksNothingIsOverwrittenEither() throws IOException {
        AtomicFiles files = new AtomicFiles(FileSystems.getDefault());
        Path target = folder.resolve("target");
        files.moveWithoutLinks(Files.write(folder.resolve("tmp.1"), new byte[] {1}), target);
        Path second = Files.write(folder.resolve("tmp.2"), new byte[] {2});
        assertThatThrownBy(() -> files.moveWithoutLinks(second, target)).isInstanceOf(FileAlreadyExistsException.class);
        assertThat(target).hasBinaryContent(new byte[] {1});
    }

    @Test
    void aFileInThePlaceOfAFolderIsTold() throws IOException {
        AtomicFiles files = new AtomicFiles(FileSystems.getDefault());
        Path file = Files.createFile(folder.resolve("locks"));
        assertThatThrownBy(() -> files.write(file.resolve("x"), folder, List.of(MemorySegment.ofArray(new byte[] {1}))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a directory");
        assertThat(folder.toFile().list()).containsExactly("locks");
    }
}
