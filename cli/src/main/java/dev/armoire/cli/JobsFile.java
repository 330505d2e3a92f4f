// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.query.InvalidTimeException;
import dev.armoire.engine.query.TimeExpressions;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * A file of jobs: commands with their flags, in their order, and when they are due. Every mistake in it is told with its line,
 * before any job is run.
 */
final class JobsFile {
    /** The commands that make sense without anybody there, and the keys that each has beside its flags. */
    private static final Map<String, List<String>> COMMANDS = commands();

    private static final Set<String> TOP = Set.of("jobs", "at", "reports", "on-failure", "on-success");
    private static final Set<String> REPORTS = Set.of("text", "json", "prometheus");
    private static final Set<String> NOTICE = Set.of("command", "webhook");
    private static final Set<String> DIRECTIONS = Set.of("to", "from", "with");

    /** Keys of every job. */
    private static final Set<String> OWN = Set.of(
            "command",
            "at",
            "schedule",
            "max-age",
            "retries",
            "retry-after",
            "window",
            "needs",
            "pre-hook",
            "post-hook",
            "fail-hook",
            "hook-timeout");

    /** Flags of every command that a job may set, too. */
    private static final Set<String> GLOBALS =
            Set.of("concurrency", "cpu", "keyfile", "unlock-cache", "limit-upload", "limit-download", "memory");

    private final Path path;
    private final List<Path> configurations;
    private final List<Job> jobs = new ArrayList<>();
    private final Map<String, Path> reports = new LinkedHashMap<>();
    private Notice onFailure = new Notice(null, null);
    private Notice onSuccess = new Notice(null, null);

    private JobsFile(Path path, List<Path> configurations) {
        this.path = path;
        this.configurations = configurations;
    }

    private static Map<String, List<String>> commands() {
        Map<String, List<String>> commands = new LinkedHashMap<>();
        commands.put("backup", List.of("places"));
        commands.put("check", List.of("snapshots"));
        commands.put("prune", List.of());
        commands.put("sync", List.of("to", "from", "with"));
        commands.put("maintenance", List.of());
        return commands;
    }

    /**
     * Something to be done.
     *
     * @param store as behind {@code at}, or null for the default store
     * @param flags of the command, as words
     * @param arguments of the command, as words
     * @param retries how often it is tried again when what failed may pass
     * @param needs names of jobs before it; if one of them has failed, it is not run
     * @param hooks by {@code pre-hook}, {@code hook-timeout} and so on; empty for a backup, which has them as flags
     * @param maxAge how long ago its last success may be before {@code status} complains, or null
     */
    record Job(
            String name,
            int line,
            String command,
            @Nullable String store,
            List<String> flags,
            List<String> arguments,
            int retries,
            Duration retryAfter,
            @Nullable Window window,
            List<String> needs,
            @Nullable String schedule,
            @Nullable Duration maxAge,
            Map<String, String> hooks) {
        Job {
            flags = List.copyOf(flags);
            arguments = List.copyOf(arguments);
            needs = List.copyOf(needs);
            hooks = Map.copyOf(hooks);
        }

        /** Whether it is a check that reads what it checks. */
        boolean verifiesData() {
            return command.equals("check") && !flags.contains("-fast=true");
        }

        /** The command line without the program and its global flags. */
        List<String> words() {
            List<String> words = new ArrayList<>();
            if (store != null) {
                words.add("at");
                words.add(store);
            }
            words.add(command);
            words.addAll(flags);
            words.addAll(arguments);
            return words;
        }
    }

    /** Hours of the day in which a job may begin; {@code 22:00-06:00} goes over midnight. */
    record Window(LocalTime from, LocalTime to) {
        boolean contains(LocalTime time) {
            boolean isAfter = !time.isBefore(from);
            boolean isBefore = time.isBefore(to);
            return from.isBefore(to) ? isAfter && isBefore : isAfter || isBefore;
        }

        @Override
        public String toString() {
            return from + "-" + to;
        }
    }

    /**
     * Who is told at the end.
     *
     * @param command a shell command, or null
     * @param webhook an address that is sent the report, or null; it may hold a secret
     */
    record Notice(@Nullable String command, @Nullable URI webhook) {}

    Path path() {
        return path;
    }

    List<Job> jobs() {
        return jobs;
    }

    Notice onFailure() {
        return onFailure;
    }

    Notice onSuccess() {
        return onSuccess;
    }

    /** Where a report of this form is written to, or null. */
    @Nullable
    Path report(String form) {
        return reports.get(form);
    }

    /** The jobs with these names in the order of the file; all, when there are no names. */
    List<Job> select(List<String> names) {
        Map<String, Job> known = new LinkedHashMap<>();
        jobs.forEach(job -> known.put(job.name, job));
        for (String name : names) {
            if (!known.containsKey(name)) {
                throw CommandException.usage(path + " has no job \"" + name + '"' + meant(name, known.keySet()));
            }
        }
        return jobs.stream()
                .filter(job -> names.isEmpty() || names.contains(job.name))
                .toList();
    }

