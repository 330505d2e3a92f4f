// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.SourceContract;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** Tar files pass the contract of sources, whatever they are compressed with. */
final class TarSourceTest {
    abstract static class OfFile extends SourceContract {
        @TempDir
        Path folder;

        abstract OutputStream compress(OutputStream file) throws IOException;

        @Override
        protected ImporterFactory factory() {
            return new TarImporterFactory();
        }

        @Override
        protected Location place() throws IOException {
            Path file = folder.resolve("x.tar");
            if (!Files.exists(file)) {
                try (TarArchiveOutputStream tar = new TarArchiveOutputStream(
                        compress(Files.newOutputStream(file)), StandardCharsets.UTF_8.name())) {
                    for (Map.Entry<String, byte[]> content : files().entrySet()) {
                        TarArchiveEntry entry = new TarArchiveEntry("./" + content.getKey());
                        entry.setSize(content.getValue().length);
                        entry.setModTime(1_700_000_000_000L);
                        tar.putArchiveEntry(entry);
                        tar.write(content.getValue());
                        tar.closeArchiveEntry();
                    }
                }
            }
            return Location.parse("tar:" + file);
        }

        @Override
        protected Location nowhere() {
            return Location.parse("tar:" + folder.resolve("nothing.tar"));
        }
    }

    @Nested
    class Plain extends OfFile {
        @Override
        OutputStream compress(OutputStream file) {
            return file;
        }
    }

    @Nested
    class Gzip extends OfFile {
        @Override
        OutputStream compress(OutputStream file) throws IOException {
            return new GZIPOutputStream(file);
        }
    }

    @Nested
    class Bzip2 extends OfFile {
        @Override
        OutputStream compress(OutputStream file) throws IOException {
            return new BZip2CompressorOutputStream(new java.io.BufferedOutputStream(file), 1);
        }
    }
}
