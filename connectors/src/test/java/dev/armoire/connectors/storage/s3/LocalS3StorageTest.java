// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import com.robothy.s3.rest.LocalS3;
import java.lang.reflect.Method;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The same contract with another server, so that the first one's quirks are not taken for the protocol. This one checks no
 * signatures and heeds no conditions, as older services. A few tests of it in each build, all with {@code -Darmoire.s3.full=true}.
 */
@ExtendWith(LocalS3StorageTest.Extent.class)
final class LocalS3StorageTest extends S3StoreContract {
    private static LocalS3 server;

    /** Which tests are run. */
    static final class Extent implements ExecutionCondition {
        private static final Set<String> ALWAYS = Set.of(
                "aDamagedOrLostObjectIsReplacedInOneStep",
                "aPlaceInUseIsNotCreatedAgain",
                "anObjectIsItsPartsInOrder",
                "deletingTwiceIsNoError",
                "listingIgnoresWhatIsNoObject",
                "missingObjectsAreTold",
                "nothingIsOverwritten",
                "ofManyWritersOfOneNameExactlyOneWins",
                "whatStoppedWritersLeftIsTakenBackWhenItIsOldEnough",
                "whatWasWrittenIsThereWhenOpenedAgain");

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            boolean isRun = Boolean.getBoolean("armoire.s3.full")
                    || context.getTestMethod()
                            .map(Method::getName)
                            .map(ALWAYS::contains)
                            .orElse(true);
            return isRun
                    ? ConditionEvaluationResult.enabled("in each build")
                    : ConditionEvaluationResult.disabled("with -Darmoire.s3.full=true");
        }
    }

    @BeforeAll
    static void startServer() {
        System.setProperty("io.netty.leakDetection.level", "disabled"); // it leaks, and would say so
        server = LocalS3.builder().port(-1).build();
        server.start();
    }

    @AfterAll
    static void stopServer() {
        server.shutdown();
    }

    @Override
    int port() {
        return server.getPort();
    }

    @Override
    protected boolean tellsWritersApart() {
        return false;
    }
}
