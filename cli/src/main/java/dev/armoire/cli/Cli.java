// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One run of the program, from words to exit code: global flags, {@code at STORE}, the command. Ends no process. */
final class Cli {
    private Cli() {}

    /**
     * Runs a command.
     *
     * @param words what stands behind the program's name
     * @return the exit code
     */
    static int run(List<String> words, Surroundings surroundings) {
        Report report = new Report(surroundings.out(), surroundings.err(), surroundings.showsLines());
        int exitCode = run(words, surroundings, report);
        try {
            report.finish();
        } catch (OutputClosedException e) {
            if (exitCode == ExitCode.OK) {
                exitCode = explain(e, report, isTracing(words));
            }
        }
        return exitCode;
    }

    /** Runs a command that says what it has to say in this report: alone, or as part of another one's work. */
    static int run(List<String> words, Surroundings surroundings, Report report) {
        try {
            return dispatch(words, surroundings, report);
        } catch (IOException | RuntimeException | OutOfMemoryError | StackOverflowError e) {
            return explain(e, report, isTracing(words));
        }
    }

    private static boolean isTracing(List<String> words) {
        return words.stream().anyMatch(word -> word.matches("--?trace(=.*)?"));
    }

    private static int explain(Throwable failure, Report report, boolean isTracing) {
        int exitCode = Failures.exitCode(failure);
        String message = Failures.message(failure);
        if (!message.isEmpty()) {
            report.failure(message, exitCode);
        }
        if (isTracing) {
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            report.aside(trace.toString().stripTrailing());
        }
        return exitCode;
    }

    /** Flags that stand before the command, or anywhere behind it. */
    static Flags declareGlobals(Flags flags) {
        return flags.value("concurrency", "N", "threads that read, encode and write (default: processors)")
                .value("cpu", "N", "use at most so many processors")
                .value("configdir", "DIR", "folder of stores.yml (default ~/.config/armoire, then ~/.config/plakar)")
                .value("cachedir", "DIR", "folder for temporary files (default ~/.cache/armoire)")
                .value("keyfile", "FILE", "take the passphrase from FILE")
                .value(
                        UnlockCache.FLAG,
                        "TIME",
                        "keep the store's key in the kernel's key ring for 15m, 8h...; 0 forgets it")
                .value("limit-upload", "RATE", "write to stores at most 500K, 2M... bytes a second")
                .value("limit-download", "RATE", "read from stores at most so many bytes a second")
                .value(
                        "memory",
                        "SIZE",
                        "memory for data on their way, such as 256M; 96M at least (default 384M, or more)")
                .flag("json", "print one JSON object a line")
                .flag("quiet", "no lines for paths that are well, no information")
                .flag("silent", "no summaries either; what goes wrong is always said")
                .flag("stdio", "plain lines, no view of the progress on a terminal")
                .flag("time", "say at the end how long the command took, and in which stages of the work")
                .value("trace", "LIST", "show where in the program an error comes from")
                .value("profile-cpu", "FILE", "record where time goes, for JDK Mission Control or `jfr`")
                .value("profile-mem", "FILE", "record what memory is used for, likewise")
                // Plakar's, which scripts may have
                .value("datadir", "DIR", "")
                .flag("disable-security-check", "")
                .flag("enable-security-check", "")
                .flag("h", "show help")
                .flag("help", "show help");
    }

    /** Scripts with flags of Plakar that Armoire has no use for run. */
    private static void explainUseless(Flags.Arguments arguments, Report report) {
        if (arguments.has("datadir")) {
            report.warn("-datadir is of no use: Armoire has no plugins, so it has no folder for them");
        }
        if (arguments.is("disable-security-check") || arguments.is("enable-security-check")) {
            report.warn("there is no security check to switch: Armoire never asks the network for news");
        }
    }

