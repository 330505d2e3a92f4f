// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What one process, with all its children, took.
 *
 * @param seconds on the clock
 * @param cpuSeconds of all cores, in the program and in the system
 * @param peakKiB largest resident set
 * @param readBytes from block devices: little, when the page cache is warm
 * @param writtenBytes to block devices; also those that a deleted temporary file never wrote
 */
record Measured(double seconds, double cpuSeconds, long peakKiB, long readBytes, long writtenBytes) {
    private static final Path TIME = Path.of("/usr/bin/time");
    /** ru_inblock and ru_oublock of Linux count these, whatever the block size of the device. */
    private static final long ACCOUNTED_BLOCK_BYTES = 512;

    /** Whether this system has GNU time, which this class stands on. */
    static boolean isAvailable() {
        try {
            return new ProcessBuilder(TIME.toString(), "-f", "%e", "true")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Runs a command to its end.
     *
     * @param cores as taskset takes them; empty for all
     * @param folder where it is started
     * @param workspace has HOME and takes the output
     * @throws IOException with the end of its output if it fails
     */
    static Measured run(List<String> command, String cores, Path folder, Workspace workspace)
            throws IOException, InterruptedException {
        Path result = workspace.scratch("time");
        Path output = workspace.scratch("output");
        var words = new ArrayList<String>();
        if (!cores.isEmpty()) {
            words.addAll(List.of("taskset", "-c", cores));
        }
        words.addAll(List.of(TIME.toString(), "-f", "%e %U %S %M %I %O", "-o", result.toString()));
        words.addAll(command);
        int status = workspace.start(words, folder, output).waitFor();
        if (status != 0) {
            List<String> lines = Files.readAllLines(output);
            throw new IOException("\"" + String.join(" ", command) + "\" ended with " + status + ":\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
        }
        return parse(Files.readString(result));
    }

    /** Both, one after the other. */
    Measured plus(Measured later) {
        return new Measured(
                seconds + later.seconds,
                cpuSeconds + later.cpuSeconds,
                Math.max(peakKiB, later.peakKiB),
                readBytes + later.readBytes,
                writtenBytes + later.writtenBytes);
    }

    /** Reads what GNU time wrote. */
    static Measured parse(String line) {
        String[] words = line.strip().split(" ", -1);
        return new Measured(
                Double.parseDouble(words[0]),
                Double.parseDouble(words[1]) + Double.parseDouble(words[2]),
                Long.parseLong(words[3]),
                Long.parseLong(words[4]) * ACCOUNTED_BLOCK_BYTES,
                Long.parseLong(words[5]) * ACCOUNTED_BLOCK_BYTES);
    }
}
