// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.backup.BackupResult;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Commands of the user around a backup. The shell runs them; what they print goes to standard error. Their environment is
 * that of this program without its passphrases, and {@code ARMOIRE_HOOK} and more that tell what happened.
 */
final class Hooks {
    private static final String TIMEOUT = "hook-timeout";
    /** How long to wait for output after a command has ended. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    private final Report report;
    private final Map<String, String> surroundings;
    private final String store;
    /** What it means that the first command has failed. */
    private final String consequence;

    private final @Nullable String pre;
    private final @Nullable String post;
    private final @Nullable String fail;
    /** How long each may take, or null for as long as it likes. */
    private final @Nullable Duration limit;

    private final Map<String, String> facts = new LinkedHashMap<>();

    private Hooks(
            Report report,
            Map<String, String> surroundings,
            String store,
            String consequence,
            Map<String, String> commands) {
        this.report = report;
        this.surroundings = surroundings;
        this.store = store;
        this.consequence = consequence;
        pre = commands.get("pre-hook");
        post = commands.get("post-hook");
        fail = commands.get("fail-hook");
        String timeout = commands.get(TIMEOUT);
        limit = timeout == null ? null : GoFormat.parseDuration(timeout, "-" + TIMEOUT);
    }

    static Hooks of(Session session, Flags.Arguments arguments) throws IOException {
        Map<String, String> commands = new LinkedHashMap<>();
        for (String hook : List.of("pre-hook", "post-hook", "fail-hook", TIMEOUT)) {
            String command = arguments.get(hook);
            if (command != null) {
                commands.put(hook, command);
            }
        }
        return new Hooks(
                session.report(),
                session.surroundings().environment(),
                session.place().location().toString(),
                "nothing was backed up",
                commands);
    }

    /**
     * Hooks around a job that is no backup.
     *
     * @param commands by {@code pre-hook}, {@code post-hook}, {@code fail-hook}; {@code hook-timeout} is a duration
     */
    static Hooks ofJob(Report report, Map<String, String> surroundings, String store, Map<String, String> commands) {
        return new Hooks(report, surroundings, store, "the job was not run", commands);
    }

    static Flags declare(Flags flags) {
        return flags.value("pre-hook", "CMD", "run CMD before; unless it exits with 0 nothing is backed up")
                .value("post-hook", "CMD", "run CMD after a snapshot was made")
                .value("fail-hook", "CMD", "run CMD when no proper snapshot was made")
                .value(TIMEOUT, "DURATION", "stop each of these that takes longer, such as 10m");
    }

    /** @throws CommandException when the command says that there is to be no backup */
    void before() throws IOException {
        if (pre == null) {
            return;
        }
        try {
            int exitCode = run("pre", pre);
            if (exitCode != 0) {
                throw new CommandException(
                        ExitCode.ERROR, "pre-hook exited with " + exitCode + ", so " + consequence + ": " + pre);
            }
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.ERROR, "pre-hook failed, so " + consequence + ": " + Failures.message(e), e);
        }
    }

    /** Notes what the commands after the backup are told. */
    void note(BackupResult result) {
        facts.put("ARMOIRE_SNAPSHOT", result.header().identifier().hex());
        facts.put("ARMOIRE_ITEMS", Long.toString(result.items()));
        facts.put("ARMOIRE_ERRORS", Long.toString(result.errors()));
        facts.put("ARMOIRE_SOURCE_BYTES", Long.toString(result.sourceBytes()));
        facts.put("ARMOIRE_NEW_BYTES", Long.toString(result.newChunkBytes()));
    }

    /**
     * Runs what is to be run after a backup.
     *
     * @return the exit code of it all: that a command after the backup has failed must not go unnoticed
     */
    int after(int exitCode) {
        boolean isMade = exitCode == ExitCode.OK || exitCode == ExitCode.PARTIAL;
        String command = isMade ? post : fail;
        if (command == null) {
            return exitCode;
        }
        String kind = isMade ? "post" : "fail";
        facts.put("ARMOIRE_EXIT_CODE", Integer.toString(exitCode));
        String problem;
        // A command that is to clean up must run even if it is a signal that has ended the backup.
        boolean wasInterrupted = Thread.interrupted();
        try {
            int code = run(kind, command);
            problem = code == 0 ? null : " exited with " + code + ": " + command;
        } catch (IOException e) {
            problem = " failed: " + Failures.message(e);
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
        if (problem == null) {
            return exitCode;
        }
        report.error(kind + "-hook" + problem);
        return isMade ? ExitCode.PARTIAL : exitCode;
    }

    /** Runs what is to be run when a backup was given up. */
    void failed(Throwable reason) {
        facts.put("ARMOIRE_FAILURE", Failures.message(reason));
        after(Failures.exitCode(reason));
    }

    private int run(String kind, String command) throws IOException {
        Map<String, String> environment = new LinkedHashMap<>(facts);
        environment.put("ARMOIRE_HOOK", kind);
        environment.put("ARMOIRE_STORE", store);
        return run(report, surroundings, kind + "-hook", command, environment, null, limit);
    }

    /**
     * Lets the shell run a command.
     *
     * @param surroundings its environment, but for passphrases
     * @param name what stands before the lines that it prints
     * @param facts what its environment has beside that
     * @param input what it can read from standard input; that of this program when it is null
     * @param limit how long it may take, or null for as long as it likes
     * @return its exit code
     * @throws IOException when it cannot be run, or took too long and was stopped
     */
    static int run(
            Report report,
            Map<String, String> surroundings,
            String name,
            String command,
            Map<String, String> facts,
            byte @Nullable [] input,
            @Nullable Duration limit)
            throws IOException {
        boolean isWindows = System.getProperty("os.name", "").startsWith("Windows");
        ProcessBuilder builder =
                new ProcessBuilder(isWindows ? List.of("cmd.exe", "/c", command) : List.of("/bin/sh", "-c", command));
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.putAll(surroundings);
        environment.keySet().removeIf(variable -> variable.endsWith("PASSPHRASE"));
        environment.putAll(facts);
        builder.redirectErrorStream(true);
        if (input == null) {
            builder.redirectInput(ProcessBuilder.Redirect.INHERIT);
        }
        Process process = builder.start();
        if (input != null) {
            Thread.ofVirtual().start(() -> feed(process, input));
        }
        Thread lines = Thread.ofVirtual().start(() -> tell(report, name, process));
        try {
            if (limit == null) {
                process.waitFor();
            } else if (!process.waitFor(limit)) {
                stop(process);
                var _ = lines.join(LAST_WORDS);
                throw new IOException("it was not done after " + GoFormat.shortDuration(limit) + ", and was stopped");
            }
            // What it has left running in the background, and holds its output open, is not waited for.
            var _ = lines.join(LAST_WORDS);
            return process.exitValue();
        } catch (InterruptedException e) {
            stop(process);
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private static void tell(Report report, String name, Process process) {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                report.notice(name + ": " + line);
            }
        } catch (IOException e) {
            report.notice(name + ": its output cannot be read: " + Failures.message(e));
        }
    }

    /** Children of the shell go, too. */
    private static void stop(Process process) {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }

    private static void feed(Process process, byte[] input) {
        try (OutputStream out = process.getOutputStream()) {
            out.write(input);
        } catch (IOException e) {
            // It need not read it.
        }
    }
}
