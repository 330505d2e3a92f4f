// SPDX-License-Identifier: ISC
package dev.armoire.connectors.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.OneFile;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class StdinImporterTest {
    private static StdinImporter importer(String path, byte[] content) {
        return new StdinImporter(path.getBytes(UTF_8), new ByteArrayInputStream(content), (p, isDirectory) -> false);
    }

    @Test
    void whatComesIsOneFileInItsFolders() throws IOException {
        byte[] content = new byte[300_000];
        new java.util.Random(3).nextBytes(content);
        try (StdinImporter importer = importer("/dumps/today/db.sql", content)) {
            OneFile found = OneFile.scan(importer);

            assertThat(importer.type()).isEqualTo("stdin");
            assertThat(importer.root()).isEqualTo(new byte[] {'/'});
            assertThat(found.paths).containsExactly("/", "/dumps", "/dumps/today", "/dumps/today/db.sql");
            assertThat(found.file().info().size()).isEqualTo(-1);
            assertThat(found.content()).isEqualTo(content);
            assertThatThrownBy(found::content).hasMessage("standard input is read once");
        }
    }

    @Test
    void nothingComingIsAnEmptyFile() throws IOException {
        try (StdinImporter importer = importer("/x", new byte[0])) {
            assertThat(OneFile.scan(importer).content()).isEmpty();
        }
    }

    @Test
    void placesHaveANameAndNoSettings() throws IOException {
        Location place = Location.parse("stdin:");
        assertThat(ImporterFactory.find(place)).isInstanceOf(StdinImporterFactory.class);
        try (Importer importer = new StdinImporterFactory().open(place, OneFile.options(Map.of()))) {
            assertThat(OneFile.scan(importer).paths).containsExactly("/", "/stdin");
        }
        assertThatThrownBy(() -> new StdinImporterFactory().open(place, OneFile.options(Map.of("a", "b"))))
                .hasMessageContaining("unknown setting a");
    }
}
