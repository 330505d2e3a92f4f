// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs what {@code plakar-compat.txt} says of each command and flag of Plakar, and compares {@code docs/plakar-compat.md}, which is
 * made of it, with what it should be. With the variable {@code ARMOIRE_WRITE_DOCS} set, the page is written anew.
 *
 * <p>A row of the file is {@code -- VERDICT | WORDS | NOTE}, with commands below it. Of their output, the lines that follow a command must be found
 * in this order, others may lie between; {@code ! TEXT} must be in none; {@code [N]} is the exit code, 0 if not given. Each section begins with the
 * files that the commands before the first section have made.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the commands are for bash")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class PlakarCompatTest {
    static final Path DOCS = Path.of("..", "docs").toAbsolutePath().normalize();

    private static final List<String> VERDICTS = List.of("same", "better", "not");

    private record Row(String verdict, String words, String note, int line, List<String> lines) {}

    private record Section(String title, int line, List<String> lines, List<Row> rows) {}

    @TempDir
    Path folder;

    /** The first is the one that makes what all others find. */
    private static List<Section> sections() throws IOException {
        List<Section> sections = new ArrayList<>(List.of(new Section("", 1, new ArrayList<>(), new ArrayList<>())));
        List<String> lines = Files.readAllLines(Path.of("src/test/resources/plakar-compat.txt"));
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            Section section = sections.getLast();
            if (line.startsWith("== ")) {
                sections.add(new Section(line.substring(3), i + 2, new ArrayList<>(), new ArrayList<>()));
            } else if (line.startsWith("-- ")) {
                List<String> parts = List.of(line.substring(3).split(" \\| ", 3));
                assertThat(parts).as("line %d: %s", i + 1, line).hasSize(3);
                assertThat(VERDICTS).as("line %d: %s", i + 1, line).contains(parts.getFirst());
                section.rows().add(new Row(parts.get(0), parts.get(1), parts.get(2), i + 2, new ArrayList<>()));
            } else if (!line.isEmpty() && !line.startsWith("# ")) {
                (section.rows().isEmpty()
                                ? section.lines()
                                : section.rows().getLast().lines())
                        .add(line);
            }
        }
        return sections;
    }

    @Test
    void everyRowIsTrue() throws IOException {
        List<Section> sections = sections();
        Section fixture = sections.getFirst();
        List<String> wrong = new ArrayList<>();
        try (ConsoleShell shell = new ConsoleShell(folder.resolve("shell"))) {
            ConsoleText text = new ConsoleText();
            wrong.addAll(run(shell, text, fixture.lines(), fixture.line()));
            shell.keepFiles();
            for (Section section : sections.subList(1, sections.size())) {
                shell.giveBackFiles();
                wrong.addAll(run(shell, text, section.lines(), section.line()));
                for (Row row : section.rows()) {
                    assertThat(row.lines())
                            .as("nothing is run for %s", row.words())
                            .anyMatch(line -> line.startsWith("$ "));
                    for (String what : run(shell, text, row.lines(), row.line())) {
                        wrong.add(section.title() + ": " + row.words() + "\n" + what);
                    }
                }
            }
        }
        assertThat(wrong).as(() -> String.join("\n", wrong)).isEmpty();
    }

    private static List<String> run(ConsoleShell shell, ConsoleText text, List<String> lines, int first)
            throws IOException {
        List<String> wrong = new ArrayList<>();
        for (ConsoleText.Step step : ConsoleText.steps(lines, first)) {
            ConsoleShell.Result result = text.run(shell, step.command());
            List<String> output = result.output().lines().toList();
            int exitCode = 0;
            int next = 0;
            List<String> missing = new ArrayList<>();
            for (String expected : step.expected()) {
                if (expected.matches("\\[\\d+]")) {
                    exitCode = Integer.parseInt(expected.substring(1, expected.length() - 1));
                } else if (expected.startsWith("! ")) {
                    if (output.stream().anyMatch(line -> line.contains(expected.substring(2)))) {
                        missing.add(expected);
                    }
                } else {
                    int at = next;
                    while (at < output.size() && !text.matchesLine(expected, output.get(at))) {
                        at++;
                    }
                    if (at == output.size()) {
                        missing.add(expected);
                    } else {
                        next = at + 1;
                    }
                }
            }
            if (!missing.isEmpty() || exitCode != result.exitCode()) {
                wrong.add("$ " + step.command() + "\n" + result.output() + "[" + result.exitCode()
                        + "]\nexpected, among others:\n" + String.join("\n", missing) + "\n[" + exitCode + "]\n");
            }
        }
        return wrong;
    }

    @Test
    void thePageIsMadeOfTheRows() throws IOException {
        List<Section> sections = sections();
        StringBuilder page = new StringBuilder();
        page.append("# Plakar's commands and flags in Armoire\n\n")
                .append(
                        "Compared with Plakar v1.1.4. This page is made of `cli/src/test/resources/plakar-compat.txt`, where each row stands")
                .append(
                        " with commands;\n`PlakarCompatTest` runs them all in each build. What is said of Plakar was recorded from runs of it.\n\n")
                .append("| | Means | Rows |\n|---|---|---|\n");
        List<String> meanings = List.of(
                "does what it does in Plakar",
                "the same words, and a behaviour that differs on purpose, as the note says",
                "is not there, for the reason in the note; the message says so, too");
        for (int i = 0; i < VERDICTS.size(); i++) {
            String verdict = VERDICTS.get(i);
            long count = sections.stream()
                    .flatMap(section -> section.rows().stream())
                    .filter(row -> row.verdict().equals(verdict))
                    .count();
            page.append(String.format(Locale.ROOT, "| %s | %s | %d |%n", verdict, meanings.get(i), count));
        }
        for (Section section : sections.subList(1, sections.size())) {
            page.append("\n## ").append(section.title()).append("\n\n| Words | | |\n|---|---|---|\n");
            for (Row row : section.rows()) {
                page.append("| ")
                        .append(row.words().replace("|", "\\|"))
                        .append(" | ")
                        .append(row.verdict())
                        .append(" | ")
                        .append(row.note().replace("|", "\\|"))
                        .append(" |\n");
            }
        }
        Path file = DOCS.resolve("plakar-compat.md");
        if (System.getenv("ARMOIRE_WRITE_DOCS") != null) {
            Files.writeString(file, page);
        }
        assertThat(file)
                .as("made anew with ARMOIRE_WRITE_DOCS=1 ./mvnw -Dfast -pl cli -am test -Dtest=PlakarCompatTest")
                .hasContent(page.toString());
    }
}
