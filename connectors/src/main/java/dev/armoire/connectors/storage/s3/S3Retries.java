// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.hc.client5.http.ConnectTimeoutException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.NonRetryableException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkServiceException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.HttpStatusCode;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Decides which requests of one client are made again, and says so when that takes long. A service that never answered is given up soon:
 * its name or port is wrong, or the network is down, and nothing has begun that would be lost. May be used by many threads at once.
 */
final class S3Retries implements ExecutionInterceptor {
    /** With the pauses below at least three quarters of a minute of trouble, so that a service may be started anew. */
    private static final int ATTEMPTS = 11;

    /** Attempts to reach what never answered. */
    private static final int FIRST_ATTEMPTS = 3;

    private static final int FIRST_PAUSE_MILLIS = 200;
    private static final int NOT_IMPLEMENTED = 501;

    /** The request was spoilt on its way, or came too slowly: the same bytes may get through the next time. */
    private static final Set<String> SPOILT = Set.of(
            "BadDigest",
            "IncompleteBody",
            "RequestTimeout",
            "XAmzContentChecksumMismatch",
            "XAmzContentSHA256Mismatch");

    private static final long TOLD_AFTER_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long TOLD_AGAIN_AFTER_NANOS = Duration.ofSeconds(30).toNanos();

    private final String host;
    private final Consumer<String> notices;
    private final LongSupplier nanoTime;
    private final AtomicInteger notReached = new AtomicInteger();
    private volatile boolean hasAnswered;

    /** Since when nothing succeeds; guarded by this, as what follows. */
    private long failingSince;

    private boolean isFailing;
    private long toldAt;
    private boolean isTold;

    /**
     * Retries for one client.
     *
     * @param host of the service, for what is told
     * @param notices told that requests fail and are tried again, after some seconds and then twice a minute
     */
    S3Retries(String host, Consumer<String> notices, LongSupplier nanoTime) {
        this.host = host;
        this.notices = notices;
        this.nanoTime = nanoTime;
    }

    /**
     * Pauses are doubled, and between half of that and all of it drawn at random, so that many requests do not come back at once.
     * There is no budget that all requests share, as the SDK has one: dozens that are under way together would have used it up in the
     * first half second of an outage, and then each further file of a source would fail at once.
     * {@code -Darmoire.s3.pause} sets the first one, in milliseconds, for tests of services that fail.
     */
    RetryStrategy strategy() {
        Duration pause = Duration.ofMillis(Integer.getInteger("armoire.s3.pause", FIRST_PAUSE_MILLIS));
        Duration longest = pause.multipliedBy(100);
        return DefaultRetryStrategy.standardStrategyBuilder()
                .useClientDefaults(false) // else the SDK retries whatever is an IOException, too
                .retryOnException(this::isTriedAgain)
                .treatAsThrottling(e -> e instanceof SdkServiceException answer && answer.isThrottlingException())
                .circuitBreakerEnabled(false)
                .maxAttempts(ATTEMPTS)
                .backoffStrategy(BackoffStrategy.exponentialDelayHalfJitter(pause, longest))
                .throttlingBackoffStrategy(BackoffStrategy.exponentialDelayHalfJitter(pause.multipliedBy(5), longest))
                .build();
    }

    @Override
    public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
        answered(context.httpResponse().statusCode());
    }

    /** Takes notice of an answer. */
    void answered(int status) {
        hasAnswered = true;
        if (status < HttpStatusCode.INTERNAL_SERVER_ERROR) {
            synchronized (this) {
                isFailing = false;
                isTold = false;
            }
        }
    }

    boolean isTriedAgain(Throwable failure) {
        boolean isAgain = isWorthAnotherTry(failure)
                && (hasAnswered || !isUnreachable(failure) || notReached.incrementAndGet() < FIRST_ATTEMPTS);
        if (isAgain) {
            tell(failure);
        }
        return isAgain;
    }

    /** What the SDK retries by itself, but for TLS that one side does not want: it does not get better by waiting. */
    private static boolean isWorthAnotherTry(Throwable failure) {
        return switch (failure) {
            case SdkServiceException answer ->
                answer.statusCode() >= HttpStatusCode.INTERNAL_SERVER_ERROR && answer.statusCode() != NOT_IMPLEMENTED
                        || answer.isThrottlingException()
                        || answer.isRetryableException()
                        || answer.isClockSkewException()
                        || answer instanceof S3Exception said && isSpoilt(S3Errors.code(said));
            case RetryableException broken -> true;
            case AbortedException interrupted -> false;
            case NonRetryableException other -> false;
            case SdkClientException unanswered ->
                S3Errors.find(unanswered, IOException.class) != null && !S3Errors.isTlsRefused(unanswered);
            default -> false;
        };
    }

    /** Whether a service that refuses a request with this code has got other bytes than were sent. */
    static boolean isSpoilt(String code) {
        return SPOILT.contains(code);
    }

    private static boolean isUnreachable(Throwable failure) {
        return S3Errors.find(failure, ConnectException.class) != null
                || S3Errors.find(failure, ConnectTimeoutException.class) != null
                || S3Errors.find(failure, NoRouteToHostException.class) != null
                || S3Errors.find(failure, UnknownHostException.class) != null;
    }

    private void tell(Throwable failure) {
        long now = nanoTime.getAsLong();
        synchronized (this) {
            if (!isFailing) {
                isFailing = true;
                failingSince = now;
            }
            if (now - failingSince < TOLD_AFTER_NANOS || (isTold && now - toldAt < TOLD_AGAIN_AFTER_NANOS)) {
                return;
            }
            isTold = true;
            toldAt = now;
        }
        notices.accept("waiting: " + host + ' ' + reason(failure) + "; trying again");
    }

    private static String reason(Throwable failure) {
        if (failure instanceof S3Exception answer) {
            String code = S3Errors.code(answer);
            return "answers with status " + answer.statusCode() + (code.isEmpty() ? "" : " (" + code + ')');
        }
        return isUnreachable(failure) ? "cannot be reached" : "breaks off connections, or does not answer in time";
    }
}
