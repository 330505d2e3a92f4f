// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code schedule}: lets systemd or cron run the jobs of a file when they are due. */
final class ScheduleCommand implements Command {
    private static final String MARK = "# Made by `armoire schedule` for ";

    @Override
    public String usage() {
        return "schedule [-cron] [-install | -uninstall] [-user] [-program FILE] [-folder DIR] FILE";
    }

    @Override
    public String description() {
        return """
            Prints what lets systemd run the jobs of FILE when their `schedule:` says so: a
            timer and a service for each schedule. Jobs of one schedule are run together, in
            their order. With -cron, prints lines for a crontab.

            With -cron -install, those lines are put into your crontab, in the place of
            those that were made for FILE before; all others stay as they are.

            -install writes the units, removes those that an earlier version of FILE asked
            for, and starts the timers: for the system, or with -user (default unless you are
            root) for yourself. -uninstall stops and removes them. Runs that were missed while
            the machine was off are made up for.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("cron", "print lines for a crontab, or with -install put them there")
                .flag("install", "write the units and start the timers")
                .flag("uninstall", "stop the timers and remove the units")
                .flag("user", "of the user rather than the system")
                .value("program", "FILE", "the program to be run (default: this one)")
                .value("folder", "DIR", "only write units to, or remove them from, DIR");
    }

    /** What runs jobs that are due at the same time. */
    private record Unit(String name, Schedule schedule, List<String> jobs) {}

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().size() != 1) {
            throw CommandException.usage("schedule takes one file of jobs: armoire " + usage());
        }
        boolean installs = arguments.is("install");
        boolean uninstalls = arguments.is("uninstall");
        if (installs && uninstalls) {
            throw CommandException.usage("of -install and -uninstall only one is possible");
        }
        if (arguments.is("cron") && (arguments.has("folder") || arguments.is("user"))) {
            throw CommandException.usage("-folder and -user are for units of systemd; -cron is about your own crontab");
        }
        String name = arguments.words().getFirst();
        Path file = Path.of(name).toAbsolutePath().normalize();
        if (file.toString().chars().anyMatch(Character::isISOControl)) {
            throw CommandException.usage(
                    "the path of the file has control characters in it: neither cron nor systemd takes it");
        }
        if (uninstalls) { // the file may be gone
            if (arguments.is("cron")) {
                return installCron(session, file, List.of());
            }
            return install(session, arguments, file, Map.of());
        }
        JobsFile jobs = JobsFile.read(name, session.configurations());
        List<Unit> units = units(jobs, session.report());
        if (units.isEmpty()) {
            throw new CommandException(ExitCode.ERROR, "no job in " + jobs.path() + " has a `schedule:`");
        }
        List<String> program = program(arguments);
        if (arguments.is("cron")) {
            List<String> lines = new ArrayList<>();
            for (Unit unit : units) {
                // In a crontab a percent sign ends the line.
                lines.add(unit.schedule.cron()
                        + ' '
                        + call(program, jobs, unit, ScheduleCommand::forShell).replace("%", "\\%"));
            }
            if (installs) {
                return installCron(session, file, lines);
            }
            lines.addFirst(MARK + jobs.path());
            lines.forEach(line -> session.report().result(line, "schedule.cron", "line", line));
            return ExitCode.OK;
        }
        Map<String, String> texts = new LinkedHashMap<>();
        for (Unit unit : units) {
            texts.put(unit.name + ".service", service(program, jobs, unit));
            texts.put(unit.name + ".timer", timer(jobs, unit));
        }
        if (installs) {
            return install(session, arguments, file, texts);
        }
        texts.forEach((unit, text) ->
                session.report().result("# " + unit + '\n' + text, "schedule.unit", "name", unit, "text", text));
        return ExitCode.OK;
    }

    private static List<Unit> units(JobsFile file, Report report) {
        String stem = String.valueOf(file.path().getFileName())
                .replaceFirst("\\.ya?ml$", "")
                .replaceAll("[^A-Za-z0-9_.-]", "-");
        Map<String, List<String>> due = new LinkedHashMap<>();
        for (JobsFile.Job job : file.jobs()) {
            String schedule = job.schedule();
            if (schedule == null) {
                report.notice("job " + job.name() + " has no schedule, and is run only by `armoire run`");
            } else {
                due.computeIfAbsent(Schedule.parse(schedule).cron(), key -> new ArrayList<>())
                        .add(job.name());
            }
        }
        List<Unit> units = new ArrayList<>();
        due.forEach((cron, jobs) ->
                units.add(new Unit("armoire-" + stem + '-' + jobs.getFirst(), Schedule.parse(cron), jobs)));
        return units;
    }

    private static String service(List<String> program, JobsFile file, Unit unit) {
        return String.format(
                Locale.ROOT,
                """
                %s%s
                [Unit]
                Description=Armoire: %s
                Wants=network-online.target
                After=network-online.target

                [Service]
                Type=oneshot
                ExecStart=%s
                Nice=10
                IOSchedulingClass=best-effort
                IOSchedulingPriority=7
                KillMode=mixed
                TimeoutStopSec=90
                """,
                MARK,
                file.path(),
                String.join(", ", unit.jobs).replace("%", "%%"),
                call(program, file, unit, ScheduleCommand::forSystemd));
    }

    private static String timer(JobsFile file, Unit unit) {
        return String.format(
                Locale.ROOT,
                """
                %s%s
                [Unit]
                Description=Armoire: when %s is due

                [Timer]
                OnCalendar=%s
                Persistent=true
                RandomizedDelaySec=60

                [Install]
                WantedBy=timers.target
                """,
                MARK,
                file.path(),
                String.join(", ", unit.jobs).replace("%", "%%"),
                unit.schedule.systemd());
    }

    private static String call(
            List<String> program, JobsFile file, Unit unit, java.util.function.UnaryOperator<String> quote) {
        List<String> words = new ArrayList<>(program);
        // Another schedule of the same file may have a run going on.
        words.addAll(List.of("run", "-wait", "12h", file.path().toString()));
        words.addAll(unit.jobs);
        return words.stream().map(quote).collect(Collectors.joining(" "));
    }

    private static String forShell(String word) {
        return word.matches("[A-Za-z0-9_./=@:-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    private static String forSystemd(String word) {
        String escaped = word.replace("\\", "\\\\")
                .replace("\"", "\\\"")
                .replace("%", "%%")
                .replace("$", "$$");
        return escaped.matches("[A-Za-z0-9_./=@:%-]+") ? escaped : '"' + escaped + '"';
    }

    /** What starts this program: what the user says, or the launcher, which says so. */
    private static List<String> program(Flags.Arguments arguments) {
        List<String> words = new ArrayList<>();
        String given = arguments.get("program");
        String launcher = System.getProperty("armoire.launcher");
        if (given != null) {
            words.add(Path.of(given).toAbsolutePath().normalize().toString());
        } else if (launcher != null) {
            words.add(launcher);
        } else {
            throw CommandException.usage("where the program is cannot be told from here: -program /usr/bin/armoire");
        }
        String configuration = arguments.get("configdir");
        if (configuration != null) {
            words.add("-configdir=" + Path.of(configuration).toAbsolutePath());
        }
        return words;
    }

    private static int installCron(Session session, Path file, List<String> lines) throws IOException {
        boolean isChanged = new Crontab(session.surroundings(), MARK + file).replace(lines, session.states());
        session.report()
                .summary(
                        !isChanged
                                ? "your crontab is as it should be for " + file
                                : lines.isEmpty()
                                        ? "the lines for " + file + " were taken out of your crontab"
                                        : lines.size() + " lines for " + file + " are in your crontab",
                        "schedule.done",
                        "file",
                        file,
                        "lines",
                        lines,
                        "changed",
                        isChanged);
        return ExitCode.OK;
    }

    // Units on the disk

    private static int install(Session session, Flags.Arguments arguments, Path file, Map<String, String> texts)
            throws IOException {
        Report report = session.report();
        boolean isUser =
                arguments.is("user") || !System.getProperty("user.name", "").equals("root");
        String named = arguments.get("folder");
        Path folder = named != null
                ? Path.of(named).toAbsolutePath()
                : isUser ? session.configurationBase().resolve("systemd/user") : Path.of("/etc/systemd/system");
        Map<String, String> before = ours(folder, file);
        for (String unit : texts.keySet()) {
            Path path = folder.resolve(unit);
            if (Files.exists(path) && !before.containsKey(unit)) {
                throw new CommandException(
                        ExitCode.CANNOT_CREATE,
                        path + " is there and was not made for " + file + "; nothing was changed");
            }
        }
        List<String> gone = before.keySet().stream()
                .filter(unit -> !texts.containsKey(unit))
                .toList();
        boolean controls = named == null;
        if (controls && !(texts.isEmpty() && before.isEmpty())) {
            // Asked first: timers that are written and not started would look like backups that are made.
            control(
                    session,
                    isUser,
                    List.of("daemon-reload"),
                    "nothing was changed; -folder DIR only writes or removes units, -cron does without systemd");
        }
        List<String> goneTimers =
                gone.stream().filter(unit -> unit.endsWith(".timer")).toList();
        if (controls && !goneTimers.isEmpty()) {
            control(
                    session,
                    isUser,
                    Stream.concat(Stream.of("disable", "--now"), goneTimers.stream())
                            .toList(),
                    "nothing was changed");
        }
        for (String unit : gone) {
            Files.deleteIfExists(folder.resolve(unit));
            report.info("removed " + folder.resolve(unit));
        }
        for (Map.Entry<String, String> unit : texts.entrySet()) {
            if (!unit.getValue().equals(before.get(unit.getKey()))) {
                Path path = folder.resolve(unit.getKey());
                Files.createDirectories(folder);
                YamlFiles.write(path, unit.getValue(), false);
                report.info("wrote " + path);
            }
        }
        if (controls) {
            String unfinished = "the units are in " + folder + ", and not all started: install them again";
            control(session, isUser, List.of("daemon-reload"), unfinished);
            List<String> timers = texts.keySet().stream()
                    .filter(unit -> unit.endsWith(".timer"))
                    .toList();
            if (!timers.isEmpty()) {
                control(
                        session,
                        isUser,
                        Stream.concat(Stream.of("enable", "--now"), timers.stream())
                                .toList(),
                        unfinished);
            }
        }
        report.summary(
                texts.isEmpty()
                        ? gone.size() + " units of " + file + " were removed"
                        : texts.size() / 2 + " timers for " + file + (controls ? " are started" : " are written"),
                "schedule.done",
                "file",
                file,
                "folder",
                folder,
                "units",
                List.copyOf(texts.keySet()),
                "removed",
                gone);
        return ExitCode.OK;
    }

    /** The units in a folder that were made for a file, with their texts. */
    private static Map<String, String> ours(Path folder, Path file) throws IOException {
        Map<String, String> ours = new TreeMap<>();
        try (Stream<Path> all = Files.list(folder)) {
            all.filter(path -> String.valueOf(path.getFileName()).startsWith("armoire-"))
                    .forEach(path -> {
                        try {
                            String text = Files.isRegularFile(path) ? Files.readString(path) : "";
                            if (text.startsWith(MARK + file + '\n')) {
                                ours.put(String.valueOf(path.getFileName()), text);
                            }
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Map.of();
        }
        return ours;
    }

    /** @param otherwise what the user is told besides when it fails */
    private static void control(Session session, boolean isUser, List<String> words, String otherwise)
            throws IOException {
        List<String> command = new ArrayList<>(List.of("systemctl"));
        if (isUser) {
            command.add("--user");
        }
        command.addAll(words);
        String shown = String.join(" ", command);
        int code = Hooks.run(
                session.report(),
                session.surroundings().environment(),
                "systemctl",
                command.stream().map(ScheduleCommand::forShell).collect(Collectors.joining(" ")),
                Map.of(),
                new byte[0],
                null);
        if (code != 0) {
            throw new CommandException(ExitCode.ERROR, "`" + shown + "` exited with " + code + "; " + otherwise);
        }
    }
}
