// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;

/** Completion for bash from version 3.2 on; it needs no package. */
final class BashCompletion {
    /** Reads the words up to the cursor, then offers what may stand there. {@code =} and {@code :} are words of their own in bash. */
    private static final String HEAD =
            """
            # bash completion for armoire, made by `armoire completion bash`
            _armoire_names() {
                local file
                for file in "${XDG_CONFIG_HOME:-$HOME/.config}"/{armoire,plakar}/$1.yml; do
                    [ -r "$file" ] && sed -n 's/^    *\\([A-Za-z0-9_.-][A-Za-z0-9_.-]*\\): *$/@\\1/p' "$file"
                done
            }

            _armoire_offer() {
                local IFS=$'\\n'
                case $1 in
                    file) COMPREPLY=($(compgen -f -- "$2")); compopt -o filenames 2> /dev/null ;;
                    folder) COMPREPLY=($(compgen -d -- "$2")); compopt -o filenames 2> /dev/null ;;
                    store | source | destination)
                        case $2 in
                            @*) COMPREPLY=($(compgen -W "$(_armoire_names "$1s")" -- "$2")) ;;
                            *) COMPREPLY=($(compgen -f -- "$2")); compopt -o filenames 2> /dev/null ;;
                        esac
                        ;;
                    words) IFS=' '; COMPREPLY=($(compgen -W "$3" -- "$2")) ;;
                esac
            }

            _armoire() {
                local current=${COMP_WORDS[COMP_CWORD]} command= waiting= isSecond= i word kind
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    word=${COMP_WORDS[i]}
                    if [ "$word" = = ]; then
                        continue
                    elif [ -n "$waiting" ]; then
                        waiting=
                    elif [ "$word" = at ] && [ -z "$command" ]; then
                        waiting=at
                    elif [ "${word#-}" != "$word" ]; then
                        word=${word#-}
                        word=-${word#-}
                        [ -n "$(_armoire_value "$command" "$word")" ] && waiting=$word
                    elif [ -z "$command" ]; then
                        command=$word
                    else
                        isSecond=yes
                    fi
                done
                if [ "$current" = = ]; then
                    current=
                fi
                if [ "$waiting" = at ]; then
                    _armoire_offer store "$current"
                elif [ -n "$waiting" ]; then
                    kind=$(_armoire_value "$command" "$waiting")
                    _armoire_offer "${kind%% *}" "$current" "${kind#* }"
                elif [ "${current#-}" != "$current" ]; then
                    _armoire_offer words "$current" "$(_armoire_flags "$command")"
                elif [ -z "$command" ]; then
                    _armoire_offer words "$current" "at $_armoire_commands"
                else
                    kind=$(_armoire_arguments "$command" "$isSecond")
                    _armoire_offer "${kind%% *}" "$current" "${kind#* }"
                fi
            }
            """;

    private BashCompletion() {}

    static String script(List<CommandModel> commands) {
        List<String> lines = new ArrayList<>();
        lines.add(HEAD);
        String names = String.join(" ", commands.stream().map(CommandModel::name).toList());
        lines.add("_armoire_commands='" + names + "'");
        lines.add("");
        lines.add("# What may stand behind a flag: nothing for one without a value.");
        lines.add("_armoire_value() {");
        lines.add("    case \"$1 $2\" in");
        for (CommandModel command : commands) {
            for (Flags.Flag flag : command.flags()) {
                value(command.name() + " -" + flag.name(), flag, lines);
            }
        }
        for (Flags.Flag flag : CommandModel.globals()) {
            value("*\\ -" + flag.name(), flag, lines);
        }
        lines.add("    esac");
        lines.add("}");
        lines.add("");
        lines.add("_armoire_flags() {");
        lines.add("    case $1 in");
        for (CommandModel command : commands) {
            if (!command.flags().isEmpty()) {
                lines.add("        " + command.name() + ") echo '" + dashed(command.flags()) + "' ;;");
            }
        }
        lines.add("    esac");
        lines.add("    echo '" + dashed(CommandModel.globals()) + "'");
        lines.add("}");
        lines.add("");
        lines.add("# What may stand behind a command; $2 is set when a word stands there already.");
        lines.add("_armoire_arguments() {");
        lines.add("    case $1$2 in");
        for (CommandModel command : commands) {
            if (!command.subcommands().isEmpty()) {
                lines.add("        " + command.name() + ") echo 'words " + String.join(" ", command.subcommands())
                        + "' ;;");
            }
            String kind = kind(command.arguments());
            if (!kind.isEmpty()) {
                lines.add("        " + command.name() + " | " + command.name() + "yes) echo " + kind + " ;;");
            }
        }
        lines.add("    esac");
        lines.add("}");
        lines.add("");
        lines.add("complete -F _armoire armoire");
        return String.join("\n", lines);
    }

    private static void value(String label, Flags.Flag flag, List<String> lines) {
        if (flag.metavar().isEmpty()) {
            return;
        }
        List<String> choices = CommandModel.choices(flag);
        String kind = kind(CommandModel.value(flag));
        String offer = !choices.isEmpty() ? "words " + String.join(" ", choices) : kind.isEmpty() ? "none" : kind;
        String pattern = label.startsWith("*") ? label : label.replace(" ", "\\ ");
        lines.add("        " + pattern + ") echo " + (offer.equals("words $_armoire_commands")
                ? "\"" + offer + "\""
                : "'" + offer + "'") + " ;;");
    }

    private static String dashed(List<Flags.Flag> flags) {
        return String.join(" ", flags.stream().map(flag -> "-" + flag.name()).toList());
    }

    private static String kind(CommandModel.Completion completion) {
        return switch (completion) {
            case NONE -> "";
            case FILE -> "file";
            case FOLDER -> "folder";
            case STORE -> "store";
            case SOURCE -> "source";
            case DESTINATION -> "destination";
            case COMMAND -> "\"words $_armoire_commands\"";
        };
    }
}
