// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.TargetContract;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Buckets pass the contract of targets. */
final class S3TargetTest extends TargetContract {
    @TempDir
    static Path folder;

    private static S3Server server;
    private static int places;

    @BeforeAll
    static void startServer() {
        server = S3Server.start(folder);
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.stop();
    }

    @BeforeEach
    void nextPlace() {
        places++;
    }

    @Override
    protected ExporterFactory factory() {
        return new S3ExporterFactory();
    }

    @Override
    protected Location place() {
        return Location.parse("s3://127.0.0.1:" + server.port() + "/new-bucket/to/" + places);
    }

    @Override
    protected Map<String, String> settings() {
        return S3Server.settings();
    }

    @Test
    void aNameThatNoBucketCanHaveIsAnError() {
        Location place = Location.parse("s3://127.0.0.1:" + server.port() + "/ab/x");
        assertThatThrownBy(() -> factory().open(place, true, settings(), (path, what) -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot make bucket ab");
    }

    @Override
    protected Map<String, byte[]> written() throws IOException {
        Map<String, byte[]> found = new HashMap<>();
        S3Place place = S3Place.of(place(), S3Settings.parse(settings()), variable -> null);
        try (S3Client client = S3Clients.of(place)) {
            for (S3Object object : client.listObjectsV2Paginator(
                            list -> list.bucket(place.bucket()).prefix(place.prefix()))
                    .contents()) {
                byte[] content = client.getObjectAsBytes(
                                get -> get.bucket(place.bucket()).key(object.key()))
                        .asByteArray();
                found.put(object.key().substring(place.prefix().length()), content);
            }
        }
        return found;
    }
}
