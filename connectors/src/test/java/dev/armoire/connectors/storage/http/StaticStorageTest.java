// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageReadContract;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores whose folder a real web server gives out. */
final class StaticStorageTest extends StorageReadContract {
    private static final HttpStorageFactory FACTORY = new HttpStorageFactory(new Limits(
            Duration.ofSeconds(2),
            Duration.ofSeconds(2),
            Duration.ofSeconds(2),
            4096,
            3,
            Duration.ofMillis(1),
            Duration.ofMillis(5)));

    @TempDir
    static Path folder;

    private static Nginx nginx;
    private static int stores;

    private String name = "";

    @BeforeAll
    static void startNginx() throws Exception {
        nginx = Nginx.start(folder);
    }

    @AfterAll
    static void stopNginx() {
        if (nginx != null) {
            nginx.close();
        }
    }

    private Path root() {
        return folder.resolve("www").resolve(name);
    }

    private Location at(String prefix) {
        return Location.parse("http://127.0.0.1:" + nginx.port() + prefix + '/' + name + '/');
    }

    @Override
    protected Held held() throws IOException {
        stores++;
        name = "a store".replace(' ', '-') + stores;
        byte[] config = "a CONFIG".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        byte[] packfile = new byte[400_003];
        new Random(1).nextBytes(packfile);
        byte[] state = new byte[777];
        new Random(2).nextBytes(state);
        Location local = Location.parse(root().toString());
        try (Storage made = StorageFactory.find(local).create(local, MemorySegment.ofArray(config))) {
            made.write(ObjectKind.PACKFILE, mac(1), List.of(MemorySegment.ofArray(packfile)));
            made.write(ObjectKind.STATE, mac(2), List.of(MemorySegment.ofArray(state)));
        }
        return new Held(FACTORY.open(at("")), config, mac(1), packfile, mac(2), state);
    }

    private Set<Mac> writeMore(int count) throws IOException {
        Set<Mac> names = new HashSet<>(List.of(mac(2)));
        Location local = Location.parse(root().toString());
        try (Storage there = StorageFactory.find(local).open(local)) {
            for (int i = 0; i < count; i++) {
                there.write(
                        ObjectKind.STATE, mac(100 + i), List.of(MemorySegment.ofArray(contentOf(mac(100 + i), 300))));
                names.add(mac(100 + i));
            }
        }
        return names;
    }

    @Test
    void itIsReadOnlyAndSaysSo() {
        assertThat(storage.isWritable()).isFalse();
        assertThat(storage.location()).isEqualTo(at("").toString().replaceAll("/$", ""));
        assertThatThrownBy(() -> storage.write(ObjectKind.STATE, mac(9), List.of()))
                .hasMessageContaining("is read-only");
        assertThatThrownBy(() -> storage.delete(ObjectKind.STATE, mac(2))).hasMessageContaining("is read-only");
    }

    @Test
    void allObjectsAreFoundInEachKindOfListing() throws IOException {
        Set<Mac> expected = writeMore(300);
        String hex = mac(7).hex();
        Path bucket = root().resolve("states/" + hex.substring(0, 2));
        Files.write(bucket.resolve(hex + "0"), new byte[1]);
        Files.write(bucket.resolve("g" + hex.substring(1)), new byte[1]);
        Files.write(root().resolve("states/tmp.123"), new byte[1]);
        for (String prefix : List.of("", "/json")) {
            try (Storage opened = FACTORY.open(at(prefix))) {
                assertThat(opened.list(ObjectKind.STATE)).as(prefix).containsExactlyInAnyOrderElementsOf(expected);
                assertThat(opened.list(ObjectKind.PACKFILE)).containsExactly(mac(1));
            }
        }
    }

    @Test
    void whereNothingIsListedAListIsReadOrAskedFor() throws IOException {
        Set<Mac> expected = writeMore(20);
        try (Storage opened = FACTORY.open(at("/bare"))) {
            assertThatThrownBy(() -> opened.list(ObjectKind.STATE))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("shows no listing of that folder")
                    .hasMessageContaining("LISTING");
        }
        try (Stream<Path> files = Files.walk(root())) {
            Files.write(
                    root().resolve("LISTING"),
                    files.filter(Files::isRegularFile)
                            .map(file -> "./" + root().relativize(file))
                            .toList());
        }
        try (Storage opened = FACTORY.open(at("/bare"))) {
            int before = nginx.requests().size();
            assertThat(opened.list(ObjectKind.STATE)).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(opened.list(ObjectKind.PACKFILE)).containsExactly(mac(1));
            assertThat(nginx.requests()).hasSize(before + 1);
        }
    }

    @Test
    void aServerWithoutRangesIsTold() throws IOException {
        try (Storage opened = FACTORY.open(at("/whole"))) {
            assertThatThrownBy(() -> content(opened, ObjectKind.PACKFILE, mac(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("sends whole files only");
        }
    }

    @Test
    void anEmptyObjectIsEmpty() throws IOException {
        Location local = Location.parse(root().toString());
        try (Storage there = StorageFactory.find(local).open(local)) {
            there.write(ObjectKind.STATE, mac(50), List.of());
        }
        assertThat(storage.size(ObjectKind.STATE, mac(50))).isZero();
        assertThat(content(storage, ObjectKind.STATE, mac(50))).isEmpty();
    }
}
