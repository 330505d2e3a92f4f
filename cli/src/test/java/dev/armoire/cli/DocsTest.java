// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs what the docs show: the {@code console} blocks of each page in their order, in a folder of its own, and compares what they print. With the
 * variable {@code ARMOIRE_WRITE_DOCS} set, what they print is written into the pages.
 *
 * <p>A block whose fence says {@code console needs-X} needs something that a test cannot count on, and is not run. A comment that begins with
 * {@code setup} holds commands that are run and not shown. All other commands in blocks and in the text, those of {@code needs-X} too, are
 * looked at: the command must be there, and take these flags.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the commands are for bash")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DocsTest {
    private static final Path README = PlakarCompatTest.DOCS.resolveSibling("README.md");
    private static final Pattern FENCE = Pattern.compile("```console(?: needs-([a-z]+))?");
    private static final List<String> NEEDS = List.of("server", "fuse", "systemd", "terminal", "plakar", "network");
    private static final Pattern IN_TEXT = Pattern.compile("`((?:\\./)?armoire [^`]*)`");
    private static final Pattern WORD =
            Pattern.compile("(?:[^\\s'\"\\\\#;|&<>()]|\\\\.|'[^']*'|\"[^\"]*\"|(?<=\\S)#)+");

    /** A block, from the line behind its fence to the one before the closing fence. */
    private record Block(int from, int to, String needs, boolean isShown) {}

    @TempDir
    Path folder;

    private static List<Path> pages() throws IOException {
        try (Stream<Path> pages = Files.list(PlakarCompatTest.DOCS)) {
            return Stream.concat(
                            Stream.of(README),
                            pages.filter(page -> page.toString().endsWith(".md"))
                                    .sorted())
                    .toList();
        }
    }

    private static List<Block> blocks(List<String> lines) {
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Matcher fence = FENCE.matcher(lines.get(i));
            boolean isSetup = lines.get(i).equals("<!-- setup");
            if (fence.matches() || isSetup) {
                String needs = isSetup ? "" : Objects.toString(fence.group(1), "");
                int end = i + 1;
                while (!lines.get(end).equals(isSetup ? "-->" : "```")) {
                    end++;
                }
                blocks.add(new Block(i + 1, end, needs, !isSetup));
                i = end;
            }
        }
        return blocks;
    }

    @TestFactory
    Stream<DynamicTest> whatThePagesShowIsWhatHappens() throws IOException {
        return pages().stream()
                .map(page -> DynamicTest.dynamicTest(page.getFileName().toString(), () -> run(page)));
    }

    private void run(Path page) throws IOException {
        List<String> lines = Files.readAllLines(page);
        List<Block> blocks =
                blocks(lines).stream().filter(block -> block.needs().isEmpty()).toList();
        if (blocks.isEmpty()) {
            return;
        }
        List<String> written = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        int copied = 0;
        try (ConsoleShell shell = new ConsoleShell(Files.createTempDirectory(folder, "page"))) {
            ConsoleText text = new ConsoleText();
            for (Block block : blocks) {
                written.addAll(lines.subList(copied, block.from()));
                copied = block.to();
                String failed = "";
                for (ConsoleText.Step step :
                        ConsoleText.steps(lines.subList(block.from(), block.to()), block.from() + 1)) {
                    String place = page.getFileName() + ":" + step.line() + ": ";
                    if (!failed.isEmpty() && !step.command().equals("echo $?")) {
                        wrong.add(failed);
                    }
                    ConsoleShell.Result result = text.run(shell, step.command());
                    failed = result.exitCode() == 0
                            ? ""
                            : place + "exit code " + result.exitCode() + "\n" + result.output();
                    boolean isRight = !block.isShown() || text.matches(step.expected(), result.output());
                    if (!isRight) {
                        wrong.add(place + "$ " + step.command() + "\n" + result.output() + "expected:\n"
                                + String.join("\n", step.expected()) + "\n");
                    }
                    written.addAll(("$ " + step.command()).lines().toList());
                    written.addAll(isRight ? step.expected() : text.told(result.output()));
                }
                if (!failed.isEmpty()) {
                    wrong.add(failed);
                }
            }
        }
        written.addAll(lines.subList(copied, lines.size()));
        if (System.getenv("ARMOIRE_WRITE_DOCS") != null) {
            Files.write(page, written);
        }
        assertThat(wrong).as(() -> String.join("\n", wrong)).isEmpty();
    }

    @Test
    void whatIsNotRunIsCounted(TestReporter reporter) throws IOException {
        Map<String, Integer> counts = new TreeMap<>();
        for (Path page : pages()) {
            List<String> lines = Files.readAllLines(page);
            for (Block block : blocks(lines)) {
                List<ConsoleText.Step> steps = ConsoleText.steps(lines.subList(block.from(), block.to()), block.from());
                assertThat(block.needs().isEmpty() || NEEDS.contains(block.needs()))
                        .as("%s:%d needs-%s", page, block.from(), block.needs())
                        .isTrue();
                counts.merge(
                        block.needs().isEmpty() ? "run" : "not run, needs " + block.needs(),
                        steps.size(),
                        Integer::sum);
            }
        }
        counts.forEach((what, count) -> reporter.publishEntry("commands " + what, String.valueOf(count)));
        assertThat(counts.getOrDefault("run", 0)).isPositive();
    }

    @Test
    void everyCommandThatIsShownIsThereAndTakesItsFlags() throws IOException {
        List<String> wrong = new ArrayList<>();
        int looked = 0;
        for (Path page : pages()) {
            for (String command : commands(Files.readAllLines(page))) {
                looked++;
                String why = refusal(command);
                if (!why.isEmpty()) {
                    wrong.add(page.getFileName() + ": " + command + ": " + why);
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(looked).isGreaterThan(100);
    }

    /** Commands in blocks, whatever their kind, and between backticks. */
    private static List<String> commands(List<String> lines) {
        List<String> commands = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            String command = line.strip().replaceFirst("^\\$ ", "");
            if (command.matches("(\\./)?armoire .*") && (line.startsWith("    ") || line.startsWith("$ "))) {
                while (command.endsWith("\\")) {
                    command = command.substring(0, command.length() - 1)
                            + lines.get(++i).strip();
                }
                commands.add(command);
            } else {
                IN_TEXT.matcher(line).results().map(found -> found.group(1)).forEach(commands::add);
            }
        }
        return commands;
    }

    /** Why the program would not take these words; empty when it would. Words in capitals stand for others. */
    private static String refusal(String command) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(command);
        int end = 0;
        while (matcher.find() && command.substring(end, matcher.start()).isBlank()) {
            words.add(matcher.group().replaceAll("[\"']", ""));
            end = matcher.end();
        }
        words.removeFirst();
        try {
            Flags.Arguments globals = Cli.declareGlobals(new Flags())
                    .value("f", "FILE", "")
                    .stopAtFirstWord()
                    .parse(words);
            List<String> rest = globals.words();
            if (rest.size() >= 2 && rest.getFirst().equals("at")) {
                rest = rest.subList(2, rest.size());
            }
            String name = rest.isEmpty() ? "" : rest.getFirst();
            if (!name.matches("[a-z].*")) {
                return "";
            }
            Commands.Known known = Commands.find(name);
            if (known == null) {
                return Commands.notFound(name).getMessage();
            }
            Flags flags = new Flags();
            known.maker().get().declare(flags);
            Cli.declareGlobals(flags).parse(rest.subList(1, rest.size()));
            return "";
        } catch (CommandException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
