// SPDX-License-Identifier: ISC
package dev.armoire.engine.archive;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.sync.SnapshotImporter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Opens what is in an archive as a source, {@code ptar:FILE}: its latest snapshot, or the one that the setting {@code snapshot}
 * begins the id of. The setting {@code passphrase} opens an encrypted one.
 */
public final class ArchiveImporterFactory implements ImporterFactory {
    private static final Set<String> KNOWN = new TreeSet<>(Set.of("passphrase", "snapshot"));

    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("ptar");
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        for (String key : options.settings().keySet()) {
            if (!KNOWN.contains(key)) {
                throw new IOException("ptar: unknown setting " + key + "; known are " + String.join(", ", KNOWN));
            }
        }
        StorageFactory factory = StorageFactory.find(location);
        if (factory == null) {
            throw new IOException("no kind of store is called \"" + location.scheme() + '"');
        }
        Repository archive = Repository.open(
                factory.open(location), () -> passphrase(location, options.settings()), Repository.thisHost());
        boolean isOpen = false;
        try {
            archive.refresh();
            SnapshotHeader wanted = choose(archive, location, options.settings().getOrDefault("snapshot", ""));
            isOpen = true;
            return new ArchiveImporter(archive, new SnapshotImporter(archive, wanted, options));
        } finally {
            if (!isOpen) {
                archive.close();
            }
        }
    }

    private static byte[] passphrase(Location location, Map<String, String> settings) {
        String passphrase = settings.get("passphrase");
        if (passphrase == null || passphrase.isEmpty()) {
            throw new WrongPassphraseException(location + " is encrypted and no passphrase is given: set"
                    + " ARMOIRE_PEER_PASSPHRASE, or passphrase_cmd of a source in the configuration");
        }
        return passphrase.getBytes(StandardCharsets.UTF_8);
    }

    private static SnapshotHeader choose(Repository archive, Location location, String id) throws IOException {
        List<SnapshotHeader> found = Snapshot.headers(archive, (damaged, problem) -> {
                    throw new CorruptDataException(problem);
                })
                .stream()
                .filter(header -> header.identifier().hex().startsWith(id.toLowerCase(Locale.ROOT)))
                .toList();
        if (found.isEmpty()) {
            throw new IOException(location + (id.isEmpty() ? " holds no snapshot" : " holds no snapshot " + id));
        }
        if (found.size() > 1 && !id.isEmpty()) {
            throw new IOException(location + " holds " + found.size() + " snapshots whose ids begin with " + id);
        }
        return found.getFirst();
    }

    /** A snapshot of an archive that nobody else has open. Owns it. */
    private record ArchiveImporter(Repository archive, SnapshotImporter snapshot) implements Importer {
        @Override
        public String type() {
            return snapshot.type();
        }

        @Override
        public String origin() {
            return snapshot.origin();
        }

        @Override
        public byte[] root() {
            return snapshot.root();
        }

        @Override
        public void scan(ImportSink sink) {
            try {
                snapshot.scan(sink);
            } catch (PipelineAbortedException e) {
                if (!sink.isStopped()) {
                    throw e;
                }
            }
        }

        @Override
        public void threadEnds() {
            snapshot.threadEnds();
        }

        @Override
        public void close() {
            snapshot.close();
            archive.close();
        }
    }
}
