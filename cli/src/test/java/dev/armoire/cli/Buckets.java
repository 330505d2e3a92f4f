// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import com.robothy.s3.rest.LocalS3;
import com.robothy.s3.rest.bootstrap.LocalS3Mode;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Stream;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;

/** An S3 server in this JVM, which lets everybody in. */
final class Buckets implements AutoCloseable {
    static final String NAME = "bucket";

    private final AutoCloseable server;
    private final int port;
    private final Path folder;

    private Buckets(AutoCloseable server, int port, Path folder) {
        this.server = server;
        this.port = port;
        this.folder = folder;
    }

    /** One of today, with its one bucket in a folder. */
    static Buckets start(Path folder) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("jclouds.filesystem.basedir", folder.toString());
        Files.createDirectories(folder.resolve(NAME));
        S3Proxy server = S3Proxy.builder()
                .blobStore(BlobStores.create("filesystem-nio2", properties))
                .awsAuthentication(AuthenticationType.NONE, null, null)
                .endpoint(URI.create("http://127.0.0.1:0"))
                .stopTimeout(0)
                .build();
        server.start();
        return new Buckets(server::stop, server.getPort(), folder);
    }

    /** Another one, so that the first one's quirks are not taken for the protocol: it heeds no conditions and compares no checksums. */
    static Buckets startOther(Path folder) throws IOException {
        System.setProperty("io.netty.leakDetection.level", "disabled"); // it leaks, and would say so
        LocalS3 server = LocalS3.builder()
                .mode(LocalS3Mode.PERSISTENCE)
                .dataPath(Files.createDirectories(folder.resolve("other")).toString())
                .port(-1)
                .build();
        server.start();
        return new Buckets(server::shutdown, server.getPort(), folder);
    }

    int port() {
        return port;
    }

    /** Where a store is that is reached through a port of this machine. */
    static String location(int port, String store) {
        return "s3://127.0.0.1:" + port + '/' + NAME + '/' + store;
    }

    static Map<String, String> settings() {
        return Map.of("use_tls", "false", "access_key", "AKANYBODY", "secret_access_key", "no secret");
    }

    /** Gives a place that name, for commands to use. */
    static void name(ArmoireRun run, String name, int port, String store) {
        List<String> words = Stream.concat(
                        Stream.of("store", "add", name, location(port, store)),
                        settings().entrySet().stream().map(set -> set.getKey() + '=' + set.getValue()))
                .toList();
        ArmoireRun.Outcome outcome = run.run(words.toArray(String[]::new));
        if (outcome.exitCode() != 0) {
            throw new AssertionError(outcome);
        }
    }

    /** Makes a store without encryption and with small packfiles. */
    void createWithPackfilesOf(long bytes, String store) throws IOException {
        createWithPackfilesOf(bytes, Location.parse(location(port(), store)), settings(), "");
    }

    /**
     * Makes a store with small packfiles.
     *
     * @param passphrase for one with encryption, whose key is derived in no time; empty for none
     */
    static void createWithPackfilesOf(long bytes, Location location, Map<String, String> settings, String passphrase)
            throws IOException {
        StoreConfig.EncryptionSettings encryption = null;
        StoreKeys masterKeys = null;
        if (!passphrase.isEmpty()) {
            byte[] salt = new byte[KeyDerivation.SALT_BYTES];
            new SecureRandom().nextBytes(salt);
            var derivation = new KeyDerivation.Argon2(Bytes.copyOf(salt), 1, 64, 1);
            byte[] master = derivation.derive(passphrase.getBytes(StandardCharsets.UTF_8));
            masterKeys = StoreConfig.EncryptionSettings.create(derivation, new byte[0])
                    .keys(Hashing.BLAKE3, master);
            encryption = StoreConfig.EncryptionSettings.create(derivation, masterKeys.newCanary());
        }
        StoreConfig usual = StoreConfig.create(Instant.now(), UUID.randomUUID(), Hashing.BLAKE3, Compression.LZ4, null);
        StoreConfig config = new StoreConfig(
                usual.timestamp(),
                usual.repositoryId(),
                new StoreConfig.PackfileSettings(0, 0, bytes),
                usual.chunking(),
                usual.hashing(),
                usual.compression(),
                encryption);
        try (var keys = masterKeys == null ? config.plaintextKeys() : masterKeys;
                Arena arena = Arena.ofConfined()) {
            Objects.requireNonNull(StorageFactory.find(location))
                    .create(location, config.toObject(keys, arena), settings)
                    .close();
        }
    }

    /** The files that are a store's objects, with the first server. */
    List<Path> objects(String store) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve(NAME).resolve(store))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (Exception e) {
            throw new IllegalStateException("the S3 server does not stop", e);
        }
    }
}
