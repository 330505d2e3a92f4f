// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.NativeServices;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;

/**
 * What the JVM watches while it writes its AOT cache: a life of a small store in one process, with the commands that
 * people wait for. The launcher runs it after a build; it prints nothing and leaves nothing but the store.
 */
final class AotTraining {
    private AotTraining() {}

    /**
     * Entry point of the launcher. The passphrase comes from the environment.
     *
     * @param args an empty folder, a folder to be backed up, and {@code far} for a cache that has what stores far away take too,
     *     or {@code small} for one of commands that open no store
     * @throws IOException when a command fails, with its name: then there must be no cache
     */
    public static void main(String[] args) throws IOException {
        NativeServices.allow();
        if (args.length > 2 && args[2].equals("small")) {
            run(args[0], ExitCode.OK, List.of("help"));
            run(args[0], ExitCode.OK, List.of("completion", "bash"));
        } else {
            trainStores(args);
        }
        Main.main(new String[] {"version"}); // so that the cache has what stands before and behind each command
    }

    private static void trainStores(String[] args) throws IOException {
        String store = Path.of(args[0], "store").toString();
        String plain = Path.of(args[0], "plain").toString();
        String restored = Path.of(args[0], "restored").toString();
        String source = args[1];
        for (List<String> words : List.of(
                List.of("at", store, "create"), // the two that are encrypted spend most of their time on the key
                List.of("at", store, "backup", source),
                List.of("at", plain, "create", "-plaintext"),
                List.of("at", plain, "backup", source),
                List.of("at", plain, "backup", source),
                List.of("at", plain, "ls"),
                List.of("at", plain, "ls", "-recursive", "-latest"),
                List.of("at", plain, "locate", "*.md"), // makes the search index, which the next two read
                List.of("at", plain, "find", "-size", "+1", "*.md"),
                List.of("at", plain, "find", "nothing"),
                List.of("at", plain, "find", "-since", "1d", "*.md"),
                List.of("at", plain, "history", source),
                List.of("at", plain, "check"),
                List.of("at", plain, "restore", "-to", restored))) {
            run(args[0], ExitCode.OK, words);
        }
        if (args.length > 2) {
            trainFar(args[0], source);
        }
    }

    private static void trainFar(String folder, String source) throws IOException {
        try (TrainingBuckets buckets = new TrainingBuckets()) {
            String place = "127.0.0.1:" + buckets.port();
            String[] settings = {"use_tls=false", "access_key=none", "secret_access_key=none"};
            run(
                    folder,
                    ExitCode.OK,
                    List.of("store", "add", "s3", "s3://" + place + "/none/a", settings[0], settings[1], settings[2]));
            run(folder, ExitCode.OK, List.of("at", "@s3", "create", "-plaintext"));
            run(folder, ExitCode.OK, List.of("at", "@s3", "backup", source));
            run(folder, ExitCode.OK, List.of("at", "@s3", "backup", source));
            run(folder, ExitCode.OK, List.of("at", "@s3", "ls"));
            run(
                    folder,
                    ExitCode.OK,
                    List.of(
                            "at",
                            "@s3",
                            "restore",
                            "-to",
                            Path.of(folder, "far").toString()));
            run(folder, ExitCode.NO_STORE, List.of("at", "sftp://127.0.0.1:1/none", "ls")); // where nobody answers
        }
    }

    private static void run(String folder, int expected, List<String> words) throws IOException {
        Surroundings quiet = new Surroundings(
                System.getenv(),
                Path.of(folder),
                OutputStream.nullOutputStream(),
                OutputStream.nullOutputStream(),
                false,
                new TerminalPrompt());
        int exitCode = Cli.run(words, quiet);
        if (exitCode != expected) {
            throw new IOException("training run: exit code " + exitCode + " of " + words);
        }
    }
}