    // Reading

    /**
     * Reads a file.
     *
     * @param configurations folders that may have the places that it names
     */
    static JobsFile read(String file, List<Path> configurations) throws IOException {
        JobsFile jobs = new JobsFile(Path.of(file).toAbsolutePath().normalize(), configurations);
        try {
            jobs.load(Files.readString(jobs.path));
        } catch (MalformedInputException e) {
            throw new CommandException(ExitCode.USAGE, file + " is not UTF-8", e);
        } catch (IOException e) {
            throw new CommandException(ExitCode.ERROR, "cannot read " + Failures.message(e), e);
        }
        return jobs;
    }

    private void load(String text) throws IOException {
        Node root;
        try {
            root = new Compose(LoadSettings.builder().build())
                    .composeString(text)
                    .orElse(null);
        } catch (YamlEngineException e) {
            String said = e instanceof MarkedYamlEngineException marked
                    ? marked.getProblem() // without what the parser was about, which comes first in its message
                    : Failures.said(e).lines().findFirst().orElse("");
            throw new CommandException(
                    ExitCode.USAGE, path + " is not valid YAML" + PlacesFile.line(e) + ": " + said, e);
        }
        if (root == null) {
            throw CommandException.usage(path + " is empty: `jobs:` is wanted, with a name for each");
        }
        Map<String, Value> top = map(new Value(1, root), "the file", TOP);
        Value all = top.get("jobs");
        if (all == null) {
            throw mistake(1, "there is no `jobs:`");
        }
        Value store = top.get("at");
        String standard = store == null ? null : place(PlacesFile.Kind.STORE, text(store, "at"), store.line);
        map(all, "jobs", null).forEach((name, value) -> jobs.add(job(name, value, standard)));
        if (jobs.isEmpty()) {
            throw mistake(all.line, "there is no job");
        }
        Value reported = top.get("reports");
        if (reported != null) {
            map(reported, "reports", REPORTS)
                    .forEach((form, value) -> reports.put(
                            form, path.resolveSibling(text(value, form)).normalize()));
        }
        onFailure = notice(top.get("on-failure"), "on-failure");
        onSuccess = notice(top.get("on-success"), "on-success");
    }

    /**
     * Something that stands in the file.
     *
     * @param line where, from 1
     */
    private record Value(int line, Node node) {}

