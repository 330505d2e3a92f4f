// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Runs the program in this process, in surroundings of its own below a temporary folder. */
final class ArmoireRun {
    /** What a run left behind. */
    record Outcome(int exitCode, String out, String err) {
        List<String> outLines() {
            return out.lines().toList();
        }
    }

    private final Path folder;
    private final Map<String, String> environment = new HashMap<>();
    private final Deque<String> typed = new ArrayDeque<>();

    ArmoireRun(Path folder) {
        this.folder = folder;
    }

    ArmoireRun with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    /** What a person types when asked, in turn. Without it there is no terminal. */
    ArmoireRun typing(String... lines) {
        typed.addAll(Arrays.asList(lines));
        return this;
    }

    /** A path below the temporary folder, as text. */
    String path(String name) {
        return folder.resolve(name).toString();
    }

    Path home() {
        return folder.resolve("home");
    }

    Outcome run(String... words) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        Surroundings surroundings = new Surroundings(environment, home(), out, err, false, text -> {
            String line = typed.poll();
            return line == null ? null : line.toCharArray();
        });
        int exitCode = Cli.run(List.of(words), surroundings);
        return new Outcome(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Starts a command on that store that runs until it is ended; the caller closes it. */
    RunningArmoire start(String... words) {
        List<String> all = new ArrayList<>(List.of("at", path("store")));
        all.addAll(Arrays.asList(words));
        return new RunningArmoire(all, environment, home());
    }

    /** Makes an unencrypted store at {@code store} and files at {@code source}. */
    ArmoireRun withStoreAndSource() throws IOException {
        run("at", path("store"), "create", "-plaintext");
        Path source = folder.resolve("source");
        Files.createDirectories(source.resolve("sub/deep"));
        Files.writeString(source.resolve("a.txt"), "alpha\n");
        Files.writeString(source.resolve("sub/b.txt"), "beta\n");
        Files.writeString(source.resolve("sub/deep/c.log"), "gamma\n");
        Files.createSymbolicLink(source.resolve("link"), Path.of("a.txt"));
        return this;
    }

    /** Runs a command on that store. */
    Outcome onStore(String... words) {
        return run(Stream.concat(Stream.of("at", path("store")), Arrays.stream(words))
                .toArray(String[]::new));
    }

    /** Backs those files up; returns the short id of the snapshot. */
    String backup(String... flags) {
        Outcome outcome = onStore(
                Stream.concat(Stream.concat(Stream.of("backup"), Arrays.stream(flags)), Stream.of(path("source")))
                        .toArray(String[]::new));
        if (outcome.exitCode() != 0) {
            throw new AssertionError(outcome);
        }
        return outcome.outLines().getLast().substring(0, 8);
    }

    /** Files below a folder of the temporary one, as sorted relative names. */
    List<String> tree(String name) {
        Path root = folder.resolve(name);
        try (Stream<Path> files = Files.walk(root)) {
            return files.map(file -> root.relativize(file).toString())
                    .filter(text -> !text.isEmpty())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
