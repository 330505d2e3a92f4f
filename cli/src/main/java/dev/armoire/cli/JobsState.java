// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What is remembered of the jobs of a file: how each ended when it was run last. It is a file of its own in the state folder,
 * and only history: a store never depends on it.
 */
final class JobsState {
    private static final String RUN = "run";
    private static final String JOBS = "jobs";
    private static final String STARTED = "started";
    private static final String FINISHED = "finished";
    private static final String ENDED = "ended";
    private static final String EXIT_CODE = "exit_code";
    private static final String SUCCESS = "last_success";
    private static final String NANOS = "nanoseconds";
    private static final String MESSAGE = "message";
    private static final String RESULT = "result.";
    private static final long LOCK_POLL_MILLIS = 500;

    private final Path jobsFile;
    private final Path path;
    private Map<String, String> run = new TreeMap<>();
    private final Map<String, Map<String, String>> jobs = new LinkedHashMap<>();

    private JobsState(Path jobsFile, Path path) {
        this.jobsFile = jobsFile;
        this.path = path;
    }

    /** Of two files with the same name in two folders, each has its own. */
    private static Path path(Path jobsFile, Path folder) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(jobsFile.toString().getBytes(StandardCharsets.UTF_8));
            String name = String.valueOf(jobsFile.getFileName()).replaceFirst("\\.ya?ml$", "");
            return folder.resolve(name + '-' + HexFormat.of().formatHex(digest, 0, 4) + ".yml");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    /**
     * Reads what is remembered. What cannot be read is forgotten, with a warning.
     *
     * @param folder where states of all files of jobs are
     */
    static JobsState read(Path jobsFile, Path folder, Report report) throws IOException {
        JobsState state = new JobsState(jobsFile, path(jobsFile, folder));
        state.load(report);
        return state;
    }

    private void load(Report report) throws IOException {
        try {
            if (YamlFiles.parse(Files.readString(path)) instanceof Map<?, ?> root) {
                run = PlacesFile.settings(root.get(RUN), RUN);
                if (root.get(JOBS) instanceof Map<?, ?> all) {
                    all.forEach((name, values) ->
                            jobs.put(String.valueOf(name), PlacesFile.settings(values, String.valueOf(name))));
                }
            }
        } catch (NoSuchFileException e) {
            return; // nothing was run yet
        } catch (YamlEngineException | CommandException | CharacterCodingException e) {
            report.warn(path + " cannot be understood, so nothing is known of earlier runs");
        }
    }

    private void write() throws IOException {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("file", jobsFile.toString());
        root.put(RUN, run);
        root.put(JOBS, jobs);
        YamlFiles.write(path, root);
    }

