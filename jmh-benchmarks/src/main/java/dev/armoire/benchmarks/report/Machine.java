// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What a report must say of where it was measured. */
public final class Machine {
    private static final String UNKNOWN = "unknown";

    private Machine() {}

    /**
     * Lines of a Markdown list: machine, system, JDK, commit, load.
     *
     * @param root the checkout, whose commit is told
     * @param command what was typed
     */
    public static List<String> facts(Path root, String command) {
        var lines = new ArrayList<String>();
        lines.add("* Machine: " + cpu() + ", " + Runtime.getRuntime().availableProcessors() + " cores, " + memory());
        lines.add("* System: " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch") + "; load when it began: " + load());
        lines.add("* JDK: " + System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + " ("
                + System.getProperty("java.vendor") + ")");
        lines.add("* Commit: " + output(root, "git", "describe", "--always", "--dirty"));
        lines.add("* Command: `" + command + "`, " + Instant.now().truncatedTo(ChronoUnit.SECONDS));
        return lines;
    }

    /** First line that a program prints, or "unknown". */
    public static String output(Path folder, String... command) {
        return lines(folder, List.of(command)).findFirst().orElse(UNKNOWN);
    }

    /** What follows a mark at the start of a line that a program prints, or nothing. */
    public static String lineOf(List<String> command, String mark) {
        return lines(Path.of("."), command)
                .filter(line -> line.startsWith(mark))
                .map(line -> line.substring(mark.length()))
                .findFirst()
                .orElse("");
    }

    /** What a program prints; nothing if it fails or cannot be started. */
    private static Stream<String> lines(Path folder, List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? text.lines() : Stream.empty();
        } catch (IOException e) {
            return Stream.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Stream.empty();
        }
    }

    private static String cpu() {
        return value("/proc/cpuinfo", "model name");
    }

    private static String memory() {
        String text = value("/proc/meminfo", "MemTotal").replace(" kB", "");
        return text.equals(UNKNOWN) ? text : Long.parseLong(text) / 1024 + " MiB";
    }

    private static String load() {
        return String.format(
                Locale.ROOT,
                "%.2f",
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    /** What follows the colon in the first line that starts with a name. */
    private static String value(String file, String name) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse(UNKNOWN);
        } catch (IOException e) {
            return UNKNOWN;
        }
    }
}
