// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;

/** Manual pages in the man(7) macros: one of the program, one of each command. */
final class ManPages {
    private ManPages() {}

    /** The page that {@code man armoire} shows. */
    static String ofProgram() {
        List<String> lines = head("armoire", "a backup program that reads and writes the stores of Plakar");
        lines.add(".SH SYNOPSIS");
        lines.add(".B armoire");
        lines.add(text("[FLAG...] [at STORE] COMMAND [FLAG...] [ARGUMENT...]"));
        lines.add(".SH COMMANDS");
        for (CommandModel command : CommandModel.all()) {
            lines.add(".TP");
            lines.add(".B " + text(command.name()));
            lines.add(text(command.summary()));
        }
        lines.add(".PP");
        lines.add(text("Each has a page of its own: armoire-COMMAND(1)."));
        lines.add(".SH FLAGS");
        lines.add(text("They may stand before any command, or behind it."));
        flags(CommandModel.globals(), lines);
        lines.add(".SH EXIT STATUS");
        verbatim(HelpCommand.EXIT_CODES, lines);
        return String.join("\n", lines);
    }

    static String of(CommandModel command) {
        List<String> lines = head("armoire-" + command.name(), command.summary());
        lines.add(".SH SYNOPSIS");
        for (String line : command.usage()) {
            lines.add(".B armoire");
            lines.add(text("[at STORE] " + line));
            lines.add(".br");
        }
        lines.add(".SH DESCRIPTION");
        verbatim(command.description(), lines);
        if (!command.flags().isEmpty()) {
            lines.add(".SH FLAGS");
            flags(command.flags(), lines);
        }
        lines.add(".SH SEE ALSO");
        lines.add(text("armoire(1)"));
        return String.join("\n", lines);
    }

    private static List<String> head(String name, String summary) {
        List<String> lines = new ArrayList<>();
        lines.add(".TH " + name.toUpperCase(java.util.Locale.ROOT).replace("-", "\\-") + " 1 \"\" \""
                + VersionCommand.line() + "\" \"Armoire\"");
        lines.add(".SH NAME");
        lines.add(text(name) + " \\- " + text(summary));
        return lines;
    }

    private static void flags(List<Flags.Flag> flags, List<String> lines) {
        for (Flags.Flag flag : flags) {
            lines.add(".TP");
            lines.add("\\fB\\-" + escaped(flag.name()) + "\\fR"
                    + (flag.metavar().isEmpty() ? "" : " \\fI" + escaped(flag.metavar()) + "\\fR"));
            lines.add(text(flag.help()));
        }
    }

    /** Lines as they are, for they are laid out by hand. */
    private static void verbatim(String words, List<String> lines) {
        lines.add(".nf");
        words.lines().forEach(line -> lines.add(text(line)));
        lines.add(".fi");
    }

    /** A line that begins with a dot or an apostrophe would be a request. */
    private static String text(String line) {
        String escaped = escaped(line);
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\e").replace("-", "\\-");
    }
}
