// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageContract;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** The contract of storages, for stores in a bucket of one server or another. */
abstract class S3StoreContract extends StorageContract {
    private static int places;

    /** Of the server under test. */
    abstract int port();

    /** The factory as a store with settings has it. */
    private static final class WithSettings implements StorageFactory {
        private final S3StorageFactory factory = new S3StorageFactory(variable -> null);

        @Override
        public boolean accepts(Location location) {
            return factory.accepts(location);
        }

        @Override
        public Storage open(Location location) throws IOException {
            return factory.open(location, S3Server.settings());
        }

        @Override
        public Storage create(Location location, MemorySegment config) throws IOException {
            return factory.create(location, config, S3Server.settings());
        }
    }

    @Override
    protected final StorageFactory factory() {
        return new WithSettings();
    }

    @Override
    protected final Class<? extends StorageFactory> registered() {
        return S3StorageFactory.class;
    }

    @Override
    protected final Location freshPlace() {
        places++;
        return at(port(), "store" + places);
    }

    static Location at(int port, String prefix) {
        return Location.parse("s3://127.0.0.1:" + port + '/' + S3Server.BUCKET + '/' + prefix);
    }

    private static S3Place parsed(Location at) throws IOException {
        return S3Place.of(at, S3Settings.parse(S3Server.settings()), variable -> null);
    }

    @Override
    protected final void plant(Location at, String key, byte[] content) throws IOException {
        S3Place place = parsed(at);
        try (S3Client client = S3Clients.of(place)) {
            client.putObject(
                    put -> put.bucket(place.bucket()).key(place.prefix() + key), RequestBody.fromBytes(content));
        }
    }

    @Override
    protected int leaveUnfinished(Location at) throws IOException {
        S3Place place = parsed(at);
        try (S3Client client = S3Clients.of(place)) {
            S3Writer writer = new S3Writer(client, new S3Requests(client, place));
            for (String key : List.of("packfiles/ab/" + "ab".repeat(32), "states/cd/" + "cd".repeat(32), "notes")) {
                writer.beginUpload(place.prefix() + key, "STANDARD");
            }
        }
        return 2;
    }

    /** Whether a service refuses to overwrite is tried beside other work: that must not bring anything back. */
    @Test
    void whatIsDeletedRightAfterTheFirstWriteStaysAway() throws IOException {
        for (int i = 0; i < 8; i++) {
            Mac lock = mac(100 + i);
            try (Storage fresh = factory().open(place())) {
                fresh.write(ObjectKind.LOCK, lock, List.of(MemorySegment.ofArray(new byte[] {1, 2})));
                fresh.delete(ObjectKind.LOCK, lock);
            }
            try (Storage fresh = factory().open(place())) {
                fresh.write(ObjectKind.LOCK, lock, List.of(MemorySegment.ofArray(new byte[] {3})));
                fresh.refreshLock(lock, MemorySegment.ofArray(new byte[] {4}));
                assertThat(content(fresh, ObjectKind.LOCK, lock)).containsExactly(4);
            }
            assertThat(content(storage, ObjectKind.LOCK, lock)).containsExactly(4);
            storage.delete(ObjectKind.LOCK, lock);
        }
        assertThat(storage.list(ObjectKind.LOCK)).isEmpty();
    }
}