    private Job job(String name, Value value, @Nullable String standard) {
        String where = "job \"" + name + '"';
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw mistake(value.line, where + ": letters, digits, dots and dashes make a name");
        }
        Map<String, Value> values = map(value, where, null);
        Value verb = values.get("command");
        if (verb == null) {
            values.forEach((key, other) -> {
                String hint = meant(key, Set.of("command"));
                if (!hint.isEmpty()) {
                    throw mistake(other.line, "unknown key \"" + key + '"' + hint);
                }
            });
            throw mistake(value.line, where + " has no `command:`; there are " + String.join(", ", COMMANDS.keySet()));
        }
        String command = text(verb, "command");
        List<String> extras = COMMANDS.get(command);
        Commands.Known known = Commands.find(command);
        if (extras == null || known == null) {
            throw mistake(
                    verb.line,
                    "there is no command \"" + command + "\" for jobs" + meant(command, COMMANDS.keySet())
                            + "; there are " + String.join(", ", COMMANDS.keySet()));
        }
        Flags flags = new Flags();
        known.maker().get().declare(flags);
        List<String> words = new ArrayList<>();
        values.forEach((key, setting) -> {
            if (!OWN.contains(key) && !extras.contains(key)) {
                words.addAll(flag(flags, command, key, setting, extras));
            }
        });
        if (command.equals("backup") && !values.containsKey("job")) {
            words.add("-job=" + name);
        }
        Value store = values.get("at");
        Map<String, String> hooks = new LinkedHashMap<>();
        for (String hook : List.of("pre-hook", "post-hook", "fail-hook")) {
            Value setting = values.get(hook);
            if (setting != null) {
                hooks.put(hook, text(setting, hook));
            }
        }
        Value limit = values.get("hook-timeout");
        if (limit != null) {
            var _ = duration(limit, "hook-timeout");
            hooks.put("hook-timeout", text(limit, "hook-timeout"));
        }
        if (command.equals("backup")) { // it has these as flags, and tells them more
            hooks.forEach((hook, line) -> words.add("-" + hook + '=' + line));
            hooks.clear();
        }
        Value policy = values.get("policy");
        if (policy != null) {
            requirePolicy(text(policy, "policy"), policy.line);
        }
        Value schedule = values.get("schedule");
        Value maxAge = values.get("max-age");
        Value window = values.get("window");
        Value retries = values.get("retries");
        Value retryAfter = values.get("retry-after");
        return new Job(
                name,
                value.line,
                command,
                store == null ? standard : place(PlacesFile.Kind.STORE, text(store, "at"), store.line),
                words,
                arguments(command, values, value.line),
                retries == null ? 0 : number(retries, "retries"),
                retryAfter == null ? Duration.ofMinutes(1) : duration(retryAfter, "retry-after"),
                window == null ? null : window(window),
                needs(values.get("needs"), name),
                schedule == null ? null : schedule(schedule),
                maxAge == null ? null : duration(maxAge, "max-age"),
                hooks);
    }

    private List<String> arguments(String command, Map<String, Value> values, int line) {
        List<String> words = new ArrayList<>();
        Value places = values.get("places");
        Value snapshots = values.get("snapshots");
        if (places != null) {
            for (String place : texts(places, "places")) {
                words.add(place(PlacesFile.Kind.SOURCE, place, places.line));
            }
        }
        if (snapshots != null) {
            words.addAll(texts(snapshots, "snapshots"));
        }
        if (command.equals("sync")) {
            List<String> given =
                    values.keySet().stream().filter(DIRECTIONS::contains).toList();
            if (given.size() != 1) {
                throw mistake(line, "sync wants one of to, from and with");
            }
            Value peer = values.get(given.getFirst());
            if (peer != null) {
                words.add(given.getFirst());
                words.add(place(PlacesFile.Kind.STORE, text(peer, given.getFirst()), peer.line));
            }
        }
        if (command.equals("backup")
                && words.isEmpty()
                && !values.containsKey("files-from")
                && !values.containsKey("files-from0")) {
            throw mistake(line, "backup wants `places:`, what is to be backed up");
        }
        if (!words.isEmpty()) {
            words.addFirst("--"); // whatever they begin with
        }
        return words;
    }

    private List<String> flag(Flags flags, String command, String key, Value value, List<String> extras) {
        Flags.Flag flag = flags.declared().stream()
                .filter(declared -> declared.name().equals(key))
                .findFirst()
                .orElse(null);
        if (flag == null && !GLOBALS.contains(key)) {
            Set<String> known = new TreeSet<>(OWN);
            known.addAll(extras);
            known.addAll(GLOBALS);
            flags.declared().forEach(declared -> known.add(declared.name()));
            throw mistake(
                    value.line,
                    "unknown key \"" + key + '"' + meant(key, known) + "; `armoire help " + command
                            + "` lists the flags, which are keys without their dash");
        }
        if (flag != null && flag.metavar().isEmpty()) {
            String word = text(value, key);
            if (!word.equals("true") && !word.equals("false")) {
                throw mistake(value.line, key + " is true or false, not \"" + word + '"');
            }
            return List.of("-" + key + '=' + word);
        }
        List<String> words = texts(value, key);
        words.forEach(word -> requireValue(key, flag == null ? "" : flag.metavar(), word, value.line));
        return words.stream().map(word -> "-" + key + '=' + word).toList();
    }

    /** Refuses now what the command would refuse at night, after other jobs. What is not looked at here the command looks at. */
    private void requireValue(String key, String metavar, String word, int line) {
        try {
            switch (key) {
                case "before", "since", "force-timestamp" -> TimeExpressions.parse(word, Instant.now());
                case "wait" -> GoFormat.parseDuration(word, key);
                case "limit-upload", "limit-download" -> TokenBucket.parse(key, word);
                case "concurrency", "cpu" -> requireNumber(key, word, "[0-9]{0,8}[1-9][0-9]{0,8}");
                default -> {
                    if (metavar.equals("N")) {
                        requireNumber(key, word, "[0-9]{1,9}");
                    }
                }
            }
        } catch (CommandException | InvalidTimeException e) {
            throw mistake(line, String.valueOf(e.getMessage()));
        }
    }

    private static void requireNumber(String key, String word, String form) {
        if (!word.matches(form)) {
            throw CommandException.usage(key + ": a whole number is wanted, not \"" + word + '"');
        }
    }

    private List<String> needs(@Nullable Value value, String name) {
        if (value == null) {
            return List.of();
        }
        List<String> needs = texts(value, "needs");
        Set<String> before = new TreeSet<>();
        jobs.forEach(job -> before.add(job.name));
        for (String need : needs) {
            if (!before.contains(need)) {
                throw mistake(
                        value.line,
                        "job \"" + name + "\" needs \"" + need + "\", and there is no such job before it"
                                + meant(need, before));
            }
        }
        return needs;
    }

    /** Refuses a place that cannot be meant. */
    private String place(PlacesFile.Kind kind, String text, int line) {
        try {
            if (text.startsWith("@")) {
                PlacesFile.read(kind, configurations).find(text.substring(1));
                return text;
            }
            Location location = kind.parse(text);
            if (kind == PlacesFile.Kind.STORE) {
                Session.factory(location);
            } else {
                Sources.factory(location);
            }
            boolean isFile = location.scheme().equals("fs") || location.scheme().equals("ptar");
            if (isFile && !Path.of(location.path()).isAbsolute()) {
                throw mistake(
                        line,
                        "\"" + text + "\" is not absolute: jobs are run from any folder"
                                + (text.startsWith("~") ? ", and ~ is for the shell" : ""));
            }
            return text;
        } catch (CommandException e) {
            boolean isTold = Failures.said(e).startsWith(path.toString());
            throw isTold ? e : mistake(line, Failures.said(e));
        } catch (IOException e) {
            throw mistake(line, Failures.message(e));
        }
    }

    private void requirePolicy(String policy, int line) {
        try {
            PoliciesFile.read(configurations).arguments(policy);
        } catch (CommandException e) {
            throw mistake(line, Failures.said(e));
        } catch (IOException e) {
            throw mistake(line, Failures.message(e));
        }
    }

    private Window window(Value value) {
        String text = text(value, "window");
        String[] ends = text.split("-", -1);
        try {
            if (ends.length == 2) {
                return new Window(LocalTime.parse(ends[0].strip()), LocalTime.parse(ends[1].strip()));
            }
        } catch (DateTimeParseException e) {
            // said below
        }
        throw mistake(value.line, "window \"" + text + "\": hours of the day such as 22:00-06:00 are wanted");
    }

    private String schedule(Value value) {
        String text = text(value, "schedule");
        try {
            Schedule.parse(text);
        } catch (CommandException e) {
            throw mistake(value.line, Failures.said(e));
        }
        return text;
    }

    private Notice notice(@Nullable Value value, String key) {
        if (value == null) {
            return new Notice(null, null);
        }
        Map<String, Value> parts = map(value, key, NOTICE);
        Value command = parts.get("command");
        Value webhook = parts.get("webhook");
        return new Notice(command == null ? null : text(command, "command"), webhook == null ? null : address(webhook));
    }

    private URI address(Value value) {
        try {
            URI uri = URI.create(text(value, "webhook"));
            if (("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) && uri.getHost() != null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // its words would show the address
        }
        throw mistake(value.line, "webhook is no address: https://HOST/... is wanted");
    }

    // Nodes

    private CommandException mistake(int line, String what) {
        return CommandException.usage(path + ", line " + line + ": " + what);
    }

    private static String meant(String word, Set<String> known) {
        String nearest = Words.nearest(word, known);
        return nearest == null ? "" : "; did you mean \"" + nearest + "\"?";
    }

    /** @param known the keys that may stand there, or null for any */
    private Map<String, Value> map(Value value, String what, @Nullable Set<String> known) {
        if (!(value.node instanceof MappingNode mapping)) {
            throw mistake(value.line, what + " is no map of keys and values");
        }
        Map<String, Value> values = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            int line = tuple.getKeyNode()
                    .getStartMark()
                    .map(mark -> mark.getLine() + 1)
                    .orElse(value.line);
            String key = text(new Value(line, tuple.getKeyNode()), "a key");
            if (known != null && !known.contains(key)) {
                throw mistake(
                        line,
                        "unknown key \"" + key + '"' + meant(key, known) + "; " + what + " has "
                                + String.join(", ", new TreeSet<>(known)));
            }
            if (values.put(key, new Value(line, tuple.getValueNode())) != null) {
                throw mistake(line, "\"" + key + "\" stands twice in " + what);
            }
        }
        return values;
    }

    private String text(Value value, String what) {
        if (value.node instanceof ScalarNode scalar && !scalar.getValue().isEmpty()) {
            return scalar.getValue();
        }
        throw mistake(value.line, what + " wants a text");
    }

    /** One text or a list of them. */
    private List<String> texts(Value value, String what) {
        if (value.node instanceof SequenceNode list) {
            List<String> texts = new ArrayList<>();
            for (Node node : list.getValue()) {
                int line = node.getStartMark().map(mark -> mark.getLine() + 1).orElse(value.line);
                texts.add(text(new Value(line, node), what));
            }
            return texts;
        }
        return List.of(text(value, what));
    }

    private int number(Value value, String what) {
        String text = text(value, what);
        if (text.matches("[0-9]{1,4}")) {
            return Integer.parseInt(text);
        }
        throw mistake(value.line, what + " wants a whole number, not \"" + text + '"');
    }

    private Duration duration(Value value, String what) {
        try {
            return GoFormat.parseDuration(text(value, what), what);
        } catch (CommandException e) {
            String said = Failures.said(e);
            throw said.startsWith(path.toString()) ? e : mistake(value.line, said);
        }
    }
}
