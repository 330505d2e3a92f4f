// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Completion for zsh, with a word on each command and flag. */
final class ZshCompletion {
    private static final String HEAD =
            """
            #compdef armoire
            # zsh completion for armoire, made by `armoire completion zsh`
            _armoire_names() {
                local kind=$1 file
                local -a names
                for file in "${XDG_CONFIG_HOME:-$HOME/.config}"/{armoire,plakar}/$kind.yml(N); do
                    names+=(${(f)"$(sed -n 's/^    *\\([A-Za-z0-9_.-][A-Za-z0-9_.-]*\\): *$/@\\1/p' "$file")"})
                done
                compadd -a names
            }

            _armoire_store() { _alternative 'names:name:_armoire_names stores' 'files:file:_files' }
            _armoire_source() { _alternative 'names:name:_armoire_names sources' 'files:file:_files' }
            _armoire_destination() { _alternative 'names:name:_armoire_names destinations' 'files:file:_files' }
            """;
    private static final String TAIL =
            """
            _armoire() {
                local i=2 word=
                while ((i < CURRENT)); do
                    word=${words[i]}
                    if [[ $word == at ]]; then
                        if ((i + 1 == CURRENT)); then
                            _armoire_store
                            return
                        fi
                        ((i += 2))
                    elif [[ $word == -* ]]; then
                        if [[ $word != *=* && -n ${_armoire_values[(r)-${word##-#}]} ]]; then
                            if ((i + 1 == CURRENT)); then
                                _arguments : $_armoire_globals
                                return
                            fi
                            ((i++))
                        fi
                        ((i++))
                    else
                        words=("${(@)words[i,-1]}")
                        ((CURRENT -= i - 1))
                        _armoire_command $word
                        return
                    fi
                done
                if [[ ${words[CURRENT]} == -* ]]; then
                    _arguments : $_armoire_globals
                else
                    _describe command _armoire_commands
                fi
            }

            if [[ $funcstack[1] == _armoire ]]; then
                _armoire "$@"
            else
                compdef _armoire armoire
            fi
            """;

    private ZshCompletion() {}

    static String script(List<CommandModel> commands) {
        List<String> lines = new ArrayList<>();
        lines.add(HEAD);
        lines.add("typeset -ga _armoire_commands=(");
        lines.add("    'at:name the store'");
        commands.forEach(command ->
                lines.add("    " + quoted(command.name() + ":" + command.summary().replace(":", "\\:"))));
        lines.add(")");
        lines.add("");
        lines.add("typeset -ga _armoire_globals=(");
        CommandModel.globals().forEach(flag -> lines.add("    " + flag(flag)));
        lines.add(")");
        lines.add("");
        lines.add("typeset -ga _armoire_values=(" + String.join(
                        " ",
                        CommandModel.globals().stream()
                                .filter(flag -> !flag.metavar().isEmpty())
                                .map(flag -> "-" + flag.name())
                                .toList())
                + ")");
        lines.add("");
        lines.add("_armoire_command() {");
        lines.add("    case $1 in");
        for (CommandModel command : commands) {
            lines.add("        " + command.name() + ")");
            lines.add("            _arguments : $_armoire_globals \\");
            Stream.concat(command.flags().stream().map(ZshCompletion::flag), arguments(command).stream())
                    .forEach(line -> lines.add("                " + line + " \\"));
            lines.add("                && return");
            lines.add("            ;;");
        }
        lines.add("    esac");
        lines.add("}");
        lines.add("");
        lines.add(TAIL);
        return String.join("\n", lines);
    }

    private static List<String> arguments(CommandModel command) {
        List<String> lines = new ArrayList<>();
        String action = action(command.arguments());
        if (!command.subcommands().isEmpty()) {
            lines.add(quoted("1:subcommand:(" + String.join(" ", command.subcommands()) + ")"));
        }
        if (!action.isEmpty()) {
            lines.add(quoted("*:argument:" + action));
        }
        return lines;
    }

    private static String flag(Flags.Flag flag) {
        String text = "*-" + flag.name() + "[" + flag.help().replace("[", "\\[").replace("]", "\\]") + "]";
        if (!flag.metavar().isEmpty()) {
            List<String> choices = CommandModel.choices(flag);
            String action =
                    choices.isEmpty() ? action(CommandModel.value(flag)) : "(" + String.join(" ", choices) + ")";
            text += ":" + flag.metavar().replace(":", "\\:") + ":" + (action.isEmpty() ? " " : action);
        }
        return quoted(text);
    }

    private static String action(CommandModel.Completion completion) {
        return switch (completion) {
            case NONE -> "";
            case FILE -> "_files";
            case FOLDER -> "_files -/";
            case STORE -> "_armoire_store";
            case SOURCE -> "_armoire_source";
            case DESTINATION -> "_armoire_destination";
            case COMMAND -> "{_describe command _armoire_commands}";
        };
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
