// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a command says of itself, for those who write about commands: help, man pages, completions. All of it is derived
 * from {@link Commands} and from what each command declares, so that a new command or flag needs nothing here.
 *
 * @param usage the lines that show how it is called
 * @param subcommands the words that may stand behind the name, in order of their usage lines; empty for most
 */
record CommandModel(
        String name,
        String summary,
        List<String> usage,
        String description,
        List<Flags.Flag> flags,
        List<String> subcommands) {
    private static final Pattern CHOICES = Pattern.compile("[A-Za-z0-9_-]+(\\|[A-Za-z0-9_-]+)+");

    /** What a word on the command line may be completed with. */
    enum Completion {
        /** Nothing that could be guessed. */
        NONE,
        FILE,
        FOLDER,
        /** A path or the {@code @NAME} of a store. */
        STORE,
        /** A path or the {@code @NAME} of a source. */
        SOURCE,
        /** A path or the {@code @NAME} of a destination. */
        DESTINATION,
        COMMAND
    }

    CommandModel {
        usage = List.copyOf(usage);
        flags = List.copyOf(flags);
        subcommands = List.copyOf(subcommands);
    }

    static List<CommandModel> all() {
        List<CommandModel> all = new ArrayList<>();
        Commands.all().forEach((name, known) -> all.add(of(name, known)));
        return all;
    }

    static CommandModel of(String name, Commands.Known known) {
        Command command = known.maker().get();
        Flags flags = new Flags();
        command.declare(flags);
        List<String> usage = command.usage().lines().toList();
        return new CommandModel(
                name,
                known.summary(),
                usage,
                command.description(),
                flags.declared().stream().filter(flag -> !flag.help().isEmpty()).toList(),
                subcommands(name, usage));
    }

    /** Flags that every command takes. */
    static List<Flags.Flag> globals() {
        return Cli.declareGlobals(new Flags()).declared();
    }

    private static List<String> subcommands(String name, List<String> usage) {
        Pattern behindName = Pattern.compile(Pattern.quote(name) + " ([a-z][a-z-]*(?:\\|[a-z][a-z-]*)*)(?: .*)?");
        Map<String, Boolean> words = new LinkedHashMap<>();
        for (String line : usage) {
            Matcher matcher = behindName.matcher(line);
            if (matcher.matches()) {
                for (String word : matcher.group(1).split("\\|", -1)) {
                    words.put(word, true);
                }
            }
        }
        return List.copyOf(words.keySet());
    }

    /** What the arguments that are no flags may be. */
    Completion arguments() {
        TreeSet<Completion> found = new TreeSet<>();
        for (String line : usage) {
            for (String word : line.replaceAll("\\[-[^]]*]", "").split("[^A-Z]+", -1)) {
                Completion completion = completion(word);
                if (completion != Completion.NONE) {
                    found.add(completion);
                }
            }
        }
        return found.isEmpty() ? Completion.NONE : found.last();
    }

    /** What the value of a flag may be. */
    static Completion value(Flags.Flag flag) {
        Completion best = Completion.NONE;
        for (String word : flag.metavar().split("[^A-Z]+", -1)) {
            Completion completion = completion(word);
            best = completion == Completion.NONE ? best : completion;
        }
        return best;
    }

    /** The words that a flag's value is one of, or none when it may be anything. */
    static List<String> choices(Flags.Flag flag) {
        if (CHOICES.matcher(flag.metavar()).matches()) {
            return List.of(flag.metavar().split("\\|", -1));
        }
        return List.of();
    }

    private static Completion completion(String placeholder) {
        return switch (placeholder) {
            case "FILE", "PATH", "LOCATION" -> Completion.FILE;
            case "DIR" -> Completion.FOLDER;
            case "STORE" -> Completion.STORE;
            case "PLACE" -> Completion.SOURCE;
            case "DEST" -> Completion.DESTINATION;
            case "COMMAND" -> Completion.COMMAND;
            default -> Completion.NONE;
        };
    }
}
