// SPDX-License-Identifier: ISC
package dev.armoire.engine.archive;

import dev.armoire.connectors.SourceContract;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Hashing;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.MemoryBudget;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** Archives pass the contract of sources, encrypted or not. */
final class ArchiveSourceTest {
    abstract static class OfArchive extends SourceContract {
        private static final String PASSPHRASE = "a passphrase of this test";

        @TempDir
        Path folder;

        abstract boolean isEncrypted();

        @Override
        protected ImporterFactory factory() {
            return new ArchiveImporterFactory();
        }

        @Override
        protected Map<String, String> settings() {
            return isEncrypted() ? Map.of("passphrase", PASSPHRASE) : Map.of();
        }

        @Override
        protected Location place() throws IOException {
            Location place = Location.parse("ptar:" + folder.resolve("x.ptar"));
            if (!Files.exists(folder.resolve("x.ptar"))) {
                for (Map.Entry<String, byte[]> file : files().entrySet()) {
                    Path path = folder.resolve("files").resolve(file.getKey());
                    Files.createDirectories(Objects.requireNonNull(path.getParent()));
                    Files.write(path, file.getValue());
                }
                make(place);
            }
            return place;
        }

        private void make(Location place) throws IOException {
            byte @Nullable [] passphrase = isEncrypted() ? PASSPHRASE.getBytes(StandardCharsets.UTF_8) : null;
            Location files = Location.parse(folder.resolve("files").toString());
            ImportOptions all = new ImportOptions((path, isDirectory) -> false, true, Map.of(), List.of());
            try (NewStore made = NewStore.archive(Hashing.BLAKE3, Compression.LZ4, passphrase);
                    Importer importer =
                            Objects.requireNonNull(ImporterFactory.find(files)).open(files, all);
                    ArchiveBuilder archive = ArchiveBuilder.begin(
                            made,
                            Objects.requireNonNull(StorageFactory.find(place))
                                    .createArchive(place, MemorySegment.ofArray(made.object()), false),
                            "host",
                            MemoryBudget.usual(),
                            BackupOptions.unnamed(false, 2, folder, "", false))) {
                archive.add(importer, new TestStores.Events());
                archive.finish();
            }
        }

        @Override
        protected Location nowhere() {
            return Location.parse("ptar:" + folder.resolve("nothing.ptar"));
        }
    }

    @Nested
    class Plain extends OfArchive {
        @Override
        boolean isEncrypted() {
            return false;
        }
    }

    @Nested
    class Encrypted extends OfArchive {
        @Override
        boolean isEncrypted() {
            return true;
        }
    }
}
