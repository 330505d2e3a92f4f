// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What happens when a signal ends the JVM in the middle of the work: the working thread is interrupted, unwinds, gives
 * its locks back and leaves the store as it should be; only then does the process end.
 */
final class Interruption {
    /** Longer than any single write to a disk should take. What is cut off after that is as after a power failure. */
    private static final long PATIENCE_SECONDS = 60;
    /** A server that has not answered by then may never do so. */
    private static final long PATIENCE_WITH_SERVERS_SECONDS = 1;

    /** Where threads are that wait for a server. */
    private static final List<String> SERVER_CALLS = List.of(
            "dev.armoire.connectors.storage.http.",
            "dev.armoire.connectors.storage.s3.",
            "dev.armoire.connectors.sftp.");

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
        Integer exitCode = result(PATIENCE_WITH_SERVERS_SECONDS);
        if (exitCode == null && waitsForServer()) {
            tell(
                    "armoire: interrupted, and the server does not answer; a lock of this run may be left in the store, and"
                            + " expires in ten minutes\n");
        } else if (exitCode == null) {
            exitCode = result(PATIENCE_SECONDS);
        }
        // Without a result it ends as if killed, which a store survives.
        Runtime.getRuntime().halt(exitCode == null ? ExitCode.INTERRUPTED : exitCode);
    }

    private @Nullable Integer result(long seconds) {
        try {
            return result.get(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            return null;
        }
    }

    private static boolean waitsForServer() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(frame -> SERVER_CALLS.stream().anyMatch(frame.getClassName()::startsWith));
    }

    private static void tell(String text) {
        try (FileOutputStream err = new FileOutputStream(FileDescriptor.err)) {
            err.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Nobody listens.
        }
    }
}
