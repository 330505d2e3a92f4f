// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a place behind a web server, checked. {@code auth_token} and {@code tls_no_verify} are Plakar's; the others are
 * ours. Unknown words are refused: a misspelled one must not be taken for the default.
 */
final class HttpSettings {
    private static final Set<String> KNOWN =
            new TreeSet<>(Set.of("auth_token", "username", "password", "tls_ca_file", "tls_no_verify"));

    private final Map<String, String> settings;

    private HttpSettings(Map<String, String> settings) {
        this.settings = settings;
    }

    static HttpSettings parse(Map<String, String> given) throws IOException {
        for (String key : given.keySet()) {
            if (!KNOWN.contains(key)) {
                throw new IOException("http: unknown setting " + key + "; known are " + String.join(", ", KNOWN));
            }
        }
        HttpSettings settings = new HttpSettings(Map.copyOf(given));
        settings.check();
        return settings;
    }

    private void check() throws IOException {
        if ((text("username") == null) != (text("password") == null)) {
            throw new IOException("http: username and password go together: set both or none");
        }
        if (text("username") != null && text("auth_token") != null) {
            throw new IOException("http: auth_token and username contradict each other: set one of them");
        }
        String token = text("auth_token");
        if (token != null && !token.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            throw new IOException("http: auth_token has characters that no token can have, such as blanks");
        }
        trustsAnybody();
    }

    private @Nullable String text(String key) {
        String value = settings.get(key);
        return value == null || value.isEmpty() ? null : value;
    }

    private boolean trustsAnybody() throws IOException {
        String value = text("tls_no_verify");
        return value != null
                && switch (value.toLowerCase(Locale.ROOT)) {
                    case "true", "t", "1" -> true;
                    case "false", "f", "0" -> false;
                    default -> throw new IOException("http: setting tls_no_verify is true or false, not " + value);
                };
    }

    /** What the header Authorization carries, or null. A secret. */
    @Nullable
    String authorization() {
        String token = text("auth_token");
        if (token != null) {
            return "Bearer " + token;
        }
        String name = text("username");
        return name == null
                ? null
                : "Basic "
                        + Base64.getEncoder()
                                .encodeToString((name + ':' + text("password")).getBytes(StandardCharsets.UTF_8));
    }

    /** Whom to trust, or null for those whom the JDK trusts. */
    @Nullable
    SSLContext trust() throws IOException {
        String authority = text("tls_ca_file");
        if (authority == null && !trustsAnybody()) {
            return null;
        }
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(
                    null,
                    authority == null ? new TrustManager[] {new TrustsAnybody()} : trusting(Path.of(authority)),
                    null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("http: TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    private static TrustManager[] trusting(Path authority) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(authority))) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (certificates.isEmpty()) {
                throw new IOException("http: tls_ca_file " + authority + " holds no certificate: a PEM file is wanted");
            }
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate certificate : certificates) {
                store.setCertificateEntry("ca" + store.size(), certificate);
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw new IOException("http: the file that tls_ca_file names is not there: " + authority, e);
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "http: tls_ca_file " + authority + " holds no certificates that can be read: a PEM file is wanted",
                    e);
        }
    }

    /** Asks nothing. Being an extended one, it also stands for the comparison of host names. */
    private static final class TrustsAnybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