    /**
     * Keeps every other run of the same jobs away until it is closed. It ends with the process, however that ends.
     *
     * @param patience how long to wait for another one
     */
    static FileChannel lock(Path jobsFile, Path folder, Duration patience, Report report) throws IOException {
        YamlFiles.makeFolder(folder);
        Path file = path(jobsFile, folder).resolveSibling(path(jobsFile, folder).getFileName() + ".lock");
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            long begun = System.nanoTime();
            boolean isTold = false;
            while (!tryLock(channel)) {
                String holder = Files.readString(file).strip();
                if (System.nanoTime() - begun >= patience.toNanos()) {
                    throw new CommandException(
                            ExitCode.LOCKED,
                            "another run of " + jobsFile + " is going on" + (holder.isEmpty() ? "" : ": " + holder)
                                    + "; -wait 6h waits for it");
                }
                if (!isTold) {
                    report.info("waiting for another run of " + jobsFile + " to end: " + holder);
                    isTold = true;
                }
                Thread.sleep(LOCK_POLL_MILLIS);
            }
            String holder =
                    "process " + ProcessHandle.current().pid() + " since " + GoFormat.time(Instant.now()) + '\n';
            channel.truncate(0);
            channel.write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
            return channel;
        } catch (InterruptedException e) {
            channel.close();
            Thread.currentThread().interrupt();
            throw new CommandException(ExitCode.INTERRUPTED, "interrupted; no job was run", e);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock(); // the channel gives it back when it is closed
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // of this process
        }
    }

    /** Notes that a run begins. */
    void begin(Instant now) throws IOException {
        run = new TreeMap<>(Map.of(STARTED, now.toString()));
        write();
    }

    /** Goes on with the run before this one. */
    void resume() throws IOException {
        run.remove(FINISHED);
        write();
    }

    /** Notes that a run has done all that it could. */
    void finish(Instant now) throws IOException {
        run.put(FINISHED, now.toString());
        write();
    }

    /** Notes how a job has ended. */
    void note(JobsFile.Job job, Outcome outcome) throws IOException {
        Map<String, String> values = new TreeMap<>();
        values.put("command", job.command().equals("check") && !job.verifiesData() ? "check -fast" : job.command());
        values.put("store", outcome.store);
        values.put(STARTED, outcome.started.toString());
        values.put(ENDED, outcome.ended.toString());
        values.put(NANOS, Long.toString(outcome.nanos));
        values.put(EXIT_CODE, Integer.toString(outcome.exitCode));
        values.put(MESSAGE, outcome.message);
        values.put(RUN, run.getOrDefault(STARTED, ""));
        Instant success = outcome.exitCode == ExitCode.OK ? outcome.ended : lastSuccess(job.name());
        if (success != null) {
            values.put(SUCCESS, success.toString());
        }
        outcome.numbers.forEach((name, number) -> values.put(RESULT + name, Long.toString(number)));
        jobs.put(job.name(), values);
        write();
    }

    /**
     * How a job ended.
     *
     * @param store where, for people
     * @param nanos how long it took, by a clock that nobody sets
     * @param message what was said of a failure, or nothing
     * @param numbers what the command counted
     */
    record Outcome(
            String store,
            Instant started,
            Instant ended,
            long nanos,
            int exitCode,
            String message,
            Map<String, Long> numbers) {
        Outcome {
            numbers = Collections.unmodifiableMap(new TreeMap<>(numbers));
        }
    }

    /** How a job ended when it was run last, or null. */
    @Nullable
    Outcome last(String job) {
        Map<String, String> values = jobs.get(job);
        Instant started = values == null ? null : time(values.get(STARTED));
        Instant ended = values == null ? null : time(values.get(ENDED));
        if (values == null || started == null || ended == null) {
            return null;
        }
        Map<String, Long> numbers = new TreeMap<>();
        values.forEach((key, value) -> {
            if (key.startsWith(RESULT)) {
                numbers.put(key.substring(RESULT.length()), number(value));
            }
        });
        return new Outcome(
                values.getOrDefault("store", ""),
                started,
                ended,
                number(values.get(NANOS)),
                (int) number(values.get(EXIT_CODE)),
                values.getOrDefault(MESSAGE, ""),
                numbers);
    }

    /** When a job succeeded last, or null. */
    @Nullable
    Instant lastSuccess(String job) {
        Map<String, String> values = jobs.get(job);
        return values == null ? null : time(values.get(SUCCESS));
    }

    /** Whether a job has succeeded in the last run. */
    boolean isDone(String job) {
        Map<String, String> values = jobs.get(job);
        return values != null
                && !run.isEmpty()
                && run.getOrDefault(STARTED, "").equals(values.get(RUN))
                && "0".equals(values.get(EXIT_CODE));
    }

    /** When the last run began, or null. */
    @Nullable
    Instant lastRun() {
        return time(run.get(STARTED));
    }

    /** When each store was last checked without finding anything, as far as any file of jobs remembers. */
    static Map<String, Instant> lastChecks(Path folder, Report report) throws IOException {
        Map<String, Instant> checks = new TreeMap<>();
        if (Files.notExists(folder)) {
            return checks;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.yml")) {
            for (Path file : files) {
                JobsState state = new JobsState(file, file);
                state.load(report);
                for (Map<String, String> job : state.jobs.values()) {
                    Instant success = "check".equals(job.get("command")) ? time(job.get(SUCCESS)) : null;
                    if (success != null) {
                        checks.merge(job.getOrDefault("store", ""), success, (a, b) -> a.isAfter(b) ? a : b);
                    }
                }
            }
        }
        return checks;
    }

    private static @Nullable Instant time(@Nullable String text) {
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            return null;
        }
    }

    private static long number(@Nullable String text) {
        try {
            return text == null ? 0 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
