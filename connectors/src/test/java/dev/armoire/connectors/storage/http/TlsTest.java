// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.server.PemKeys;
import dev.armoire.connectors.server.StoreServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.NativeServices;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.crypto.Cipher;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our server behind a certificate that it has signed itself, for the address 127.0.0.1 and no other. */
final class TlsTest {
    private static final String TOKEN = "a-secret-token-of-this-test";
    private static final HttpStorageFactory FACTORY = new HttpStorageFactory(ServedStorageTest.HASTY);

    @TempDir
    static Path folder;

    private static Storage store;
    private static StoreServer server;

    @BeforeAll
    static void serve() throws Exception {
        makeCertificate("server", "ip:127.0.0.1");
        StorageFactory local = StorageFactory.find(Location.parse("fs:/somewhere"));
        assertThat(local).isNotNull();
        byte[] config = "as good as a CONFIG".getBytes(UTF_8);
        store = local.create(Location.parse(folder.resolve("store").toString()), MemorySegment.ofArray(config));
        server = StoreServer.start(
                store,
                new StoreServer.Options(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        false,
                        TOKEN.getBytes(UTF_8),
                        PemKeys.load(folder.resolve("server.pem"), folder.resolve("server.key")),
                        folder),
                line -> {});
    }

    @AfterAll
    static void stop() {
        server.close();
        store.close();
    }

    /** Writes NAME.pem and NAME.key. */
    private static void makeCertificate(String name, String subject) throws Exception {
        Path keys = folder.resolve(name + ".p12");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30"));
        command.addAll(List.of("-alias", "it", "-dname", "CN=" + name, "-ext", "SAN=" + subject));
        command.addAll(List.of("-storetype", "PKCS12", "-storepass", "changeit", "-keystore", keys.toString()));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), UTF_8);
        assertThat(keytool.waitFor()).as(said).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = "changeit".toCharArray();
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, password);
        }
        write(name + ".pem", "CERTIFICATE", store.getCertificate("it").getEncoded());
        write(name + ".key", "PRIVATE KEY", store.getKey("it", password).getEncoded());
    }

    private static void write(String file, String what, byte[] content) throws IOException {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Files.writeString(
                folder.resolve(file),
                "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n",
                US_ASCII);
    }

    private static Storage open(String scheme, String host, String... settings) throws IOException {
        Map<String, String> all = settings.length == 0
                ? Map.of("auth_token", TOKEN)
                : Map.of("auth_token", TOKEN, settings[0], settings[1]);
        return FACTORY.open(
                Location.parse(scheme + "://" + host + ":" + server.address().getPort() + "/"), all);
    }

    @Test
    void whoTrustsTheCertificateReadsAndWrites() throws IOException {
        Mac name = Mac.parse("ab".repeat(32));
        for (String[] trust :
                new String[][] {{"tls_ca_file", folder.resolve("server.pem").toString()}, {"tls_no_verify", "true"}}) {
            try (Storage storage = open("https", "127.0.0.1", trust)) {
                if (trust[0].equals("tls_ca_file")) {
                    storage.write(ObjectKind.STATE, name, List.of(MemorySegment.ofArray(new byte[] {1, 2, 3})));
                }
                assertThat(storage.list(ObjectKind.STATE)).containsExactly(name);
                byte[] content = new byte[3];
                storage.read(ObjectKind.STATE, name, 0, MemorySegment.ofArray(content));
                assertThat(content).containsExactly(1, 2, 3);
            }
        }
    }

    @Test
    void whatIsLargeArrivesThroughTheFasterCiphersAsItWas() throws Exception {
        byte[] content = new byte[(5 << 20) + 7];
        new Random(5).nextBytes(content);
        Mac name = Mac.parse("cd".repeat(32));
        NativeServices.allow();
        try (Storage storage = open("https", "127.0.0.1", "tls_no_verify", "true")) {
            assertThat(Cipher.getInstance("AES/GCM/NoPadding").getProvider().getName())
                    .isEqualTo("Armoire");
            storage.write(ObjectKind.PACKFILE, name, List.of(MemorySegment.ofArray(content)));
            byte[] read = new byte[content.length];
            storage.read(ObjectKind.PACKFILE, name, 0, MemorySegment.ofArray(read));
            assertThat(Arrays.equals(read, content)).isTrue();
        }
    }

    @Test
    void whoDoesNotTrustItIsToldWhatToDo() throws Exception {
        assertThatThrownBy(() -> open("https", "127.0.0.1"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("its certificate is not trusted")
                .hasMessageContaining("tls_ca_file")
                .hasMessageNotContaining(TOKEN);
        makeCertificate("other", "ip:127.0.0.1");
        assertThatThrownBy(() -> open(
                        "https",
                        "127.0.0.1",
                        "tls_ca_file",
                        folder.resolve("other.pem").toString()))
                .hasMessageContaining("its certificate is not trusted")
                .hasMessageNotContaining(TOKEN);
    }

    @Test
    void aCertificateForAnotherNameIsNotTrusted() {
        assertThatThrownBy(() -> open(
                        "https",
                        "localhost",
                        "tls_ca_file",
                        folder.resolve("server.pem").toString()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("its certificate is not trusted")
                .hasMessageContaining("localhost");
    }

    @Test
    void withoutTlsThereIsNoAnswerAndNoSecretIsTold() {
        assertThatThrownBy(() -> open("http", "127.0.0.1"))
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining(TOKEN);
    }

    @Test
    void aKeyThatIsNotTheCertificatesIsNamed() throws Exception {
        Files.writeString(folder.resolve("no.key"), "-----BEGIN EC PRIVATE KEY-----\n", US_ASCII);
        assertThatThrownBy(() -> PemKeys.load(folder.resolve("server.pem"), folder.resolve("no.key")))
                .hasMessageContaining("no.key holds no private key");
        assertThatThrownBy(() -> PemKeys.load(folder.resolve("server.key"), folder.resolve("server.key")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("server.key");
    }
}
