// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.NonRetryableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Says what went wrong with a request: what failed, where, why, and what to do. Never with keys. */
final class S3Errors {
    private final S3Place place;

    S3Errors(S3Place place) {
        this.place = place;
    }

    /** The code of the service, empty when it gave none, as on requests without a body. */
    static String code(S3Exception e) {
        AwsErrorDetails details = e.awsErrorDetails();
        String code = details == null ? null : details.errorCode();
        return code == null ? "" : code;
    }

    /**
     * The failure to throw.
     *
     * @param what what failed, with the object and the place: {@code cannot read state ab12 of s3://...}
     */
    IOException named(String what, SdkException e) {
        IOException named = e instanceof S3Exception answer ? answered(what, answer) : unanswered(what, e);
        named.initCause(e);
        return named;
    }

    private IOException answered(String what, S3Exception e) {
        String code = code(e);
        return switch (code) {
            case "NoSuchBucket" ->
                missing(what + ": there is no bucket " + place.bucket() + " at " + place.host()
                        + "; check the name, or make it with `create`");
            case "NoSuchKey", "NotFound" -> missing(what + ": no such object");
            case "InvalidAccessKeyId" ->
                denied(what + ": " + place.host() + " does not know this access key; check access_key, or"
                        + " AWS_ACCESS_KEY_ID");
            case "SignatureDoesNotMatch" ->
                denied(what + ": the secret key does not belong to the access key; check secret_access_key, or"
                        + " AWS_SECRET_ACCESS_KEY, and the region (" + place.region() + ")");
            case "ExpiredToken", "TokenRefreshRequired" ->
                denied(what + ": the session token has expired; get new keys and set session_token, or"
                        + " AWS_SESSION_TOKEN");
            case "InvalidToken" ->
                denied(what + ": the session token is not valid; check session_token, or AWS_SESSION_TOKEN, which"
                        + " must not be set for lasting keys");
            case "RequestTimeTooSkewed", "RequestExpired" ->
                new IOException(what + ": the clock of this machine and that of " + place.host()
                        + " differ too much; set the clock (it is " + java.time.Instant.now() + " here)");
            case "AuthorizationHeaderMalformed",
                    "PermanentRedirect",
                    "TemporaryRedirect",
                    "IllegalLocationConstraintException" -> wrongRegion(what, e);
            case "InvalidObjectState" ->
                new IOException(what + ": it lies in a cold storage class and cannot be read as it is; have the"
                        + " service thaw it first");
            case "MethodNotAllowed", "NotImplemented" ->
                new IOException(what + ": " + place.host() + " does not do this (" + code
                        + "), as services say that may only be read");
            case "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout" ->
                new IOException(what + ": " + place.host() + " is overloaded or out of order (" + code + ", status "
                        + e.statusCode() + ") and stayed so after several attempts; try again later");
            default -> byStatus(what, e, code);
        };
    }

    private IOException byStatus(String what, S3Exception e, String code) {
        return switch (e.statusCode()) {
            case 301, 307 -> wrongRegion(what, e);
            case 401, 403 ->
                denied(what + ": access denied; the keys do not allow it, or are wrong: check the policy of bucket "
                        + place.bucket() + " and access_key, or AWS_ACCESS_KEY_ID");
            case 404 -> missing(what + ": no such object");
            case 412 -> new IOException(what + ": it has been replaced meanwhile; begin again");
            case 400 ->
                code.isEmpty()
                        ? new IOException(what + ": " + place.host()
                                + " refused the request and gave no reason (status 400), as services do when the region ("
                                + place.region() + ") is wrong or the session token has expired: check region, or"
                                + " AWS_REGION, and session_token, or AWS_SESSION_TOKEN")
                        : otherwise(what, e, code);
            default -> otherwise(what, e, code);
        };
    }

    private IOException otherwise(String what, S3Exception e, String code) {
        AwsErrorDetails details = e.awsErrorDetails();
        String words = details == null ? null : details.errorMessage();
        return new IOException(what + ": " + place.host() + " answered with status " + e.statusCode()
                + (code.isEmpty() ? "" : ", " + code) + (words == null ? "" : ": " + words));
    }

    private IOException wrongRegion(String what, S3Exception e) {
        AwsErrorDetails details = e.awsErrorDetails();
        String region = details == null || details.sdkHttpResponse() == null
                ? null
                : details.sdkHttpResponse()
                        .firstMatchingHeader("x-amz-bucket-region")
                        .orElse(null);
        return new IOException(what + ": bucket " + place.bucket() + " is not in region " + place.region()
                + (region == null
                        ? "; set region, or AWS_REGION, to the one it is in"
                        : " but in " + region + "; set region=" + region + ", or AWS_REGION=" + region));
    }

    /** Without a file: the message names the place already. */
    private static NoSuchFileException missing(String message) {
        return new NoSuchFileException(null, null, message);
    }

    private static AccessDeniedException denied(String message) {
        return new AccessDeniedException(null, null, message);
    }

    private IOException unanswered(String what, SdkException e) {
        if (e instanceof AbortedException || find(e, InterruptedException.class) != null) {
            return new InterruptedIOException(what + ": interrupted");
        }
        if (e instanceof NonRetryableException) {
            return new IOException(what + ": " + e.getMessage());
        }
        String host = place.host();
        if (find(e, UnknownHostException.class) != null) {
            return new IOException(what + ": there is no host " + host + "; check the location and the network");
        }
        SSLException tls = find(e, SSLException.class);
        if (tls != null) {
            return new IOException(what + ": no TLS connection to " + host + ": " + tls.getMessage()
                    + (isPlain(tls)
                            ? "; if it is a service without TLS, set use_tls=false, or AWS_ENDPOINT_URL=http://" + host
                            : "; if its certificate is of an authority of your own, set tls_ca_file=PEM"));
        }
        ConnectException refused = find(e, ConnectException.class);
        if (refused != null) {
            return new IOException(what + ": cannot connect to " + host + " (" + refused.getMessage()
                    + "); check that the service runs there, and the port");
        }
        if (find(e, SocketTimeoutException.class) != null) {
            return new IOException(what + ": " + host + " did not answer in time, again and again");
        }
        if (String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("credentials")) {
            return denied(
                    what + ": no keys are known for it; set access_key and secret_access_key, or AWS_ACCESS_KEY_ID"
                            + " and AWS_SECRET_ACCESS_KEY in the environment, or name a profile with AWS_PROFILE");
        }
        IOException connection = find(e, IOException.class);
        return new IOException(what + ": the connection to " + host + " failed, again and again: "
                + (connection == null ? e.getMessage() : connection.getMessage()));
    }

    /** Whether one side speaks no TLS, or does not trust the other. A connection that breaks is another matter. */
    static boolean isTlsRefused(Throwable failure) {
        SSLException tls = find(failure, SSLException.class);
        return tls != null && (tls instanceof SSLHandshakeException || isPlain(tls));
    }

    private static boolean isPlain(SSLException e) {
        return String.valueOf(e.getMessage()).contains("Unsupported or unrecognized SSL message");
    }

    /** The first of this type among a failure and its causes, or null. */
    static <T extends Throwable> @Nullable T find(Throwable failure, Class<T> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }
}
