// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code help}: the commands, or one of them. */
final class HelpCommand implements Command {
    static final String EXIT_CODES =
            """
            0 done, 1 failed, 3 done but for some items, 4 there is a difference,
            64 wrong usage, 65 damaged data, 66 no store, 73 cannot create,
            74 input or output failed, 75 store locked, 77 passphrase,
            78 unknown format, 130 interrupted.""";

    private static final int FLAG_COLUMN = 26;

    @Override
    public String usage() {
        return "help [-style man|text] [-to DIR] [COMMAND]";
    }

    @Override
    public String description() {
        return """
            Lists the commands, or explains one of them. `armoire COMMAND -h` is the same.
            With -to, writes the manual pages of all commands to DIR as armoire*.1; put them
            in ~/.local/share/man/man1 and `man armoire-backup` finds them.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("style", "man|text", "text, or the source of a manual page (Plakar's styles are text)")
                .value("to", "DIR", "write all manual pages to DIR");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        String folder = arguments.get("to");
        if (folder != null) {
            if (!arguments.words().isEmpty()) {
                throw CommandException.usage("help -to writes the pages of all commands: leave the command out");
            }
            writeManPages(Path.of(folder));
        } else if (arguments.get("style", "text").equals("man")) {
            manPage(arguments.words()).lines().forEach(line -> session.report().result(line, "help", "text", line));
        } else if (arguments.words().isEmpty()) {
            printOverview(session.report());
        } else if (arguments.words().size() > 1) {
            throw CommandException.usage("help takes one command at a time");
        } else {
            print(arguments.words().getFirst(), session.report());
        }
        return ExitCode.OK;
    }

    private static String manPage(List<String> words) {
        if (words.isEmpty()) {
            return ManPages.ofProgram();
        }
        Commands.Known known = Commands.find(words.getFirst());
        if (known == null) {
            throw Commands.notFound(words.getFirst());
        }
        return ManPages.of(CommandModel.of(words.getFirst(), known));
    }

    private static void writeManPages(Path folder) throws IOException {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("armoire.1"), ManPages.ofProgram() + "\n");
            for (CommandModel command : CommandModel.all()) {
                Files.writeString(folder.resolve("armoire-" + command.name() + ".1"), ManPages.of(command) + "\n");
            }
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.CANNOT_CREATE, "help: cannot write the manual pages: " + Failures.message(e), e);
        }
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
        lines.add("Exit codes:");
        EXIT_CODES.lines().forEach(line -> lines.add("  " + line));
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
