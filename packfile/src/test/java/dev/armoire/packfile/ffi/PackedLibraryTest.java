// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedLibraryTest {
    private static Optional<SymbolLookup> load(Path temporary, String name) {
        String before = System.setProperty("java.io.tmpdir", temporary.toString());
        try {
            return PackedLibrary.load(LZ4Factory.class, "/net/jpountz/util/", name);
        } finally {
            System.setProperty("java.io.tmpdir", before);
        }
    }

    @Test
    void nothingStaysBehind(@TempDir Path temporary) throws IOException {
        assertThat(load(temporary, "/liblz4-java").orElseThrow().find("LZ4_compress_default"))
                .isPresent();
        try (Stream<Path> left = Files.list(temporary)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void whatCannotBeLoadedIsAbsent(@TempDir Path temporary) {
        assertThat(load(temporary, "/no-such-library")).isEmpty();
        assertThat(load(temporary.resolve("no-such-folder"), "/liblz4-java")).isEmpty();
    }
}
