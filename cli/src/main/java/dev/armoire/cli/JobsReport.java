// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a run of jobs has done: as a text, as JSON, and for Prometheus. */
final class JobsReport {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** A mailer that hangs must not keep the next run away. */
    private static final Duration NOTICE_LIMIT = Duration.ofMinutes(10);

    /** How one job ended. {@code outcome} is null for one that was not run. */
    private record Line(JobsFile.Job job, JobsState.@Nullable Outcome outcome, String message) {
        String result() {
            if (outcome == null) {
                return "skipped";
            }
            return switch (outcome.exitCode()) {
                case ExitCode.OK -> "ok";
                case ExitCode.PARTIAL -> "partial";
                default -> "failed";
            };
        }
    }

    private final JobsFile file;
    private final Instant started;
    private final List<Line> lines = new ArrayList<>();
    private int finalCode;
    private long nanos;

    JobsReport(JobsFile file, Instant started) {
        this.file = file;
        this.started = started;
    }

    void done(JobsFile.Job job, JobsState.Outcome outcome) {
        lines.add(new Line(job, outcome, outcome.message()));
    }

    void skipped(JobsFile.Job job, String reason) {
        lines.add(new Line(job, null, reason));
    }

    /** That of the worst job: damage, any other failure, items that failed. */
    int exitCode() {
        int worst = ExitCode.OK;
        for (Line line : lines) {
            int code = line.outcome == null ? ExitCode.OK : line.outcome.exitCode();
            if (rank(code) > rank(worst)) {
                worst = code;
            }
        }
        return worst;
    }

    private static int rank(int code) {
        return switch (code) {
            case ExitCode.OK -> 0;
            case ExitCode.PARTIAL -> 1;
            case ExitCode.DAMAGE -> 3;
            case ExitCode.INTERRUPTED -> 4;
            default -> 2;
        };
    }

    void end(int exitCode, long nanos) {
        finalCode = exitCode;
        this.nanos = nanos;
    }

    /** {@code 2 jobs ok, 1 failed, 1 skipped in 12.5s}. */
    String headline() {
        StringBuilder text = new StringBuilder();
        for (String result : List.of("ok", "partial", "failed", "skipped")) {
            long count =
                    lines.stream().filter(line -> line.result().equals(result)).count();
            if (count > 0 || text.isEmpty()) {
                text.append(text.isEmpty() ? "" : ", ").append(count);
                text.append(text.length() < 5 ? count == 1 ? " job " : " jobs " : " ")
                        .append(result);
            }
        }
        return text + " in " + GoFormat.duration(nanos / 1_000_000 * 1_000_000);
    }

    /** For a person, a log or a mail. */
    String text() {
        StringBuilder text = new StringBuilder();
        text.append(file.path()).append(" on ").append(Repository.thisHost()).append(": ");
        text.append(headline()).append(", exit code ").append(finalCode).append('\n');
        text.append("began ").append(GoFormat.time(started)).append("\n\n");
        int width =
                lines.stream().mapToInt(line -> line.job.name().length()).max().orElse(0);
        for (Line line : lines) {
            JobsState.Outcome outcome = line.outcome;
            text.append(String.format(
                            Locale.ROOT,
                            "%-" + Math.max(width, 1) + "s  %-11s  %-7s  %4s  %10s  %s",
                            line.job.name(),
                            line.job.command(),
                            line.result(),
                            outcome == null ? "-" : Integer.toString(outcome.exitCode()),
                            outcome == null ? "-" : GoFormat.seconds(outcome.nanos()),
                            line.message)
                    .stripTrailing());
            text.append('\n');
        }
        return text.toString();
    }

    /** One object. */
    String json() {
        return new JsonLines("run")
                        .line(
                                "run.report",
                                "host",
                                Repository.thisHost(),
                                "file",
                                file.path(),
                                "started",
                                started,
                                "duration_nanoseconds",
                                nanos,
                                "exit_code",
                                finalCode,
                                "jobs",
                                list(),
                                "text", // services for chats show this and ignore the rest
                                text())
                + '\n';
    }

    /** For JSON, a map for each job. */
    List<Map<String, Object>> list() {
        List<Map<String, Object>> list = new ArrayList<>();
        for (Line line : lines) {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("job", line.job.name());
            values.put("job_command", line.job.command());
            values.put("result", line.result());
            values.put("message", line.message);
            JobsState.Outcome outcome = line.outcome;
            if (outcome != null) {
                values.put("store", outcome.store());
                values.put("exit_code", outcome.exitCode());
                values.put("started", outcome.started());
                values.put("duration_nanoseconds", outcome.nanos());
                values.put("numbers", outcome.numbers());
            }
            list.add(values);
        }
        return list;
    }

