// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.TargetContract;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** Tar files pass the contract of targets; another reader than ours says what is in them. */
final class TarTargetTest {
    abstract static class OfFile extends TargetContract {
        @TempDir
        Path folder;

        abstract String name();

        abstract InputStream decompress(InputStream file) throws IOException;

        @Override
        protected ExporterFactory factory() {
            return new TarExporterFactory();
        }

        @Override
        protected Location place() {
            return Location.parse(name() + folder.resolve("x"));
        }

        @Override
        protected Map<String, byte[]> written() throws IOException {
            Map<String, byte[]> found = new HashMap<>();
            try (TarArchiveInputStream tar = new TarArchiveInputStream(
                    decompress(new BufferedInputStream(Files.newInputStream(folder.resolve("x")))), "UTF-8")) {
                for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    if (entry.isFile()) {
                        found.put(entry.getName(), tar.readAllBytes());
                    }
                }
            }
            try (var files = Files.list(folder)) {
                org.assertj.core.api.Assertions.assertThat(files).containsExactly(folder.resolve("x"));
            }
            return found;
        }
    }

    @Nested
    class Plain extends OfFile {
        @Override
        String name() {
            return "tar:";
        }

        @Override
        InputStream decompress(InputStream file) {
            return file;
        }
    }

    @Nested
    class Gzip extends OfFile {
        @Override
        String name() {
            return "tgz:";
        }

        @Override
        InputStream decompress(InputStream file) throws IOException {
            return new GZIPInputStream(file);
        }
    }
}
