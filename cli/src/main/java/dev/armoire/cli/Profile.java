// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;

/**
 * A recording by Java's flight recorder while a command runs. Only a few kinds of events: others hold the environment and the
 * command lines of all processes, with what is secret in them.
 */
final class Profile implements AutoCloseable {
    static final List<String> CPU =
            List.of("jdk.ExecutionSample", "jdk.NativeMethodSample", "jdk.CPULoad", "jdk.ThreadCPULoad");
    static final List<String> MEMORY =
            List.of("jdk.ObjectAllocationSample", "jdk.GarbageCollection", "jdk.GCHeapSummary");
    private static final Duration BETWEEN_SAMPLES = Duration.ofMillis(10);

    private final Recording recording;

    private Profile(Recording recording) {
        this.recording = recording;
    }

    /** Begins to record, if there is a file to do so. */
    static @Nullable Profile start(@Nullable String file, List<String> events) {
        if (file == null) {
            return null;
        }
        Recording recording = new Recording();
        try {
            recording.setDestination(Path.of(file));
        } catch (IOException e) {
            recording.close();
            throw new CommandException(
                    ExitCode.CANNOT_CREATE, "cannot write the recording " + file + ": " + Failures.message(e), e);
        }
        recording.setDumpOnExit(true);
        for (String event : events) {
            recording.enable(event).withStackTrace().withPeriod(BETWEEN_SAMPLES);
        }
        recording.start();
        return new Profile(recording);
    }

    @Override
    public void close() {
        try (recording) {
            recording.stop();
        } catch (IllegalStateException e) {
            // A signal ends the process: then the recorder has written it already.
        }
    }
}
