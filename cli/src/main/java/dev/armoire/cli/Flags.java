// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * The flags that a command takes, declared one by one, and their parser: one or two dashes, {@code -f v} or {@code -f=v},
 * anywhere among the arguments, until {@code --}. Help texts are made of the same declarations.
 */
final class Flags {
    private static final Pattern SWITCH = Pattern.compile("--?([^-=][^=]*)(?:=(.*))?", Pattern.DOTALL);

    /** A declared flag. {@code metavar} is empty for one that is on or off. */
    record Flag(String name, String metavar, String help) {}

    private final Map<String, Flag> flags = new LinkedHashMap<>();
    private final CommandSpec spec = CommandSpec.create();
    private final Map<String, String> absent = new LinkedHashMap<>();
    private boolean stopsAtWord;

    Flags() {
        spec.parser()
                .posixClusteredShortOptionsAllowed(false)
                .overwrittenOptionsAllowed(true)
                .unmatchedOptionsAllowedAsOptionParameters(true)
                .allowOptionsAsOptionParameters(true);
        spec.addPositional(PositionalParamSpec.builder()
                .index("0..*")
                .type(List.class)
                .auxiliaryTypes(String.class)
                .build());
    }

    /** A flag that is on or off. */
    Flags flag(String name, String help) {
        return add(new Flag(name, "", help), boolean.class, "0");
    }

    /** A flag with a value. Given several times, the last one counts, or all: see {@link Arguments#all}. */
    Flags value(String name, String metavar, String help) {
        return add(new Flag(name, metavar, help), List.class, "1");
    }

    private Flags add(Flag flag, Class<?> type, String arity) {
        flags.put(flag.name, flag);
        OptionSpec.Builder option = OptionSpec.builder("-" + flag.name, "--" + flag.name)
                .arity(arity)
                .type(type);
        spec.addOption(type == List.class ? option.auxiliaryTypes(String.class).build() : option.build());
        return this;
    }

    /** Flags of Plakar that this command does not have, and why: so that nobody looks for a typing error. */
    Flags absent(String reason, String... names) {
        for (String name : names) {
            absent.put(name, reason);
        }
        return this;
    }

    List<Flag> declared() {
        return List.copyOf(flags.values());
    }

    boolean has(String name) {
        return flags.containsKey(name);
    }

    /** Makes the first word that is no flag end the flags: for those that stand before a command. */
    Flags stopAtFirstWord() {
        spec.parser().stopAtPositional(true);
        stopsAtWord = true;
        return this;
    }

    /** @throws CommandException when the words are no proper use, with what would be */
    Arguments parse(List<String> words) {
        CommandLine parser = new CommandLine(spec).setExpandAtFiles(false).setTrimQuotes(false);
        Map<String, Boolean> switches = new LinkedHashMap<>();
        List<String> plain = withoutSwitchValues(words, switches);
        ParseResult result;
        try {
            result = parser.parseArgs(plain.toArray(String[]::new));
        } catch (CommandLine.UnmatchedArgumentException e) {
            throw CommandException.usage(unknown(e.getUnmatched().getFirst()));
        } catch (CommandLine.MissingParameterException e) {
            throw CommandException.usage(
                    e.getMissing().getFirst() instanceof OptionSpec option ? needsValue(option) : Failures.said(e));
        } catch (CommandLine.ParameterException e) {
            throw CommandException.usage(Failures.said(e));
        }
        List<String> rest = result.hasMatchedPositional(0) ? result.matchedPositionalValue(0, List.of()) : List.of();
        Map<String, List<String>> values = new LinkedHashMap<>();
        for (OptionSpec option : result.matchedOptions()) {
            String name = option.names()[0].substring(1);
            List<String> texts = values.computeIfAbsent(name, key -> new ArrayList<>());
            Object value = option.getValue();
            if (value instanceof List<?> list) {
                texts.clear();
                list.forEach(item -> texts.add(String.valueOf(item)));
            } else {
                texts.add(String.valueOf(value));
            }
        }
        switches.forEach((name, isOn) -> values.put(name, List.of(String.valueOf(isOn))));
        return new Arguments(values, rest);
    }

