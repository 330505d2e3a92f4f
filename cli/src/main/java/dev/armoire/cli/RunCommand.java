// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code run}: runs the jobs of a file, one after the other. Each job is a command of this program, and run as such. */
final class RunCommand implements Command {
    /** What need not be so again a little later. */
    private static final Set<Integer> MAY_PASS =
            Set.of(ExitCode.ERROR, ExitCode.NO_STORE, ExitCode.CANNOT_CREATE, ExitCode.IO, ExitCode.LOCKED);

    @Override
    public String usage() {
        return "run [-resume] [-wait DURATION] [-dry-run] [-verbose] FILE [JOB...]";
    }

    @Override
    public String description() {
        return """
            Runs the jobs of FILE in their order, or only those named: backup, check, prune,
            sync and maintenance with their flags, in YAML (docs/jobs.md). The whole file is
            checked first, and a mistake in it told with its line.

            A job that fails is tried again as often as it says, and the others are run all
            the same, but for those that need it. The exit code is 0 when all is well, and
            otherwise that of the worst job: 65 for damage, then what failed, then 3.

            Of the same FILE one run goes on at a time (75). After a run that was interrupted
            or had failures, -resume runs only what is still to be done.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("resume", "leave out what the last run has done, if it did not do all")
                .value("wait", "DURATION", "wait so long for another run of FILE to end: 6h (default: 0)")
                .flag("dry-run", "only check FILE, and show the commands")
                .flag("verbose", "also print a line for each path");
    }

    @Override
    public String interrupted() {
        return "interrupted; `armoire run -resume` goes on with what is still to be done";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().isEmpty()) {
            throw CommandException.usage("run needs a file of jobs: armoire " + usage());
        }
        JobsFile file = JobsFile.read(arguments.words().getFirst(), session.configurations());
        List<JobsFile.Job> jobs =
                file.select(arguments.words().subList(1, arguments.words().size()));
        if (session.invocation().store() != null) {
            throw CommandException.usage("the file says where each job works: leave `at` out");
        }
        if (arguments.is("dry-run")) {
            for (JobsFile.Job job : jobs) {
                String line = CommandLineText.of(job.words());
                session.report().result(job.name() + ": " + line, "job.plan", "job", job.name(), "command_line", line);
            }
            return ExitCode.OK;
        }
        Duration patience = GoFormat.parseDuration(arguments.get("wait", "0"), "-wait");
        try (FileChannel lock = JobsState.lock(file.path(), session.states(), patience, session.report())) {
            assert lock.isOpen();
            return new Run(session, arguments, file).run(jobs);
        }
    }

    /** One run, under the lock. */
    private static final class Run {
        private final Session session;
        private final Flags.Arguments arguments;
        private final Report report;
        private final JobsFile file;
        private final JobsState state;
        private final JobsReport results;

        Run(Session session, Flags.Arguments arguments, JobsFile file) throws IOException {
            this.session = session;
            this.arguments = arguments;
            this.file = file;
            report = session.report();
            state = JobsState.read(file.path(), session.states(), report);
            results = new JobsReport(file, Instant.now());
        }

        int run(List<JobsFile.Job> jobs) throws IOException {
            long begun = System.nanoTime();
            List<JobsFile.Job> left = toDo(jobs);
            boolean isInterrupted = false;
            Set<String> undone = new TreeSet<>();
            for (JobsFile.Job job : left) {
                if (isInterrupted || Thread.currentThread().isInterrupted()) {
                    isInterrupted = true;
                    results.skipped(job, "the run was interrupted");
                    continue;
                }
                String reason = reasonNotTo(job, undone);
                if (reason != null) {
                    undone.add(job.name());
                    results.skipped(job, reason);
                    report.info("job " + job.name() + ": not run: " + reason);
                    continue;
                }
                JobsState.Outcome outcome = execute(job);
                state.note(job, outcome);
                results.done(job, outcome);
                tell(job, outcome);
                isInterrupted = outcome.exitCode() == ExitCode.INTERRUPTED;
                if (outcome.exitCode() != ExitCode.OK && outcome.exitCode() != ExitCode.PARTIAL) {
                    undone.add(job.name());
                }
            }
            int exitCode = results.exitCode();
            if (isInterrupted) {
                Thread.interrupted(); // what is told now must be told
                exitCode = ExitCode.INTERRUPTED;
            } else {
                state.finish(Instant.now());
            }
            results.end(exitCode, System.nanoTime() - begun);
            exitCode = publish(exitCode);
            report.summary(
                    "run: " + results.headline(),
                    "run.done",
                    "file",
                    file.path(),
                    "exit_code",
                    exitCode,
                    "jobs",
                    results.list());
            if (isInterrupted) {
                throw new CommandException(ExitCode.INTERRUPTED, new RunCommand().interrupted());
            }
            return exitCode;
        }

        /** Begins a run, or goes on with the last one. */
        private List<JobsFile.Job> toDo(List<JobsFile.Job> jobs) throws IOException {
            List<JobsFile.Job> left =
                    jobs.stream().filter(job -> !state.isDone(job.name())).toList();
            if (!arguments.is("resume") || left.isEmpty() || left.size() == jobs.size()) {
                state.begin(Instant.now());
                return jobs;
            }
            report.info("going on with the run of " + state.lastRun() + ": " + (jobs.size() - left.size()) + " of "
                    + jobs.size() + " jobs are done");
            state.resume();
            return left;
        }

        private @Nullable String reasonNotTo(JobsFile.Job job, Set<String> undone) {
            for (String need : job.needs()) {
                if (undone.contains(need)) {
                    return "it needs " + need + ", which was not done";
                }
            }
            return mayBegin(job) ? null : "it is outside of its window, " + job.window();
        }

        private static boolean mayBegin(JobsFile.Job job) {
            JobsFile.Window window = job.window();
            return window == null
                    || window.contains(LocalTime.now(ZoneId.systemDefault())); // the machine's time, as in a crontab
        }

        private JobsState.Outcome execute(JobsFile.Job job) throws IOException {
            Instant started = Instant.now();
            long begun = System.nanoTime();
            configureReport(); // what was said of the job before is not said of this one, whose command may not even be
            // run
            int exitCode = attempt(job);
            for (int again = 1; again <= job.retries() && MAY_PASS.contains(exitCode); again++) {
                String pause = GoFormat.shortDuration(job.retryAfter());
                report.warn("job " + job.name() + " failed with exit code " + exitCode + " and is tried again in "
                        + pause + " (" + again + " of " + job.retries() + ")");
                try {
                    Thread.sleep(job.retryAfter());
                } catch (InterruptedException e) {
                    exitCode = ExitCode.INTERRUPTED;
                    break;
                }
                if (!mayBegin(job)) {
                    report.warn(
                            "job " + job.name() + " is not tried again: it is outside of its window, " + job.window());
                    break;
                }
                exitCode = attempt(job);
            }
            String said = report.lastProblem();
            String message = exitCode == ExitCode.OK ? "" : said == null ? "exit code " + exitCode : said;
            Map<String, Long> numbers = report.lastNumbers();
            configureReport();
            String store = job.store() == null ? "default store" : job.store();
            long nanos = System.nanoTime() - begun;
            return new JobsState.Outcome(store, started, Instant.now(), nanos, exitCode, message, numbers);
        }

        private void configureReport() {
            report.configure(arguments.is("json"), arguments.is("quiet"), arguments.is("silent"), "run");
        }

        private int attempt(JobsFile.Job job) {
            List<String> words = new ArrayList<>();
            for (String flag : List.of(
                    "configdir",
                    "cachedir",
                    "keyfile",
                    "concurrency",
                    "cpu",
                    "limit-upload",
                    "limit-download",
                    "memory",
                    "trace")) {
                String value = arguments.get(flag);
                if (value != null) {
                    words.add("-" + flag + '=' + value);
                }
            }
            for (String flag : List.of("json", "silent", "quiet")) {
                if (arguments.is(flag) || flag.equals("quiet") && !arguments.is("verbose")) {
                    words.add("-" + flag);
                }
            }
            words.addAll(job.words());
            if (job.hooks().isEmpty()) {
                return Cli.run(words, session.surroundings(), report);
            }
            Hooks hooks = Hooks.ofJob(
                    report, session.surroundings().environment(), job.store() == null ? "" : job.store(), job.hooks());
            try {
                hooks.before();
            } catch (IOException | CommandException e) {
                hooks.failed(e);
                report.failure(Failures.message(e), Failures.exitCode(e));
                return Failures.exitCode(e);
            }
            return hooks.after(Cli.run(words, session.surroundings(), report));
        }

        private void tell(JobsFile.Job job, JobsState.Outcome outcome) {
            String took = GoFormat.duration(outcome.nanos() / 1_000_000 * 1_000_000);
            boolean isWell = outcome.exitCode() == ExitCode.OK;
            String text = "job " + job.name()
                    + (isWell
                            ? ": done in " + took
                            : ": exit code " + outcome.exitCode() + " after " + took + ": " + outcome.message());
            report.summary(
                    text,
                    "job.done",
                    "job",
                    job.name(),
                    "job_command",
                    job.command(),
                    "store",
                    outcome.store(),
                    "exit_code",
                    outcome.exitCode(),
                    "duration_nanoseconds",
                    outcome.nanos(),
                    "message",
                    outcome.message(),
                    "numbers",
                    outcome.numbers());
        }

        /** Writes the reports and tells whoever is to be told; that it could not be done must not go unnoticed. */
        private int publish(int exitCode) {
            List<String> problems = new ArrayList<>();
            write("text", results.text(), problems);
            write("json", results.json(), problems);
            write("prometheus", results.prometheus(state), problems);
            if (exitCode != ExitCode.INTERRUPTED) {
                JobsFile.Notice notice = exitCode == ExitCode.OK ? file.onSuccess() : file.onFailure();
                results.send(notice, session.surroundings().environment(), report, problems);
            }
            problems.forEach(report::error);
            return exitCode == ExitCode.OK && !problems.isEmpty() ? ExitCode.PARTIAL : exitCode;
        }

        private void write(String form, String text, List<String> problems) {
            Path path = file.report(form);
            if (path == null) {
                return;
            }
            try {
                YamlFiles.write(path, text, false);
            } catch (IOException e) {
                problems.add("the report cannot be written to " + path + ": " + Failures.message(e));
            }
        }
    }
}
