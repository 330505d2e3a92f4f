// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobsFileTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'jobs:\n  a: {command: backup, places: /x, exclud: y}'  | 2 | unknown key \"exclud\"; did you mean \"exclude",
                "'jobs:\n  a:\n    command: backup\n    places: /x\n    quiet: true'  | 5 | unknown key \"quiet\"",
                "'jobs:\n  a: {command: bakup}'                          | 2 | there is no command \"bakup\" for jobs; did you mean \"backup\"?; there are backup",
                "'jobs:\n  a: {command: rm, tag: x}'                     | 2 | there is no command \"rm\" for jobs",
                "'jobs:\n  a:\n    comand: check'                     | 3 | unknown key \"comand\"; did you mean \"command\"?",
                "'jobs:\n\ta: {command: check}'                       | 2 | Do not use \\t(TAB) for indentation",
                "'jobs:\n  a:\n      command: check\n     at: /x'    | 4 | expected <block end>",
                "'jobs:\n  a: {places: /x}'                              | 2 | job \"a\" has no `command:`",
                "'jobs:\n  a: {command: backup}'                         | 2 | backup wants `places:`",
                "'jobs:\n  a: {command: check, places: /x}'              | 2 | unknown key \"places\"",
                "'at: \"@t\"\njobs:\n  a: {command: check}'              | 1 | could not resolve repository: @t: no stores.yml",
                "'at: gopher://x\njobs:\n  a: {command: check}'          | 1 | no kind of store is called \"gopher\"",
                "'at: store\njobs:\n  a: {command: check}'               | 1 | \"store\" is not absolute",
                "'jobs:\n  a: {command: backup, places: [\"@s\"]}'       | 2 | could not resolve importer: @s",
                "'jobs:\n  a: {command: backup, places: [~/x]}'          | 2 | \"~/x\" is not absolute",
                "'jobs:\n  a: {command: sync}'                           | 2 | sync wants one of to, from and with",
                "'jobs:\n  a: {command: sync, to: /x, from: /y}'         | 2 | sync wants one of to, from and with",
                "'jobs:\n  a: {command: prune, policy: nosuch}'          | 2 | policy \"nosuch\" does not exist",
                "'jobs:\n  a: {command: prune, apply: yes}'              | 2 | apply is true or false, not \"yes\"",
                "'jobs:\n  a: {command: prune, days: soon}'              | 2 | days: a whole number is wanted, not \"soon\"",
                "'jobs:\n  a: {command: prune, before: whenever}'        | 2 | whenever",
                "'jobs:\n  a: {command: check, cpu: 0}'                  | 2 | cpu: a whole number is wanted, not \"0\"",
                "'jobs:\n  a: {command: check, limit-download: 2}'       | 2 | bytes a second with their unit are wanted",
                "'jobs:\n  a: {command: maintenance, wait: 2x}'          | 2 | wait: \"2x\" is no duration",
                "'jobs:\n  a: {command: check, schedule: daly}'          | 2 | schedule \"daly\"",
                "'jobs:\n  a: {command: check, window: 22-6}'            | 2 | window \"22-6\"",
                "'jobs:\n  a: {command: check, retries: -1}'             | 2 | retries wants a whole number",
                "'jobs:\n  a: {command: check, max-age: soon}'           | 2 | max-age: \"soon\" is no duration",
                "'jobs:\n  a: {command: check, needs: [b]}\n  b: {command: check}' | 2 | job \"a\" needs \"b\"",
                "'jobs:\n  a: {command: check}\n  a: {command: check}'   | 3 | \"a\" stands twice in jobs",
                "'jobs:\n  a b: {command: check}'                        | 2 | job \"a b\": letters",
                "'jobs:\n  a: check'                                     | 2 | job \"a\" is no map",
                "'jobs: []'                                              | 1 | jobs is no map",
                "'jobs: {}'                                              | 1 | there is no job",
                "'job: {}'                                               | 1 | unknown key \"job\"; did you mean \"jobs\"?",
                "'on-failure: {comand: x}\njobs: {a: {command: check}}'  | 1 | unknown key \"comand\"; did you mean \"command\"?",
                "'jobs: {a: {command: check}}\non-failure: {webhook: hunter2}' | 2 | webhook is no address",
                "'jobs: {a: {command: check}}\nreports: {xml: x}'        | 2 | unknown key \"xml\"",
                "'jobs:\n  a: {command: [}'                              | 2 | ",
            })
    void mistakesAreToldWithTheirLineBeforeAnythingIsRun(String text, int line, String message) throws IOException {
        ArmoireRun run = new ArmoireRun(folder);
        run.run("store", "add", "s", run.path("store"));
        Path file = Files.writeString(folder.resolve("jobs.yml"), text);

        ArmoireRun.Outcome outcome = run.run("run", file.toString());

        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(64);
        assertThat(outcome.err())
                .contains("jobs.yml", ", line " + line + ": ", message == null ? "" : message)
                .doesNotContain("hunter2", "internal error");
        assertThat(run.home().resolve(".local")).doesNotExist();
    }
}
