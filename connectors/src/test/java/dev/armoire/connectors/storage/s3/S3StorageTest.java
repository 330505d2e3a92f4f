// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class S3StorageTest extends S3StoreContract {
    /** Three whole parts and a bit. */
    private static final int LARGE_BYTES = (48 << 20) + 12_345;

    @TempDir
    static Path folder;

    private static S3Server server;

    @BeforeAll
    static void startServer() {
        server = S3Server.start(folder);
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.stop();
    }

    @Override
    int port() {
        return server.port();
    }

    private static Path root(Location place) {
        return server.bucket().resolve(place.path().substring(place.path().lastIndexOf('/') + 1));
    }

    private static Set<String> keys(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> root.relativize(file).toString())
                    .collect(Collectors.toSet());
        }
    }

    private static Map<String, String> with(String key, String value) {
        Map<String, String> settings = new HashMap<>(S3Server.settings());
        settings.put(key, value);
        return settings;
    }

    private static Storage open(Location place, Map<String, String> settings) throws IOException {
        return new S3StorageFactory(variable -> null).open(place, settings);
    }

    @Test
    void theLayoutIsThatOfTheFormat() throws IOException {
        String packfile = mac(1).hex();
        String state = mac(2).hex();
        String lock = mac(3).hex();
        storage.write(ObjectKind.LOCK, mac(3), List.of(MemorySegment.ofArray(new byte[] {1})));
        assertThat(keys(root(place())))
                .containsExactlyInAnyOrder(
                        "CONFIG",
                        "packfiles/" + packfile.substring(0, 2) + '/' + packfile,
                        "states/" + state.substring(0, 2) + '/' + state,
                        "locks/" + lock);
        assertThat(storage.location()).isEqualTo(place().toString());
        assertThat(storage.localPath()).isNull();
    }

    @Test
    void aLargeObjectGoesInPartsAndIsNotOverwritten() throws IOException {
        byte[] content = new byte[LARGE_BYTES];
        new Random(11).nextBytes(content);
        MemorySegment all = MemorySegment.ofArray(content);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment tail = arena.allocate(1000).copyFrom(all.asSlice(LARGE_BYTES - 1000, 1000));
            List<MemorySegment> parts = List.of(all.asSlice(0, 7), all.asSlice(7, LARGE_BYTES - 1007), tail);
            storage.write(ObjectKind.PACKFILE, mac(12), parts);
            assertThatThrownBy(() -> storage.write(ObjectKind.PACKFILE, mac(12), parts))
                    .isInstanceOf(FileAlreadyExistsException.class);
        }
        assertThat(content(storage, ObjectKind.PACKFILE, mac(12))).isEqualTo(content);
    }

    @Test
    void aLargeObjectThatFailsLeavesNoPartsBehind() throws IOException {
        Arena arena = Arena.ofShared();
        MemorySegment gone = arena.allocate(1 << 20);
        arena.close();
        List<MemorySegment> parts = List.of(MemorySegment.ofArray(new byte[41 << 20]), gone);
        assertThatThrownBy(() -> storage.write(ObjectKind.PACKFILE, mac(13), parts))
                .isInstanceOf(IllegalStateException.class);
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.map(Path::toString)).noneMatch(file -> file.contains(mac(13).hex()));
        }
    }

    @Test
    void howLongStatesAreIsKnownFromTheirListing() throws IOException {
        storage.write(ObjectKind.STATE, mac(14), List.of(MemorySegment.ofArray(new byte[77])));
        assertThat(storage.list(ObjectKind.STATE)).contains(mac(14));
        String hex = mac(14).hex();
        Files.delete(root(place()).resolve("states/" + hex.substring(0, 2) + '/' + hex)); // so a request would fail
        assertThat(storage.size(ObjectKind.STATE, mac(14))).isEqualTo(77);
        assertThat(storage.list(ObjectKind.STATE)).doesNotContain(mac(14));
        assertThatThrownBy(() -> storage.size(ObjectKind.STATE, mac(14))).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void droppedConnectionsAreTriedAgain() throws Exception {
        byte[] content = new byte[300_000];
        new Random(21).nextBytes(content);
        try (FaultyLink link = FaultyLink.to(server.port());
                Storage storage = open(
                        at(link.port(), place().path().substring(place().path().lastIndexOf('/') + 1)),
                        S3Server.settings())) {
            for (int round = 0; round < 3; round++) {
                Mac name = mac(22 + round);
                link.dropAfterRequestBytes(100_000); // in the middle of what is sent
                storage.write(ObjectKind.PACKFILE, name, List.of(MemorySegment.ofArray(content)));
                link.dropAfterResponseBytes(150_000); // in the middle of what is read
                assertThat(content(storage, ObjectKind.PACKFILE, name)).isEqualTo(content);
            }
            assertThat(link.drops()).isEqualTo(6);
        }
    }

    @Test
    void aWriteWhoseAnswerIsLostHasSucceeded() throws Exception {
        try (FaultyLink link = FaultyLink.to(server.port());
                Storage storage = open(
                        at(link.port(), place().path().substring(place().path().lastIndexOf('/') + 1)),
                        S3Server.settings())) {
            storage.write(ObjectKind.LOCK, mac(31), List.of(MemorySegment.ofArray(new byte[1]))); // learns the service
            link.dropAfterResponseBytes(0);
            storage.write(ObjectKind.STATE, mac(32), List.of(MemorySegment.ofArray(new byte[] {1, 2, 3})));
            assertThat(link.drops()).isEqualTo(1);
            assertThat(content(storage, ObjectKind.STATE, mac(32))).containsExactly(1, 2, 3);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "access_key, AKUNKNOWN, does not know this access key",
        "secret_access_key, wrong, the secret key does not belong to the access key",
    })
    void wrongKeysAreTold(String setting, String value, String message) {
        assertThatThrownBy(() -> open(place(), with(setting, value)))
                .isInstanceOf(AccessDeniedException.class)
                .hasMessageContaining(place().toString())
                .hasMessageContaining(message)
                .hasMessageNotContaining(S3Server.SECRET_KEY);
    }

    @Test
    void aMissingBucketIsToldAndMadeByCreate() throws IOException {
        Location place = Location.parse("s3://127.0.0.1:" + server.port() + "/another-bucket");
        assertThatThrownBy(() -> factory().open(place))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("there is no bucket another-bucket at 127.0.0.1");
        factory().create(place, MemorySegment.ofArray(CONFIG)).close();
        factory().open(place).close();
    }

    @Test
    void aPlaceThatIsInUseIsRefused() throws IOException {
        Location fresh = freshPlace();
        plant(fresh, "somebody/elses.txt", new byte[] {1});
        assertThatThrownBy(() -> factory().create(fresh, MemorySegment.ofArray(CONFIG)))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("is not empty");
        assertThatThrownBy(() -> factory().open(fresh))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("is not a store: it has no CONFIG");
    }

    @Test
    void aServiceWithoutTlsIsTold() {
        assertThatThrownBy(() -> open(place(), with("use_tls", "true")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no TLS connection to 127.0.0.1")
                .hasMessageContaining("use_tls=false");
    }

    @Test
    void coldClassesAreReadOnly() throws IOException {
        try (Storage cold = open(place(), with("storage_class", "deep_archive"))) {
            assertThat(cold.isWritable()).isFalse();
            assertThatThrownBy(() -> cold.write(ObjectKind.STATE, mac(40), List.of()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("DEEP_ARCHIVE cannot be read back");
        }
    }
}