    /**
     * Takes {@code -f=true} and {@code -f=false} apart, which Go's parser knows and picocli does not.
     *
     * @param switches receives the flags that are on or off and were given, the last word on each
     */
    private List<String> withoutSwitchValues(List<String> words, Map<String, Boolean> switches) {
        List<String> plain = new ArrayList<>(words.size());
        boolean isValue = false;
        boolean isEnded = false;
        for (String word : words) {
            isEnded |= !isValue && (word.equals("--") || (stopsAtWord && !word.startsWith("-")));
            Matcher parts = SWITCH.matcher(word);
            Flag flag = isEnded || isValue || !parts.matches() ? null : flags.get(parts.group(1));
            isValue = flag != null && !flag.metavar.isEmpty() && parts.group(2) == null;
            if (flag == null || !flag.metavar.isEmpty()) {
                plain.add(word);
                continue;
            }
            switches.put(flag.name, parts.group(2) == null || truth(flag, parts.group(2)));
        }
        return plain;
    }

    private static boolean truth(Flag flag, String text) {
        return switch (text) {
            case "true", "TRUE", "True", "t", "T", "1" -> true;
            case "false", "FALSE", "False", "f", "F", "0" -> false;
            default -> throw CommandException.usage("flag -" + flag.name + " is true or false, not " + text);
        };
    }

    private String needsValue(OptionSpec option) {
        String name = option.names()[0];
        Flag flag = flags.get(name.substring(1));
        return "flag " + name + " needs a value: " + name + " " + (flag == null ? "VALUE" : flag.metavar);
    }

    private String unknown(String word) {
        String name = word.replaceFirst("^--?", "").replaceFirst("=.*", "");
        String reason = absent.get(name);
        if (reason != null) {
            return "-" + name + ": " + reason;
        }
        String nearest = Words.nearest(name.toLowerCase(Locale.ROOT), flags.keySet());
        return "unknown flag " + word + (nearest == null ? "" : "; did you mean -" + nearest + "?");
    }

    /** What stood on the command line. */
    static final class Arguments {
        private final Map<String, List<String>> values;
        private final List<String> words;

        Arguments(Map<String, List<String>> values, List<String> words) {
            this.values = values;
            this.words = List.copyOf(words);
        }

        /** What is no flag, in order. */
        List<String> words() {
            return words;
        }

        /** Whether a flag that is on or off is on. */
        boolean is(String name) {
            return Boolean.parseBoolean(get(name, "false"));
        }

        /** Whether a flag was given at all. */
        boolean has(String name) {
            return values.containsKey(name);
        }

        /** The last value given. */
        @Nullable
        String get(String name) {
            List<String> all = values.get(name);
            return all == null || all.isEmpty() ? null : all.getLast();
        }

        String get(String name, String otherwise) {
            String value = get(name);
            return value == null ? otherwise : value;
        }

        /** All values given, in order. */
        List<String> all(String name) {
            return values.getOrDefault(name, List.of());
        }

        /** The KEY=VALUE pairs of a flag, in order; the last value of a key counts. */
        Map<String, String> settings(String name) {
            Map<String, String> settings = new LinkedHashMap<>();
            for (String text : all(name)) {
                int equals = text.indexOf('=');
                if (equals <= 0) {
                    throw CommandException.usage("-" + name + " " + text + ": KEY=VALUE is wanted");
                }
                settings.put(text.substring(0, equals), text.substring(equals + 1));
            }
            return settings;
        }

        /** A whole number of at least {@code least}. */
        int number(String name, int least, int otherwise) {
            String text = get(name);
            if (text == null) {
                return otherwise;
            }
            try {
                int number = Integer.parseInt(text);
                if (number >= least) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // said below
            }
            throw CommandException.usage(
                    "invalid -" + name + " value " + text + ": a whole number from " + least + " is" + " wanted");
        }

        /** The same with the values of a flag under the name of another one, whose own count if it has any. */
        Arguments renamed(String from, String to) {
            Map<String, List<String>> all = new LinkedHashMap<>(values);
            List<String> moved = all.remove(from);
            if (moved != null) {
                all.putIfAbsent(to, moved);
            }
            return new Arguments(all, words);
        }

        /** This and what {@code before} has, of which this one's values count where both have one. */
        Arguments over(Arguments before) {
            Map<String, List<String>> all = new LinkedHashMap<>(before.values);
            all.putAll(values);
            return new Arguments(all, words);
        }
    }
}
