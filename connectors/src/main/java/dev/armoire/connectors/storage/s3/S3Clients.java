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
import java.util.Set;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.NonRetryableException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkServiceException;
import software.amazon.awssdk.http.HttpStatusCode;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.utils.AttributeMap;

/** Makes clients of S3 services. */
final class S3Clients {
    private static final Duration WAIT_FOR_CONNECTION = Duration.ofMinutes(10);
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration SILENCE = Duration.ofSeconds(60);

    /** With the pauses below about two minutes of trouble. The strategy ends sooner when most requests fail. */
    private static final int ATTEMPTS = 8;

    private static final int FIRST_PAUSE_MILLIS = 200;
    private static final int NOT_IMPLEMENTED = 501;

    /** The request was spoilt on its way, or came too slowly: the same bytes may get through the next time. */
    private static final Set<String> SPOILT =
            Set.of("BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch");

    private S3Clients() {}

    static S3Client of(S3Place place) throws IOException {
        NativeServices.register();
        SdkHttpClient http = http(place.settings());
        return S3Client.builder()
                .endpointOverride(place.endpoint())
                .region(Region.of(place.region()))
                .credentialsProvider(credentials(place.settings()))
                .httpClient(http)
                .overrideConfiguration(settings -> settings.retryStrategy(retries()))
                // Every request carries a Content-MD5, which all services know; newer checksums in trailers they do
                // not.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(settings ->
                        settings.pathStyleAccessEnabled(!place.virtualHost()).chunkedEncodingEnabled(false))
                .build();
    }

    /**
     * Pauses are drawn at random up to the doubled one before, so that many clients do not come back at once.
     * {@code -Darmoire.s3.pause} sets the first one, in milliseconds, for tests of services that fail.
     */
    private static RetryStrategy retries() {
        Duration pause = Duration.ofMillis(Integer.getInteger("armoire.s3.pause", FIRST_PAUSE_MILLIS));
        Duration longest = pause.multipliedBy(100);
        return DefaultRetryStrategy.standardStrategyBuilder()
                .useClientDefaults(false) // else the SDK retries whatever is an IOException, too
                .retryOnException(S3Clients::isWorthAnotherTry)
                .treatAsThrottling(e -> e instanceof SdkServiceException answer && answer.isThrottlingException())
                .maxAttempts(ATTEMPTS)
                .backoffStrategy(BackoffStrategy.exponentialDelay(pause, longest))
                .throttlingBackoffStrategy(BackoffStrategy.exponentialDelay(pause.multipliedBy(5), longest))
                .build();
    }

    /** What the SDK retries by itself, but for TLS that one side does not want: it does not get better by waiting. */
    private static boolean isWorthAnotherTry(Throwable failure) {
        return switch (failure) {
            case SdkServiceException answer ->
                answer.statusCode() >= HttpStatusCode.INTERNAL_SERVER_ERROR && answer.statusCode() != NOT_IMPLEMENTED
                        || answer.isThrottlingException()
                        || answer.isRetryableException()
                        || answer.isClockSkewException()
                        || answer instanceof S3Exception said && SPOILT.contains(S3Errors.code(said));
            case RetryableException broken -> true;
            case AbortedException interrupted -> false;
            case NonRetryableException other -> false;
            case SdkClientException unanswered ->
                S3Errors.find(unanswered, IOException.class) != null && !S3Errors.isTlsRefused(unanswered);
            default -> false;
        };
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
