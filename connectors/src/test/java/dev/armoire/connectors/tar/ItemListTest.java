// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Items come back as they were, from memory and from the file. */
final class ItemListTest {
    private static final int ITEMS = 20_000;
    private static final int ALL = 1 << 30;

    @TempDir
    Path folder;

    private static TarItem item(Random random, int i) {
        byte[] path = new byte[1 + random.nextInt(500)]; // some 5 MB together
        random.nextBytes(path);
        FileInfo info = new FileInfo(
                random.nextLong(), 0100644, random.nextLong(), 7, 0, 0, i % 50, 0, 1, "user" + i % 50, "group", 0);
        return new TarItem(path, info, new byte[random.nextInt(3)], false, List.of(), i * 512L, i, null, null, null);
    }

    private static void assertSame(TarItem found, TarItem wanted) {
        assertThat(found.path()).isEqualTo(wanted.path());
        assertThat(found.info()).isEqualTo(wanted.info());
        assertThat(found.linkTarget()).isEqualTo(wanted.linkTarget());
        assertThat(found.contentAt()).isEqualTo(wanted.contentAt());
        assertThat(found.storedBytes()).isEqualTo(wanted.storedBytes());
    }

    private long namedFiles() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1 << 20, 2 << 20, ALL})
    void itemsComeBackAsTheyWere(int memoryBytes) throws IOException {
        Random random = new Random(3);
        List<TarItem> wanted = new ArrayList<>();
        try (ItemList list = new ItemList(memoryBytes == ALL ? null : () -> folder, memoryBytes)) {
            for (int i = 0; i < ITEMS; i++) {
                wanted.add(item(random, i));
                list.add(wanted.getLast());
                int before = random.nextInt(i + 1);
                if (i % 16 == 0) {
                    assertSame(list.get(before), wanted.get(before));
                }
            }
            assertThat(namedFiles()).as("files with a name").isZero();
            for (int i = 0; i < ITEMS; i++) {
                assertSame(list.get(i), wanted.get(i));
            }
            for (int i = 0; i < ITEMS; i++) {
                list.forgetBefore(i);
                assertSame(list.get(i), wanted.get(i));
            }
        }
    }

    @Test
    void aFolderThatIsNotThereIsTold() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        Random random = new Random(4);
        try (ItemList list = new ItemList(() -> file.resolve("below"), 0)) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < ITEMS; i++) {
                            list.add(item(random, i));
                        }
                    })
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("the temporary file for the list of an archive");
        }
    }
}
