// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.crypto.NativeServices;
import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.function.Consumer;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.utils.AttributeMap;

/** Makes clients of S3 services. */
final class S3Clients {
    private static final Duration WAIT_FOR_CONNECTION = Duration.ofMinutes(10);
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private S3Clients() {}

    static S3Client of(S3Place place) throws IOException {
        return of(place, text -> {});
    }

    /**
     * A client, which the caller closes.
     *
     * @param notices told when requests fail for some time and are tried again
     */
    static S3Client of(S3Place place, Consumer<String> notices) throws IOException {
        NativeServices.register();
        S3Retries retries = new S3Retries(place.host(), notices, System::nanoTime);
        SdkHttpClient http = http(place.settings());
        return S3Client.builder()
                .endpointOverride(place.endpoint())
                .region(Region.of(place.region()))
                .credentialsProvider(credentials(place.settings()))
                .httpClient(http)
                .overrideConfiguration(
                        settings -> settings.retryStrategy(retries.strategy()).addExecutionInterceptor(retries))
                // Uploads bring their own (UploadChecksums), in headers: trailers not all services know.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(settings ->
                        settings.pathStyleAccessEnabled(!place.virtualHost()).chunkedEncodingEnabled(false))
                .build();
    }

    private static AwsCredentialsProvider credentials(S3Settings settings) {
        String key = settings.text("access_key");
        String secret = settings.text("secret_access_key");
        if (key == null || secret == null) {
            return DefaultCredentialsProvider.builder().build();
        }
        String token = settings.text("session_token");
        return StaticCredentialsProvider.create(
                token == null
                        ? AwsBasicCredentials.create(key, secret)
                        : AwsSessionCredentials.create(key, secret, token));
    }

    private static SdkHttpClient http(S3Settings settings) throws IOException {
        Apache5HttpClient.Builder builder = Apache5HttpClient.builder()
                .maxConnections(settings.connections())
                .connectionAcquisitionTimeout(WAIT_FOR_CONNECTION)
                .connectionTimeout(CONNECT)
                .socketTimeout(SILENCE);
        String authority = settings.text("tls_ca_file");
        if (authority != null) {
            TrustManager[] trusted = trusting(Path.of(authority));
            builder.tlsTrustManagersProvider(() -> trusted);
        }
        boolean trustsAll = Boolean.TRUE.equals(settings.flag("tls_insecure_no_verify"));
        return builder.buildWithDefaults(AttributeMap.builder()
                .put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, trustsAll)
                .build());
    }

    private static TrustManager[] trusting(Path authority) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(authority))) {
            Collection<? extends Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (certificates.isEmpty()) {
                throw new IOException("s3: tls_ca_file " + authority + " holds no certificate: a PEM file is wanted");
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
            throw new NoSuchFileException(
                    authority.toString(), null, "s3: the file that tls_ca_file names is not there: " + authority);
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "s3: tls_ca_file " + authority + " holds no certificates that can be read: a PEM file is wanted",
                    e);
        }
    }
}
