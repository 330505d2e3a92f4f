// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Completion for fish, with a word on each command and flag. */
final class FishCompletion {
    private static final String HEAD =
            """
            # fish completion for armoire, made by `armoire completion fish`
            function __armoire_names --argument-names kind
                set -l base $HOME/.config
                test -n "$XDG_CONFIG_HOME"; and set base $XDG_CONFIG_HOME
                for file in $base/armoire/$kind.yml $base/plakar/$kind.yml
                    test -r $file; and sed -n 's/^    *\\([A-Za-z0-9_.-][A-Za-z0-9_.-]*\\): *$/@\\1/p' $file
                end
            end

            # The words up to the cursor without flags, their values, and `at STORE`; "at" alone while its store is missing.
            function __armoire_words
                set -l words (commandline -opc)
                set -l i 2
                while test $i -le (count $words)
                    set -l word $words[$i]
                    if test "$word" = at
                        test $i -eq (count $words); and echo at
                        set i (math $i + 1)
                    else if string match -q -- '-*' $word
                        contains -- (string replace -r -- '^-+' '' $word) $__armoire_values; and set i (math $i + 1)
                    else
                        string join \\n -- $words[$i..-1]
                        return
                    end
                    set i (math $i + 1)
                end
            end

            function __armoire_no_command
                test -z "$(__armoire_words)"
            end

            function __armoire_at
                set -l words (__armoire_words)
                test "$words" = at
            end

            function __armoire_command --argument-names name
                set -l words (__armoire_words)
                test "$words[1]" = $name
            end

            function __armoire_second --argument-names name
                set -l words (__armoire_words)
                test "$words[1]" = $name; and not string match -qv -- '-*' $words[2..-1]
            end

            complete -c armoire -f
            complete -c armoire -n __armoire_at -F -a '(__armoire_names stores)'
            complete -c armoire -n __armoire_no_command -a at -d 'name the store'
            """;

    private FishCompletion() {}

    static String script(List<CommandModel> commands) {
        List<String> lines = new ArrayList<>();
        lines.add("set -g __armoire_values "
                + CommandModel.globals().stream()
                        .filter(flag -> !flag.metavar().isEmpty())
                        .map(Flags.Flag::name)
                        .collect(Collectors.joining(" ")));
        lines.add(HEAD);
        CommandModel.globals().forEach(flag -> lines.add("complete -c armoire" + flag(flag, commands)));
        for (CommandModel command : commands) {
            lines.add("");
            lines.add("complete -c armoire -n __armoire_no_command -a " + command.name() + " -d "
                    + quoted(command.summary()));
            String condition = " -n '__armoire_command " + command.name() + "'";
            for (Flags.Flag flag : command.flags()) {
                lines.add("complete -c armoire" + condition + flag(flag, commands));
            }
            if (!command.subcommands().isEmpty()) {
                lines.add("complete -c armoire -n '__armoire_second " + command.name() + "' -a "
                        + quoted(String.join(" ", command.subcommands())));
            }
            String offer = offer(command.arguments(), commands);
            if (!offer.isEmpty()) {
                lines.add("complete -c armoire" + condition + offer);
            }
        }
        return String.join("\n", lines);
    }

    private static String flag(Flags.Flag flag, List<CommandModel> commands) {
        String text = " -o " + flag.name() + " -d " + quoted(flag.help());
        if (flag.metavar().isEmpty()) {
            return text;
        }
        List<String> choices = CommandModel.choices(flag);
        return text + " -r"
                + (choices.isEmpty()
                        ? offer(CommandModel.value(flag), commands)
                        : " -a " + quoted(String.join(" ", choices)));
    }

    private static String offer(CommandModel.Completion completion, List<CommandModel> commands) {
        return switch (completion) {
            case NONE -> "";
            case FILE -> " -F";
            case FOLDER -> " -a '(__fish_complete_directories)'";
            case STORE -> " -F -a '(__armoire_names stores)'";
            case SOURCE -> " -F -a '(__armoire_names sources)'";
            case DESTINATION -> " -F -a '(__armoire_names destinations)'";
            case COMMAND ->
                " -a "
                        + quoted(commands.stream().map(CommandModel::name).collect(Collectors.joining(" ")));
        };
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
