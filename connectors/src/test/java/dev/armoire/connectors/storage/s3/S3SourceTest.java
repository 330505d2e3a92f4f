// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.SourceContract;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** Buckets pass the contract of sources. */
final class S3SourceTest extends SourceContract {
    @TempDir
    static Path folder;

    private static S3Server server;

    @BeforeAll
    static void startServer() throws IOException {
        server = S3Server.start(folder);
        put("beside/x", new byte[] {1});
        for (Map.Entry<String, byte[]> file : files().entrySet()) {
            put("data/" + file.getKey(), file.getValue());
        }
    }

    private static Location location(String path) {
        return Location.parse("s3://127.0.0.1:" + server.port() + "/" + path);
    }

    private static void put(String key, byte[] content) throws IOException {
        S3Place place = S3Place.of(location(S3Server.BUCKET), S3Settings.parse(S3Server.settings()), variable -> null);
        try (S3Client client = S3Clients.of(place)) {
            client.putObject(put -> put.bucket(S3Server.BUCKET).key(key), RequestBody.fromBytes(content));
        }
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.stop();
    }

    @Override
    protected ImporterFactory factory() {
        return new S3ImporterFactory();
    }

    @Override
    protected Location place() {
        return location(S3Server.BUCKET + "/data");
    }

    @Override
    protected Location nowhere() {
        return location(S3Server.BUCKET + "/nothing/here");
    }

    @Override
    protected Map<String, String> settings() {
        return S3Server.settings();
    }

    @Test
    void itIsNamedAsPlakarNamesItAndMayBeOneObject() throws IOException {
        List<String> paths = new ArrayList<>();
        ImportOptions options = new ImportOptions((path, isDirectory) -> false, true, settings(), List.of());
        try (Importer importer = factory().open(location(S3Server.BUCKET + "/data/sub/b.txt"), options)) {
            assertThat(importer.type()).isEqualTo("s3");
            assertThat(importer.origin()).isEqualTo("127.0.0.1:" + server.port() + "/" + S3Server.BUCKET);
            assertThat(new String(importer.root(), java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("/data/sub/b.txt");
            importer.scan(new ImportSink() {
                @Override
                public void record(ImportRecord record) {
                    paths.add(new String(record.path(), java.nio.charset.StandardCharsets.UTF_8));
                }

                @Override
                public void error(byte[] path, String message) {
                    throw new AssertionError(message);
                }

                @Override
                public boolean isStopped() {
                    return false;
                }
            });
        }
        assertThat(paths).containsExactly("/", "/data", "/data/sub", "/data/sub/b.txt");
    }

    /** A connection costs as much as several small objects: with TLS up to four round trips. */
    @Test
    void objectsAreReadOverTheSameConnection() throws IOException {
        List<ImportRecord> records = new ArrayList<>();
        ImportOptions options = new ImportOptions((path, isDirectory) -> false, true, settings(), List.of());
        try (FaultyLink link = FaultyLink.to(server.port());
                Importer importer = factory()
                        .open(
                                Location.parse("s3://127.0.0.1:" + link.port() + "/" + S3Server.BUCKET + "/data"),
                                options)) {
            importer.scan(new ImportSink() {
                @Override
                public void record(ImportRecord record) {
                    records.add(record);
                }

                @Override
                public void error(byte[] path, String message) {
                    throw new AssertionError(message);
                }

                @Override
                public boolean isStopped() {
                    return false;
                }
            });
            int read = 0;
            MemorySegment room = MemorySegment.ofArray(new byte[1 << 20]);
            for (ImportRecord record : records) {
                if (FileMode.isRegular(record.info().mode())) {
                    try (ImportRecord.Content content = record.open()) {
                        long left = record.info().size();
                        while (left > 0) {
                            left -= content.read(room);
                        }
                        assertThat(left).isZero();
                    }
                    read++;
                }
            }
            assertThat(read).isGreaterThan(3);
            assertThat(link.connections()).isEqualTo(1);
        }
    }
}