    private static int dispatch(List<String> words, Surroundings surroundings, Report report) throws IOException {
        if (words.equals(List.of("version"))) { // the usual way to ask whether it runs at all: nothing else is loaded
            report.result(VersionCommand.line(), "version");
            return ExitCode.OK;
        }
        Flags.Arguments globals = before(words, report);
        List<String> rest = globals.words();
        String store = null;
        if (!rest.isEmpty() && rest.getFirst().equals("at")) {
            if (rest.size() < 2) {
                throw CommandException.usage("missing store after `at`: armoire at STORE COMMAND");
            }
            store = rest.get(1);
            globals = before(rest.subList(2, rest.size()), report).over(globals);
            rest = globals.words();
            if (rest.isEmpty() && !isHelp(globals)) {
                throw CommandException.usage(
                        "missing command after `at " + store + "`; `armoire help` lists the commands");
            }
        }
        String archive = globals.get("f");
        if (archive != null && !rest.isEmpty()) {
            if (store != null) {
                throw CommandException.usage("-f " + archive + " and at " + store + " both name a store");
            }
            boolean isUrl = archive.startsWith("http://") || archive.startsWith("https://");
            store = isUrl ? "ptar+" + archive : "ptar:" + Path.of(archive).toAbsolutePath();
            if (rest.getFirst().equals("create")) {
                rest = new ArrayList<>(rest);
                rest.set(0, "ptar");
                rest.addAll(1, List.of("-o", archive));
            }
        }
        if (rest.isEmpty()) {
            if (isHelp(globals)) {
                HelpCommand.printOverview(report);
                return ExitCode.OK;
            }
            if (globals.is("disable-security-check") || globals.is("enable-security-check")) {
                explainUseless(globals, report);
                return ExitCode.OK;
            }
            throw CommandException.usage("a command must be given\n" + HelpCommand.overview());
        }
        String name = rest.getFirst();
        Commands.Known known = Commands.find(name);
        if (known == null) {
            throw Commands.notFound(name);
        }
        Command command = known.maker().get();
        Flags flags = new Flags();
        command.declare(flags);
        declareGlobals(flags);
        Flags.Arguments arguments = flags.parse(rest.subList(1, rest.size())).over(globals);
        if (isHelp(arguments)) {
            HelpCommand.print(name, report);
            return ExitCode.OK;
        }
        return run(name, command, arguments, new Invocation(words, store), surroundings, report);
    }

    private static int run(
            String name,
            Command command,
            Flags.Arguments arguments,
            Invocation invocation,
            Surroundings surroundings,
            Report report)
            throws IOException {
        report.configure(arguments.is("json"), arguments.is("quiet"), arguments.is("silent"), name);
        explainUseless(arguments, report);
        long begun = System.nanoTime();
        try (Session session = new Session(invocation, arguments, surroundings, report)) {
            try (Profile _ = Profile.start(arguments.get("profile-cpu"), Profile.CPU);
                    Profile _ = Profile.start(arguments.get("profile-mem"), Profile.MEMORY)) {
                return command.run(session, arguments);
            } finally {
                if (arguments.is("time")) {
                    StageReport.tell(session.stages(), report);
                }
            }
        } catch (IOException | RuntimeException e) {
            if (Failures.isInterruption(e)) {
                throw new CommandException(ExitCode.INTERRUPTED, command.interrupted(), e);
            }
            throw e;
        } finally {
            if (arguments.is("time")) {
                long nanos = System.nanoTime() - begun;
                report.result("time: " + GoFormat.duration(nanos), "time", "nanoseconds", nanos);
            }
        }
    }

    private static boolean isHelp(Flags.Arguments arguments) {
        return arguments.is("h") || arguments.is("help");
    }

    /** Parses up to the first word that is no flag. */
    private static Flags.Arguments before(List<String> words, Report report) {
        if (!words.isEmpty() && !words.getFirst().startsWith("-")) {
            return new Flags.Arguments(Map.of(), words); // what a parser would say, after some milliseconds
        }
        Flags flags = declareGlobals(new Flags())
                .value("f", "FILE", "work on this archive, a file or a URL; `-f FILE create PLACE...` makes it")
                .value("config", "DIR", "") // before a command only: `store import` has another one
                .stopAtFirstWord();
        Flags.Arguments arguments = flags.parse(words);
        if (!arguments.has("config")) {
            return arguments;
        }
        report.warn("-config is the old name of -configdir");
        return arguments.renamed("config", "configdir");
    }

    /**
     * How the program was called.
     *
     * @param store what stands behind {@code at}, or null
     */
    record Invocation(List<String> words, @Nullable String store) {
        Invocation {
            words = List.copyOf(words);
        }
    }
}
