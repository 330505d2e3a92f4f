// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.ptar.PtarOutput;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

/** Archives that are objects of a bucket: made part by part, read by ranges. */
final class S3ArchiveTest {
    private static final int PART_BYTES = 5 << 20; // the least that S3 takes
    private static final byte[] CONFIG = {1, 2, 3};
    private static final byte[] STATE = {4, 5, 6, 7};

    @TempDir
    static Path folder;

    private static S3Server server;
    private static S3StorageFactory factory;

    @BeforeAll
    static void startServer() {
        server = S3Server.start(folder);
        Map<String, String> environment = new HashMap<>();
        environment.put("AWS_ENDPOINT_URL", "http://127.0.0.1:" + server.port());
        factory = new S3StorageFactory(environment::get);
        System.setProperty("aws.accessKeyId", S3Server.ACCESS_KEY); // as a user has them in the environment
        System.setProperty("aws.secretAccessKey", S3Server.SECRET_KEY);
    }

    @AfterAll
    static void stopServer() throws Exception {
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        server.stop();
    }

    private static Location at(String name) {
        return Location.parse("s3://127.0.0.1:" + server.port() + "/archives/in/" + name);
    }

    private static Mac anyName() {
        return Mac.parse("ab".repeat(Mac.BYTES));
    }

    private static ArchiveOutput begin(String name, boolean replaces) throws IOException {
        S3Place place = S3Place.of(at(name), S3Settings.parse(S3Server.settings()), variable -> null);
        return PtarOutput.to(
                place.toString(), MemorySegment.ofArray(CONFIG), S3ArchiveSink.open(place, replaces, PART_BYTES));
    }

    private static void make(String name, boolean replaces, byte[] packfile) throws IOException {
        try (ArchiveOutput archive = begin(name, replaces)) {
            MemorySegment whole = MemorySegment.ofArray(packfile);
            archive.append(List.of(whole.asSlice(0, packfile.length / 3), whole.asSlice(packfile.length / 3)));
            archive.write(ObjectKind.STATE, anyName(), List.of(MemorySegment.ofArray(STATE)));
        }
    }

    private static void assertHolds(String name, byte[] packfile) throws IOException {
        try (Storage archive = factory.open(at(name));
                Arena arena = Arena.ofConfined()) {
            assertThat(archive.isWritable()).isFalse();
            assertThat(archive.readConfig(arena).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(CONFIG);
            Mac mac = archive.list(ObjectKind.PACKFILE).getFirst();
            assertThat(archive.size(ObjectKind.PACKFILE, mac)).isEqualTo(packfile.length);
            byte[] content = new byte[packfile.length];
            archive.read(ObjectKind.PACKFILE, mac, 0, MemorySegment.ofArray(content));
            assertThat(content).isEqualTo(packfile);
            byte[] state = new byte[STATE.length];
            archive.read(ObjectKind.STATE, archive.list(ObjectKind.STATE).getFirst(), 0, MemorySegment.ofArray(state));
            assertThat(state).isEqualTo(STATE);
        }
    }

    private static int objects() throws IOException {
        try (S3Client client = S3Clients.of(S3Place.of(at("x"), S3Settings.parse(S3Server.settings()), name -> null))) {
            assertThat(client.listMultipartUploads(uploads -> uploads.bucket("archives"))
                            .uploads())
                    .isEmpty();
            return client.listObjectsV2(list -> list.bucket("archives"))
                    .contents()
                    .size();
        }
    }

    @Test
    void oneOfSeveralPartsReadsBackAndStays() throws IOException {
        byte[] packfile = new byte[2 * PART_BYTES + 12_345];
        new Random(5).nextBytes(packfile);
        make("large.ptar", false, packfile);
        assertHolds("large.ptar", packfile);
        int before = objects();
        assertThatThrownBy(() -> begin("large.ptar", false)).isInstanceOf(FileAlreadyExistsException.class);
        try (ArchiveOutput archive = begin("large.ptar", true)) {
            archive.append(List.of(MemorySegment.ofArray(packfile), MemorySegment.ofArray(packfile)));
            // given up: what is there stays, and no part is left
        }
        assertThat(objects()).isEqualTo(before);
        assertHolds("large.ptar", packfile);
    }

    @Test
    void aSmallOneIsOneRequestAndGivesWayWhenItMay() throws IOException {
        make("small.ptar", false, new byte[] {1, 1});
        assertHolds("small.ptar", new byte[] {1, 1});
        assertThatThrownBy(() -> make("small.ptar", false, new byte[] {2}))
                .isInstanceOf(FileAlreadyExistsException.class);
        make("small.ptar", true, new byte[] {3, 3, 3});
        assertHolds("small.ptar", new byte[] {3, 3, 3});
    }

    @Test
    void twoThatBeginTogetherDoNotReplaceEachOther() throws IOException {
        try (ArchiveOutput late = begin("race.ptar", false)) {
            make("race.ptar", false, new byte[] {9});
            late.append(List.of(MemorySegment.ofArray(new byte[] {8, 8})));
            assertThatThrownBy(() -> late.write(ObjectKind.STATE, anyName(), List.of(MemorySegment.ofArray(STATE))))
                    .isInstanceOf(FileAlreadyExistsException.class);
        }
        assertHolds("race.ptar", new byte[] {9});
    }

    @Test
    void whatIsNotThereIsMissing() throws IOException {
        make("there.ptar", true, new byte[] {1});
        assertThatThrownBy(() -> factory.open(at("not.ptar")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("no such object");
        assertThatThrownBy(() -> factory.createArchive(
                        Location.parse("s3://127.0.0.1:" + server.port() + "/archives"),
                        MemorySegment.ofArray(CONFIG),
                        false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("NAME.ptar is wanted");
    }
}
