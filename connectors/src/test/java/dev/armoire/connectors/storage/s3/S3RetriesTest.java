// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.retries.api.AcquireInitialTokenRequest;
import software.amazon.awssdk.retries.api.RefreshRetryTokenRequest;
import software.amazon.awssdk.retries.api.RefreshRetryTokenResponse;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.retries.api.RetryToken;
import software.amazon.awssdk.retries.api.TokenAcquisitionFailedException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What is tried again, and what is told of it, by a clock that the tests set. */
final class S3RetriesTest {
    private static final long SECOND = 1_000_000_000L;

    private final List<String> told = new ArrayList<>();
    private long now = -5 * SECOND;
    private final S3Retries retries = new S3Retries("host:9000", told::add, () -> now);

    private static SdkClientException unanswered(Exception cause) {
        return SdkClientException.create("not reached", cause);
    }

    private static S3Exception answer(int status, String code) {
        return (S3Exception) S3Exception.builder()
                .statusCode(status)
                .awsErrorDetails(AwsErrorDetails.builder().errorCode(code).build())
                .build();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatNeverAnsweredIsGivenUpSoon(boolean isUnknown) {
        SdkClientException failure =
                unanswered(isUnknown ? new UnknownHostException("host") : new ConnectException("refused"));
        assertThat(retries.isTriedAgain(failure)).isTrue();
        assertThat(retries.isTriedAgain(failure)).isTrue();
        assertThat(retries.isTriedAgain(failure)).isFalse();
    }

    @Test
    void whatHasAnsweredIsWaitedFor() {
        retries.answered(200);
        for (int i = 0; i < 7; i++) {
            assertThat(retries.isTriedAgain(unanswered(new ConnectException("refused"))))
                    .isTrue();
        }
    }

    @Test
    void aConnectionThatBreaksIsAnotherMatter() {
        for (int i = 0; i < 7; i++) {
            assertThat(retries.isTriedAgain(unanswered(new SocketException("reset"))))
                    .isTrue();
        }
    }

    @Test
    void trialsAreToldWhenTheyTakeLong() {
        retries.isTriedAgain(answer(503, "SlowDown"));
        now += SECOND;
        retries.isTriedAgain(answer(503, "SlowDown"));
        assertThat(told).isEmpty();
        now += SECOND;
        retries.isTriedAgain(answer(503, "SlowDown"));
        assertThat(told).containsExactly("waiting: host:9000 answers with status 503 (SlowDown); trying again");
        now += 29 * SECOND;
        retries.isTriedAgain(answer(500, ""));
        assertThat(told).hasSize(1);
        now += SECOND;
        retries.isTriedAgain(answer(500, ""));
        assertThat(told).hasSize(2).last().isEqualTo("waiting: host:9000 answers with status 500; trying again");
    }

    /** As long as it takes to start a service anew, however many requests are under way together. */
    @ParameterizedTest
    @ValueSource(ints = {500, 503})
    void manyRequestsOutlastThreeQuartersOfAMinute(int status) {
        RetryStrategy strategy = retries.strategy();
        List<RetryToken> tokens = new ArrayList<>();
        List<Duration> waited = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            tokens.add(strategy.acquireInitialToken(AcquireInitialTokenRequest.create("requests"))
                    .token());
            waited.add(Duration.ZERO);
        }
        for (int attempt = 1; attempt < 11; attempt++) {
            for (int i = 0; i < tokens.size(); i++) {
                RefreshRetryTokenResponse again = strategy.refreshRetryToken(RefreshRetryTokenRequest.builder()
                        .token(tokens.get(i))
                        .failure(answer(status, "SlowDown"))
                        .build());
                tokens.set(i, again.token());
                waited.set(i, waited.get(i).plus(again.delay()));
            }
        }
        assertThat(waited)
                .allSatisfy(one -> assertThat(one).isBetween(Duration.ofSeconds(42), Duration.ofSeconds(160)));
        // drawn at random by the SDK, from some 30,000 milliseconds: two in 64 may well be the same, half of them are
        // not
        assertThat(waited.stream().distinct())
                .as("they do not come back at once: %s", waited)
                .hasSizeGreaterThan(32);
        assertThatThrownBy(() -> strategy.refreshRetryToken(RefreshRetryTokenRequest.builder()
                        .token(tokens.getFirst())
                        .failure(answer(status, "SlowDown"))
                        .build()))
                .isInstanceOf(TokenAcquisitionFailedException.class);
    }

    /** Where some requests get through work goes on, and nobody need know of the others. */
    @Test
    void aSuccessBeginsAnew() {
        retries.isTriedAgain(answer(500, "InternalError"));
        now += 10 * SECOND;
        retries.answered(500);
        retries.answered(206);
        retries.isTriedAgain(answer(500, "InternalError"));
        now += SECOND;
        retries.isTriedAgain(answer(500, "InternalError"));
        assertThat(told).isEmpty();
    }

    @Test
    void whatDoesNotGetBetterIsNotTriedAgain() {
        now += 10 * SECOND;
        assertThat(retries.isTriedAgain(answer(403, "AccessDenied"))).isFalse();
        assertThat(retries.isTriedAgain(answer(501, "NotImplemented"))).isFalse();
        assertThat(told).isEmpty();
    }
}
