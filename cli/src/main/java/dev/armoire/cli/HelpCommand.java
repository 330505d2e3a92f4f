// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;

/** {@code help}: the commands, or one of them. */
final class HelpCommand implements Command {
    private static final int FLAG_COLUMN = 26;

    @Override
    public String usage() {
        return "help [COMMAND]";
    }

    @Override
    public String description() {
        return "Lists the commands, or explains one of them. `armoire COMMAND -h` is the same.";
    }

    @Override
    public void declare(Flags flags) {
        // none
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) {
        if (arguments.words().isEmpty()) {
            printOverview(session.report());
        } else if (arguments.words().size() > 1) {
            throw CommandException.usage("help takes one command at a time");
        } else {
            print(arguments.words().getFirst(), session.report());
        }
        return ExitCode.OK;
    }

    static void printOverview(Report report) {
        overview().lines().forEach(line -> report.result(line, "help", "text", line));
    }

    static String overview() {
        List<String> lines = new ArrayList<>();
        lines.add("usage: armoire [FLAG...] [at STORE] COMMAND [FLAG...] [ARGUMENT...]");
        lines.add("");
        lines.add("Commands (`armoire help COMMAND` tells more):");
        Commands.all().forEach((name, known) -> lines.add("  " + padded(name, 10) + known.summary()));
        lines.add("");
        lines.add("STORE is a path, fs:PATH, FILE.ptar, or @NAME of stores.yml. Without `at`:");
        lines.add("ARMOIRE_REPOSITORY or PLAKAR_REPOSITORY, the default of stores.yml, ~/.armoire.");
        lines.add("");
        lines.add("Flags before any command, or behind it:");
        addFlags(lines, Cli.declareGlobals(new Flags()));
        lines.add("");
        lines.add("Exit codes: 0 done, 1 failed, 3 done but for some items, 64 wrong usage,");
        lines.add("65 damaged data, 66 no store, 73 cannot create, 74 input or output failed,");
        lines.add("75 store locked, 77 passphrase, 78 unknown format, 130 interrupted.");
        return String.join("\n", lines);
    }

    static void print(String name, Report report) {
        Commands.Known known = Commands.find(name);
        if (known == null) {
            throw Commands.notFound(name);
        }
        Command command = known.maker().get();
        List<String> lines = new ArrayList<>();
        lines.add("armoire " + name + ": " + known.summary());
        lines.add("");
        command.usage().lines().forEach(line -> lines.add("usage: armoire [at STORE] " + line));
        lines.add("");
        command.description().lines().forEach(lines::add);
        Flags flags = new Flags();
        command.declare(flags);
        if (!flags.declared().isEmpty()) {
            lines.add("");
            lines.add("Flags (with one dash or two):");
            addFlags(lines, flags);
        }
        lines.forEach(line -> report.result(line, "help", "text", line));
    }

    private static void addFlags(List<String> lines, Flags flags) {
        for (Flags.Flag flag : flags.declared()) {
            if (!flag.help().isEmpty()) {
                String head = "  -" + flag.name() + (flag.metavar().isEmpty() ? "" : " " + flag.metavar());
                lines.add(padded(head, FLAG_COLUMN) + flag.help());
            }
        }
    }

    private static String padded(String text, int width) {
        return text.length() >= width ? text + " " : text + " ".repeat(width - text.length());
    }
}
