// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What happens when a signal ends the JVM in the middle of the work: the working thread is interrupted, unwinds, gives
 * its locks back and leaves the store as it should be; only then does the process end.
 */
final class Interruption {
    /** Longer than any single write to a store should take. What is cut off after that is as after a power failure. */
    private static final long PATIENCE_SECONDS = 60;

    private final Thread worker;
    private final TerminalPrompt prompt;
    private final CompletableFuture<Integer> result = new CompletableFuture<>();

    Interruption(Thread worker, TerminalPrompt prompt) {
        this.worker = worker;
        this.prompt = prompt;
    }

    /** For {@link Runtime#addShutdownHook}. */
    Thread hook() {
        return Thread.ofPlatform().name("interrupt").unstarted(this::run);
    }

    /** The work is over. */
    void finished(int exitCode) {
        result.complete(exitCode);
    }

    private void run() {
        if (result.isDone()) {
            return; // the orderly end
        }
        if (prompt.restore()) {
            Runtime.getRuntime().halt(ExitCode.INTERRUPTED); // nothing was begun, and reading a line cannot be stopped
        }
        worker.interrupt();
        int exitCode = ExitCode.INTERRUPTED;
        try {
            exitCode = result.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            // Then it ends as if killed, which a store survives.
        }
        Runtime.getRuntime().halt(exitCode);
    }
}
