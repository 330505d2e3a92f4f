// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.crypto.NativeServices;
import dev.armoire.simd.Kernels;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Starts the program in a process of its own: real streams, signals, exit code. The work is in {@link Cli}. */
public final class Main {
    private static final int OUTPUT_BUFFER_BYTES = 64 << 10;

    private Main() {}

    /** Entry point of the launcher. */
    public static void main(String[] args) {
        List<String> words = exact(args);
        if (!words.equals(List.of("version"))) { // the only one that writes to nothing but standard output
            StandardError.reattach();
            NativeServices.allow();
            if (!Commands.isLight(words)) {
                // Has its words to parse before it needs the kernels.
                Thread.ofPlatform().daemon().name("prepare-kernels").start(Main::prepareKernels);
            }
        }
        boolean showsLines = isTerminal();
        // Nothing may come between us and the descriptor: System.out would recode, and swallow failures.
        var out = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), OUTPUT_BUFFER_BYTES);
        var err = new FileOutputStream(FileDescriptor.err);
        TerminalPrompt prompt = new TerminalPrompt();
        Interruption interruption = new Interruption(Thread.currentThread(), prompt);
        Runtime.getRuntime().addShutdownHook(interruption.hook());
        Surroundings surroundings = new Surroundings(System.getenv(), home(), out, err, showsLines, prompt);
        int exitCode = Cli.run(words, surroundings);
        interruption.finished(exitCode);
        if (exitCode == ExitCode.OK && isLastThread()) {
            return; // System.exit looks for a logger in each jar first, for 20 to 30 ms
        }
        System.exit(exitCode);
    }

    /** Whether the process ends when this thread does. */
    private static boolean isLastThread() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        Thread[] threads = new Thread[2 * group.activeCount() + 1];
        int count = group.enumerate(threads);
        return count < threads.length
                && Arrays.stream(threads, 0, count)
                        .allMatch(thread -> thread.isDaemon() || thread == Thread.currentThread());
    }

    private static void prepareKernels() {
        try {
            Kernels.prepare();
        } catch (RuntimeException | LinkageError e) {
            // Whoever uses them meets it too, and says so.
        }
    }

    /** What the shell means by {@code ~}; the JVM asks the user database, which a script cannot change. */
    private static Path home() {
        String home = System.getenv("HOME");
        if (home == null || home.isEmpty()) {
            home = System.getProperty("user.home", "?");
        }
        // The JVM says ? of a user that the database does not know. Then there is none, and nothing is made here
        // instead.
        return Path.of(home.equals("?") ? "/nonexistent" : home);
    }

    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false; // no Linux: lines then come a little later, in groups
        }
    }

    /**
     * The arguments as UTF-8, whatever the locale; bytes that are none keep their value, see {@link BytePath#word}. The JVM decodes them with the locale's charset, and in the C locale
     * makes question marks of everything but ASCII; the kernel still has the bytes.
     */
    private static List<String> exact(String[] args) {
        if (Arrays.stream(args).allMatch(word -> word.chars().allMatch(c -> c < 0x80))) {
            return List.of(args);
        }
        try {
            String all = BytePath.word(Files.readAllBytes(Path.of("/proc/self/cmdline")));
            List<String> words = List.of(all.split("\0", -1));
            int end = words.size() - 1; // behind the last word stands another zero
            return end < args.length ? List.of(args) : words.subList(end - args.length, end);
        } catch (IOException e) {
            return List.of(args);
        }
    }
}
