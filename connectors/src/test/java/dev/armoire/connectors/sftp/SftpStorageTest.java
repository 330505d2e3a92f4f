// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageContract;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SftpStorageTest extends StorageContract {
    @TempDir
    static Path folder;

    private static SshServer server;
    private static int places;

    @BeforeAll
    static void startServer() throws Exception {
        server = SshServer.start(folder);
    }

    @AfterAll
    static void stopServer() throws Exception {
        if (server != null) {
            server.kill();
        }
    }

    @Override
    protected StorageFactory factory() {
        return new SftpStorageFactory(server.home, variable -> null);
    }

    @Override
    protected Location freshPlace() {
        places++;
        return server.at(folder.resolve("stores/a " + places));
    }

    @Override
    protected int leaveUnfinished(Location at) throws IOException {
        plant(at, "tmp.1", new byte[] {1});
        plant(at, "states/tmp.22", new byte[0]);
        plant(at, "packfiles/tmp.333", new byte[] {2});
        plant(at, "packfiles/tmp.notes", new byte[] {3});
        plant(at, "packfiles/12/tmp.4", new byte[] {4});
        return 3;
    }

    @Override
    protected void plant(Location at, String key, byte[] content) throws IOException {
        Path file = local(at).resolve(key);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    private static Path local(Location at) {
        return Path.of(at.path().substring(at.path().indexOf('/')));
    }

    private static Storage open(Location location, Map<String, String> settings) throws IOException {
        return new SftpStorageFactory(server.home, variable -> null).open(location, settings);
    }

    @Test
    void theFolderIsAStoreOfTheLocalKind() throws IOException {
        storage.write(ObjectKind.LOCK, mac(3), List.of(MemorySegment.ofArray(new byte[] {1})));
        Location local = Location.parse(local(place()).toString());
        try (Storage there = Objects.requireNonNull(StorageFactory.find(local)).open(local)) {
            assertThat(there.list(ObjectKind.LOCK)).containsExactly(mac(3));
            for (ObjectKind kind : List.of(ObjectKind.PACKFILE, ObjectKind.STATE)) {
                assertThat(there.list(kind)).containsExactlyElementsOf(storage.list(kind));
                assertThat(content(there, kind, there.list(kind).getFirst()))
                        .isEqualTo(content(storage, kind, storage.list(kind).getFirst()));
            }
        }
        try (Stream<Path> files = Files.walk(local(place()))) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith("tmp")))
                    .isEmpty();
        }
    }

    @Test
    void anObjectOfManyRequestsReadsBack() throws IOException {
        byte[] large = new byte[3 * SftpConnection.WINDOW * SftpConnection.REQUEST_BYTES + 4321];
        new Random(11).nextBytes(large);
        storage.write(ObjectKind.PACKFILE, mac(11), List.of(MemorySegment.ofArray(large)));
        assertThat(content(storage, ObjectKind.PACKFILE, mac(11))).isEqualTo(large);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment past = arena.allocate(large.length);
            assertThatThrownBy(() -> storage.read(ObjectKind.PACKFILE, mac(11), 5, past))
                    .isInstanceOf(EOFException.class);
        }
    }

    private String inStore(String path) throws IOException {
        return local(place()).toRealPath() + "/" + path;
    }

    @Test
    void whatIsWrittenIsDurable() throws Exception {
        assumeFalse(server.synced().isEmpty(), "skipped: this server does not say what it syncs");
        String packfiles = inStore("packfiles");
        String states = inStore("states");
        assertThat(server.synced())
                .contains(packfiles, states, inStore("").replaceAll("/$", ""), folder.toRealPath() + "/stores");
        int before = server.synced().size();
        storage.write(ObjectKind.STATE, mac(21), List.of(MemorySegment.ofArray(new byte[5])));
        List<String> synced = server.synced().subList(before, server.synced().size());
        assertThat(synced).hasSize(2);
        assertThat(synced.getFirst()).startsWith(states + "/tmp.");
        assertThat(synced.getLast()).isEqualTo(states + "/" + mac(21).hex().substring(0, 2));

        before = server.synced().size();
        storage.replace(ObjectKind.STATE, mac(21), List.of(MemorySegment.ofArray(new byte[6])));
        assertThat(server.synced().subList(before, server.synced().size())).hasSize(2);
    }

    /** Their writer may have been stopped before they were durable, or have seen to nothing. */
    @Test
    void whatOthersHaveWrittenIsMadeDurable() throws Exception {
        assumeFalse(server.synced().isEmpty(), "skipped: this server does not say what it syncs");
        String fresh = "states/" + mac(31).hex().substring(0, 2) + '/' + mac(31).hex();
        String old = "states/" + mac(32).hex().substring(0, 2) + '/' + mac(32).hex();
        plant(place(), fresh, new byte[5]);
        plant(place(), old, new byte[5]);
        Files.setLastModifiedTime(
                Path.of(inStore(old)), FileTime.from(Instant.now().minus(3, ChronoUnit.HOURS)));
        int before = server.synced().size();
        storage.settle(ObjectKind.STATE, List.of(mac(31), mac(32), mac(33)));
        assertThat(server.synced().subList(before, server.synced().size()))
                .containsExactly(
                        inStore(fresh), Path.of(inStore(fresh)).getParent().toString());
    }

    @Test
    void anUnknownHostIsRefusedWithItsFingerprint() throws Exception {
        Path known = server.home.resolve(".ssh/known_hosts");
        Files.writeString(known, "# nobody\n");
        try {
            assertThatThrownBy(() -> factory().open(place()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not known")
                    .hasMessageContaining("SHA256:")
                    .hasMessageContaining("ssh-keyscan -p " + server.port);
            try (Storage opened = open(place(), Map.of("insecure_ignore_host_key", "true"))) {
                assertThat(opened.list(ObjectKind.STATE)).hasSize(1);
            }
        } finally {
            server.knowHostKey("host");
        }
    }

    @Test
    void aChangedHostKeyIsRefused() throws Exception {
        SshServer.keygen("ed25519", folder.resolve("other" + places));
        server.knowHostKey("other" + places);
        try {
            assertThatThrownBy(() -> factory().open(place()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("HAS CHANGED")
                    .hasMessageContaining("SHA256:");
        } finally {
            server.knowHostKey("host");
        }
    }

    @Test
    void aKeyThatTheServerDoesNotKnowIsToldWithoutItsUser() throws Exception {
        Path stranger = folder.resolve("stranger" + places);
        SshServer.keygen("ed25519", stranger);
        Map<String, String> settings =
                Map.of("identity", stranger.toString(), "username", "somebody", "password", "a secret of mine");
        assertThatThrownBy(() -> open(place(), settings))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("accepts none of the keys, nor the password")
                .hasMessageNotContaining("somebody")
                .hasMessageNotContaining("a secret");
    }

    @Test
    void keysComeInAllFormsThatPeopleHave() throws Exception {
        Path authorized = folder.resolve("authorized");
        String before = Files.readString(authorized);
        try {
            Path rsa = folder.resolve("rsa" + places);
            SshServer.keygen("rsa", rsa, "-b", "2048", "-m", "PEM", "-N", "");
            Path ecdsa = folder.resolve("ecdsa" + places);
            SshServer.keygen("ecdsa", ecdsa, "-N", "open sesame");
            Files.writeString(
                    authorized,
                    before + Files.readString(Path.of(rsa + ".pub")) + Files.readString(Path.of(ecdsa + ".pub")));
            open(place(), Map.of("identity", rsa.toString())).close();
            open(place(), Map.of("ssh_private_key", Files.readString(rsa))).close();
            open(place(), Map.of("identity", ecdsa.toString(), "identity_passphrase", "open sesame"))
                    .close();
            assertThatThrownBy(() -> open(place(), Map.of("identity", ecdsa.toString())))
                    .hasMessageContaining("load it into ssh-agent or set identity_passphrase");
            assertThatThrownBy(() ->
                            open(place(), Map.of("identity", ecdsa.toString(), "identity_passphrase", "wrong words")))
                    .hasMessageContaining("passphrase is wrong")
                    .hasMessageNotContaining("wrong words");
        } finally {
            Files.writeString(authorized, before);
        }
    }

    @Test
    void anAgentHoldsTheKey() throws Exception {
        Path socket = Files.createTempDirectory("agent").resolve("s");
        Process agent = new ProcessBuilder("ssh-agent", "-D", "-a", socket.toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        Path empty = folder.resolve("no keys" + places);
        Files.createDirectories(empty.resolve(".ssh"));
        Files.copy(server.home.resolve(".ssh/known_hosts"), empty.resolve(".ssh/known_hosts"));
        try {
            for (int i = 0; i < 100 && !Files.exists(socket); i++) {
                Thread.sleep(50);
            }
            SftpStorageFactory factory = new SftpStorageFactory(empty, Map.of("SSH_AUTH_SOCK", socket.toString())::get);
            assertThatThrownBy(() -> factory.open(place())).hasMessageContaining("accepts none of the keys");
            ProcessBuilder add = new ProcessBuilder(
                    "ssh-add", "-q", server.home.resolve(".ssh/id_ed25519").toString());
            add.environment().put("SSH_AUTH_SOCK", socket.toString());
            assertThat(add.start().waitFor()).isZero();
            factory.open(place()).close();
        } finally {
            agent.destroy();
        }
    }

    @Test
    void theUsersConfigurationExplainsNames() throws Exception {
        Path config = server.home.resolve(".ssh/config");
        Path key = Files.copy(server.home.resolve(".ssh/id_ed25519"), folder.resolve("moved" + places));
        Files.writeString(
                config,
                "Host backup\n  HostName 127.0.0.1\n  Port " + server.port
                        + "\n  IdentityFile " + key + "\n  UserKnownHostsFile ~/.ssh/known_hosts\n"
                        + "Host jumping\n  HostName 127.0.0.1\n  ProxyJump elsewhere\n");
        try {
            factory().open(Location.parse("sftp://backup" + local(place()))).close();
            assertThatThrownBy(() -> factory().open(Location.parse("sftp://jumping" + local(place()))))
                    .hasMessageContaining("ProxyJump");
        } finally {
            Files.delete(config);
        }
    }

    @Test
    void settingsAreThoseOfThePlugin() throws Exception {
        Map<String, String> settings = new HashMap<>(Map.of(
                "port", String.valueOf(server.port),
                "root", local(place()).toString(),
                "username", System.getProperty("user.name"),
                "identity", server.home.resolve(".ssh/id_ed25519").toString(),
                "insecure_ignore_host_key", "false",
                "ssh_private_key_ttl", "5s"));
        open(Location.parse("sftp://127.0.0.1"), settings).close();
        settings.put("idenity", "x");
        assertThatThrownBy(() -> open(Location.parse("sftp://127.0.0.1"), settings))
                .hasMessageContaining("unknown setting idenity");
        for (String bad : List.of("sftp://u:pw@h/p", "sftp:///p", "sftp://h:99999/p", "sftp://h/p?q", "sftp://h/%zz")) {
            assertThatThrownBy(() -> open(Location.parse(bad), Map.of()))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("sftp: ")
                    .hasMessageNotContaining("pw");
        }
    }

    @Test
    void nobodyAnswersAndAFolderThatIsNoStore() throws Exception {
        assertThatThrownBy(() -> open(Location.parse("sftp://127.0.0.1:1/p"), Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot connect to port 1: nothing answers there");
        Path used = Files.createDirectories(folder.resolve("used"));
        Files.writeString(used.resolve("file"), "x");
        assertThatThrownBy(() -> factory().create(server.at(used), MemorySegment.ofArray(CONFIG)))
                .hasMessageContaining("is not empty");
    }

    @Test
    void aLostConnectionIsToldWithThePath() throws Exception {
        byte[] state = new byte[1];
        server.kill();
        try {
            assertThatThrownBy(() -> storage.read(
                            ObjectKind.STATE,
                            storage.list(ObjectKind.STATE).getFirst(),
                            0,
                            MemorySegment.ofArray(state)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("lost")
                    .hasMessageContaining(local(place()).toString());
        } finally {
            server.run();
        }
    }

    @Test
    void serviceLoaderFindsItWithoutLoadingTheLibrary() {
        assertThat(ServiceLoader.load(StorageFactory.class).stream().map(ServiceLoader.Provider::type))
                .anyMatch(SftpStorageFactory.class::equals);
        assertThat(Stream.of(SftpStorageFactory.class.getDeclaredFields())
                        .map(field -> field.getType().getName()))
                .noneMatch(name -> name.startsWith("org.apache.sshd"));
    }
}
