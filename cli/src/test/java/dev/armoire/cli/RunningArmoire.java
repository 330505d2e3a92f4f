// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A command on a thread of its own, as Ctrl-C ends it: by an interrupt. */
final class RunningArmoire implements AutoCloseable {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
    private final Thread thread;

    RunningArmoire(List<String> words, Map<String, String> environment, Path home) {
        Surroundings surroundings = new Surroundings(environment, home, out, err, true, text -> null);
        thread = Thread.ofPlatform().start(() -> exitCode.complete(Cli.run(words, surroundings)));
    }

    /** Waits until a pattern is in the output; gives its first group. */
    String await(String pattern) throws InterruptedException {
        for (int i = 0; i < 600 && !exitCode.isDone(); i++) {
            Matcher matcher = Pattern.compile(pattern).matcher(out.toString(StandardCharsets.UTF_8));
            if (matcher.find()) {
                return matcher.group(1);
            }
            Thread.sleep(50);
        }
        throw new AssertionError(err());
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    int end() throws Exception {
        thread.interrupt();
        return exitCode.get(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
