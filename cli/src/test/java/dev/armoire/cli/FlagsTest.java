// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlagsTest {
    private static Flags flags() {
        return new Flags()
                .flag("apply", "")
                .flag("latest", "")
                .value("tag", "LIST", "")
                .value("ignore", "PATTERN", "")
                .value("name", "TEXT", "");
    }

    private static Flags.Arguments parse(String line) {
        return flags().parse(line.isEmpty() ? List.of() : List.of(line.split(" ", -1)));
    }

    @ParameterizedTest
    @CsvSource({
        "'', false, , ",
        "-apply, true, , ",
        "--apply, true, , ",
        "-apply=false, false, , ",
        "--apply=0, false, , ",
        "-apply=T, true, , ",
        "-apply -apply=false, false, , ",
        "-apply=false -apply, true, , ",
        "-tag a, false, a, ",
        "--tag=a=b, false, a=b, ",
        "-tag=, false, '', ",
        "-tag a -tag b, false, b, ",
        "-tag -x, false, -x, ",
        "-tag -apply=false x, false, -apply=false, x",
        "f4f5 -apply, true, , f4f5",
        "a -tag t b, false, t, 'a b'",
        "-- -apply, false, , -apply",
        "a -- -tag --, false, , 'a -tag --'",
        "-, false, , -",
        "@x, false, , @x",
    })
    void flagsMayStandAnywhere(String line, boolean isApplied, String tag, String words) {
        Flags.Arguments arguments = parse(line);

        assertThat(arguments.is("apply")).isEqualTo(isApplied);
        assertThat(arguments.get("tag")).isEqualTo(tag);
        assertThat(String.join(" ", arguments.words())).isEqualTo(words == null ? "" : words);
    }

    @Test
    void everyValueOfARepeatedFlagIsKept() {
        assertThat(parse("-ignore a -ignore=!b x --ignore c").all("ignore")).containsExactly("a", "!b", "c");
    }

    @ParameterizedTest
    @CsvSource({
        "-aply, 'unknown flag -aply; did you mean -apply?'",
        "--lastest=true, 'unknown flag --lastest=true; did you mean -latest?'",
        "-zzzzzzzz, 'unknown flag -zzzzzzzz'",
        "-tag, 'flag -tag needs a value: -tag LIST'",
        "-apply=maybe, 'flag -apply is true or false, not maybe'",
    })
    void wrongUseIsExplained(String line, String message) {
        assertThatThrownBy(() -> parse(line))
                .isInstanceOfSatisfying(
                        CommandException.class, e -> assertThat(e.exitCode()).isEqualTo(64))
                .hasMessage(message);
    }

    @Test
    void aFirstWordEndsTheFlagsOfTheProgram() {
        Flags.Arguments arguments =
                flags().stopAtFirstWord().parse(List.of("-apply", "at", "store", "ls", "-unknown", "-latest=x"));

        assertThat(arguments.is("apply")).isTrue();
        assertThat(arguments.words()).containsExactly("at", "store", "ls", "-unknown", "-latest=x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "x", "", "1.5", "99999999999"})
    void numbersHaveALeast(String text) {
        Flags.Arguments arguments = new Flags().value("n", "N", "").parse(List.of("-n=" + text));

        assertThatThrownBy(() -> arguments.number("n", 1, 7)).hasMessageStartingWith("invalid -n value " + text + ":");
    }

    @ParameterizedTest
    @CsvSource({"bakup, backup", "resore, restore", "chekc, check", "inf, info", "l, ls", "backups, backup"})
    void theNearestWordIsGuessed(String typed, String meant) {
        assertThat(Words.nearest(typed, Commands.all().keySet())).isEqualTo(meant);
    }

    @Test
    void nothingIsGuessedOfSomethingElse() {
        assertThat(Words.nearest("frobnicate", Commands.all().keySet())).isNull();
    }
}