    /** The text format that node_exporter collects, with the last run of each job of the file. */
    String prometheus(JobsState state) {
        Gauges gauges = new Gauges();
        for (JobsFile.Job job : file.jobs()) {
            JobsState.Outcome last = state.last(job.name());
            String labels = "job_name=\"" + job.name() + "\",command=\"" + job.command() + "\",store=\""
                    + escaped(job.store() == null ? "" : job.store()) + '"';
            Instant success = state.lastSuccess(job.name());
            gauges.add(
                    "last_success_timestamp_seconds",
                    "When the job succeeded last; 0 for never.",
                    labels,
                    success == null ? 0 : success.getEpochSecond());
            Duration maxAge = job.maxAge();
            if (maxAge != null) {
                gauges.add("max_age_seconds", "How long ago that may be.", labels, maxAge.toSeconds());
            }
            if (last != null) {
                gauges.add(
                        "last_run_timestamp_seconds",
                        "When the job was run last.",
                        labels,
                        last.started().getEpochSecond());
                gauges.add("last_exit_code", "How the job ended; 0 is success.", labels, last.exitCode());
                gauges.add("last_duration_seconds", "How long the job took.", labels, last.nanos() / 1e9);
                last.numbers()
                        .forEach((name, number) -> gauges.add(
                                "last_result",
                                "What the command counted.",
                                labels + ",name=\"" + escaped(name) + '"',
                                number));
            }
        }
        return gauges.text();
    }

    private static String escaped(String label) {
        return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    /** Values by their metric, as each may stand in one group only. */
    private static final class Gauges {
        private final Map<String, StringBuilder> groups = new LinkedHashMap<>();

        void add(String name, String help, String labels, Number value) {
            String metric = "armoire_job_" + name;
            groups.computeIfAbsent(
                            metric,
                            key -> new StringBuilder("# HELP " + key + ' ' + help + "\n# TYPE " + key + " gauge\n"))
                    .append(metric)
                    .append('{')
                    .append(labels)
                    .append("} ")
                    .append(value)
                    .append('\n');
        }

        String text() {
            return String.join("", groups.values());
        }
    }

    /** Tells whoever is to be told. */
    void send(JobsFile.Notice notice, Map<String, String> environment, Report report, List<String> problems) {
        String command = notice.command();
        if (command != null) {
            List<String> failed = lines.stream()
                    .filter(line -> line.outcome != null && line.outcome.exitCode() != ExitCode.OK)
                    .map(line -> line.job.name())
                    .toList();
            try {
                int code = Hooks.run(
                        report,
                        environment,
                        "notice",
                        command,
                        Map.of(
                                "ARMOIRE_JOBS_FILE",
                                file.path().toString(),
                                "ARMOIRE_EXIT_CODE",
                                Integer.toString(finalCode),
                                "ARMOIRE_FAILED_JOBS",
                                String.join(" ", failed)),
                        text().getBytes(StandardCharsets.UTF_8),
                        NOTICE_LIMIT);
                if (code != 0) {
                    problems.add("the command that is to tell of this run exited with " + code);
                }
            } catch (IOException e) {
                problems.add("the command that is to tell of this run failed: " + Failures.message(e));
            }
        }
        URI address = notice.webhook();
        if (address != null) {
            try {
                post(address);
            } catch (IOException e) {
                problems.add(
                        "the webhook at " + address.getHost() + " was not told of this run: " + Failures.message(e));
            }
        }
    }

    private void post(URI address) throws IOException {
        try (HttpClient client = HttpClient.newBuilder()
                .connectTimeout(PATIENCE)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build()) {
            HttpRequest request = HttpRequest.newBuilder(address)
                    .timeout(PATIENCE)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(json()))
                    .build();
            int status =
                    client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status / 100 != 2) {
                throw new IOException("it answers " + status);
            }
        } catch (ConnectException e) { // which says nothing itself
            boolean isUnknown = e.getCause() instanceof ConnectException inner
                    && inner.getCause() instanceof UnresolvedAddressException;
            throw new IOException(isUnknown ? "there is no such host" : "it refuses connections", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
