// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The completion scripts, asked by the shells themselves where they are installed, and the man pages. */
class CompletionTest {
    @TempDir
    Path folder;

    @BeforeEach
    void makeConfiguration() throws IOException {
        Path configuration = Files.createDirectories(folder.resolve("config/armoire"));
        Files.writeString(
                configuration.resolve("stores.yml"), "version: v1.0.0\nstores:\n    mine:\n        location: /x\n");
        Files.writeString(folder.resolve("notes.txt"), "");
    }

    private String script(String shell) throws IOException {
        ArmoireRun.Outcome outcome = new ArmoireRun(folder).run("completion", shell);
        assertThat(outcome.exitCode()).isZero();
        Path file = folder.resolve("armoire." + shell);
        Files.writeString(file, outcome.out());
        return file.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "maint, maintenance",
        "at @m, @mine",
        "at @mine maint, maintenance",
        "restore -overw, -overwrite",
        "restore -overwrite ch, changed",
        "restore --overwrite ch, changed",
        "policy sh, show",
        "help maint, maintenance",
        "completion z, zsh",
        "backup note, notes.txt",
        "-quiet maint, maintenance",
        "sync to @m, @mine",
    })
    void shellsCompleteWords(String line, String completed) throws IOException, InterruptedException {
        String words = "armoire " + line;
        assertThat(ask(
                        "bash",
                        "--norc",
                        "-c",
                        "source \"$0\"; COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _armoire;"
                                + " printf '%s\\n' \"${COMPREPLY[@]}\"",
                        script("bash"),
                        words))
                .containsExactly(completed);
        if (isInstalled("fish") && !line.contains("--")) { // there it knows flags with one dash only
            assertThat(ask("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script("fish"), words))
                    .anyMatch(offer -> offer.split("\t", -1)[0].equals(completed));
        }
    }

    @Test
    void zshReadsItsScript() throws IOException, InterruptedException {
        String script = script("zsh");
        assumeTrue(isInstalled("zsh"), "zsh is not installed");

        assertThat(ask("zsh", "-f", "-n", script)).isEmpty();
    }

    @Test
    void everyCommandAndFlagIsInEachScript() throws IOException {
        for (String shell : List.of("bash", "zsh", "fish")) {
            String text = Files.readString(Path.of(script(shell)));
            for (CommandModel command : CommandModel.all()) {
                assertThat(text).contains(command.name());
                command.flags()
                        .forEach(flag -> assertThat(text).contains((shell.equals("fish") ? "-o " : "-") + flag.name()));
            }
        }
        assertThat(new ArmoireRun(folder).run("completion", "tcsh").exitCode()).isEqualTo(64);
    }

    @Test
    void thereIsAManPageOfEveryCommand() throws IOException, InterruptedException {
        Path pages = folder.resolve("man1");
        assertThat(new ArmoireRun(folder).run("help", "-to", pages.toString()).exitCode())
                .isZero();
        for (CommandModel command : CommandModel.all()) {
            Path page = pages.resolve("armoire-" + command.name() + ".1");
            assertThat(page).content().contains(".SH NAME\narmoire\\-" + command.name() + " \\- ");
            assertThat(Files.readString(page))
                    .isEqualTo(new ArmoireRun(folder)
                            .run("help", "-style", "man", command.name())
                            .out());
            if (isInstalled("groff")) {
                assertThat(ask("groff", "-man", "-ww", "-z", "-Tutf8", page.toString()))
                        .isEmpty();
            }
        }
        assertThat(pages.resolve("armoire.1")).content().contains("\\-keyfile", "maintenance");
    }

    private List<String> ask(String... words) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(words).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().putAll(Map.of("HOME", folder.toString(), "XDG_CONFIG_HOME", folder + "/config"));
        Process process = builder.start();
        process.getOutputStream().close();
        List<String> lines = new ArrayList<>();
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .forEach(lines::add);
        process.waitFor();
        return lines;
    }

    private static boolean isInstalled(String program) {
        for (String place : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            if (Files.isExecutable(Path.of(place, program))) {
                return true;
            }
        }
        return false;
    }
}
