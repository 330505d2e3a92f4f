// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;

/** An S3 server in this JVM, which keeps its buckets in a folder and checks signatures. */
final class S3Server {
    static final String ACCESS_KEY = "AKARMOIRETEST";
    static final String SECRET_KEY = "a secret that no message may show";
    static final String BUCKET = "bucket";

    private final S3Proxy proxy;
    private final Path folder;

    private S3Server(S3Proxy proxy, Path folder) {
        this.proxy = proxy;
        this.folder = folder;
    }

    static S3Server start(Path folder) {
        Properties properties = new Properties();
        properties.setProperty("jclouds.filesystem.basedir", folder.toString());
        properties.setProperty("jclouds.identity", ACCESS_KEY);
        properties.setProperty("jclouds.credential", SECRET_KEY);
        try {
            Files.createDirectories(folder.resolve(BUCKET));
            S3Proxy proxy = S3Proxy.builder()
                    .blobStore(BlobStores.create("filesystem-nio2", properties))
                    .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
                    .endpoint(URI.create("http://127.0.0.1:0"))
                    .stopTimeout(0)
                    .build();
            proxy.start();
            return new S3Server(proxy, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new IllegalStateException("the S3 server does not start", e);
        }
    }

    int port() {
        return proxy.getPort();
    }

    Path bucket() {
        return folder.resolve(BUCKET);
    }

    /** Settings with which it lets a store in. */
    static Map<String, String> settings() {
        return Map.of("access_key", ACCESS_KEY, "secret_access_key", SECRET_KEY, "use_tls", "false");
    }

    void stop() throws Exception {
        proxy.stop();
    }
}
