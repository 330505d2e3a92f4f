// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.cli.ffi.KeyRing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where passphrases come from, tried on an encrypted store. Each opening derives a key, so these are few. */
class PassphrasesTest {
    private static final String STRONG = "four random horses, no battery 7";

    @TempDir
    Path folder;

    private ArmoireRun encrypted() {
        ArmoireRun run = new ArmoireRun(folder);
        ArmoireRun.Outcome created = run.typing(STRONG, STRONG).run("at", run.path("store"), "create");
        assertThat(created.exitCode()).as(created.err()).isZero();
        return run;
    }

    @Test
    void aTypedOneHasThreeTries() {
        ArmoireRun run = encrypted();

        ArmoireRun.Outcome opened = run.typing("one", STRONG).onStore("info");
        assertThat(opened.exitCode()).isZero();
        assertThat(opened.err()).isEqualTo("error: wrong passphrase, try again\n");

        ArmoireRun.Outcome refused = run.typing("one", "two", "three", STRONG).onStore("info");
        assertThat(refused.exitCode()).isEqualTo(77);
        assertThat(refused.out()).isEmpty();
    }

    @Test
    void withoutATerminalItSaysWhatToSet() {
        ArmoireRun.Outcome outcome = encrypted().with("PLAKAR_PASSPHRASE", "").onStore("ls");

        assertThat(outcome.exitCode()).isEqualTo(77);
        assertThat(outcome.err())
                .isEqualTo(
                        "armoire: no terminal to ask for the passphrase: set ARMOIRE_PASSPHRASE or PLAKAR_PASSPHRASE,"
                                + " -keyfile or passphrase_cmd\n");
    }

    @Test
    void theKeyFileGoesBeforeTheEnvironment() throws IOException {
        ArmoireRun run = encrypted().with("ARMOIRE_PASSPHRASE", "wrong");
        Files.writeString(folder.resolve("key"), STRONG + "\n");

        assertThat(run.run("-keyfile", run.path("key"), "at", run.path("store"), "ls")
                        .exitCode())
                .isZero();
        assertThat(run.onStore("ls").exitCode()).isEqualTo(77);
        assertThat(run.onStore("ls", "-keyfile", run.path("none")).exitCode()).isEqualTo(1);
    }

    @Test
    void theConfigurationNamesStoresAndTheirPassphrases() throws IOException {
        ArmoireRun run = encrypted().with("ARMOIRE_PASSPHRASE", "wrong");
        Path configuration = Files.createDirectories(run.home().resolve(".config/plakar"));
        Files.writeString(configuration.resolve("stores.yml"), """
            version: v1.0.0
            default: main
            stores:
                main:
                    location: %s
                    passphrase: "%s"
                other:
                    location: %s
                    passphrase_cmd: printf '%%s\\n' '%s'
            """.formatted(
                        run.path("store"), STRONG, run.path("store"), STRONG));

        assertThat(run.run("at", "@main", "ls").exitCode()).isZero();
        assertThat(run.run("at", "@other", "ls").exitCode()).isZero();
        assertThat(run.run("ls").exitCode()).isZero();
        assertThat(run.run("at", "@none", "ls"))
                .isEqualTo(new ArmoireRun.Outcome(
                        1, "", "armoire: could not resolve repository: @none: no stores.yml names it\n"));
    }

    @Test
    void whatIsNoYamlIsNotQuoted() throws IOException {
        ArmoireRun run = new ArmoireRun(folder);
        Path configuration = Files.createDirectories(run.home().resolve(".config/armoire"));
        Files.writeString(configuration.resolve("stores.yml"), "stores: [passphrase: secret\n");

        ArmoireRun.Outcome outcome = run.run("ls");

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("stores.yml is not valid YAML").doesNotContain("secret");
    }

    @Test
    void aNewStoreWantsAStrongOneTwice() {
        ArmoireRun run = new ArmoireRun(folder);

        ArmoireRun.Outcome weak = run.typing("abc", "", "12345678").run("at", run.path("s"), "create");
        assertThat(weak.exitCode()).isEqualTo(77);
        assertThat(weak.err())
                .contains("error: the passphrase is weak")
                .contains("error: the passphrase is empty")
                .endsWith("armoire: the passphrase is weak: take a longer one, or -weak-passphrase\n");

        ArmoireRun.Outcome different =
                run.typing(STRONG, "x", STRONG, "y", STRONG, "z").run("at", run.path("s"), "create");
        assertThat(different.exitCode()).isEqualTo(77);
        assertThat(different.err()).endsWith("armoire: the two passphrases differ\n");
        assertThat(folder.resolve("s")).doesNotExist();
    }

    @Test
    void aWeakOneOfTheEnvironmentIsTakenWithAWarning() {
        ArmoireRun run = new ArmoireRun(folder).with("ARMOIRE_PASSPHRASE", "abc");

        ArmoireRun.Outcome created = run.run("at", run.path("s"), "create");

        assertThat(created.exitCode()).isZero();
        assertThat(created.err()).startsWith("warn: the passphrase is weak");
        assertThat(created.out()).doesNotContain("abc");
    }

    @ParameterizedTest
    @CsvSource({
        "aaaaaaaaaaaaaaaaaaaaaaaa, false",
        "abcdefghijklmnopqrstuvwxyz0123456789, false",
        "password, false",
        "Tr0ub4dor&3, false",
        "correct horse battery staple 42!, true",
        "kX9#mQ2$vL7!pR4z, true",
    })
    void strengthIsEstimated(String passphrase, boolean isStrong) {
        double bits = Passphrases.Strength.bits(passphrase.getBytes(StandardCharsets.UTF_8));

        assertThat(bits >= 80).as("%s bits", bits).isEqualTo(isStrong);
    }

    // The key ring

    @Test
    void aKeyIsKeptForATimeIfAskedFor() {
        assumeKeyRing();
        ArmoireRun run = encrypted();
        assertThat(run.typing(STRONG).onStore("-unlock-cache", "1m", "ls").exitCode())
                .isZero();

        assertThat(run.onStore("ls", "-unlock-cache", "1m")).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
        assertThat(run.onStore("ls").exitCode()).as("not asked for").isEqualTo(77);
        assertThat(run.onStore("ls", "-unlock-cache", "0").exitCode()).isEqualTo(77);
        assertThat(run.onStore("ls", "-unlock-cache", "1m").exitCode())
                .as("forgotten")
                .isEqualTo(77);
    }

    @Test
    void theKernelDropsAKeyAtItsTime() throws Exception {
        assumeKeyRing();
        String name = "armoire:test-" + ProcessHandle.current().pid();
        KeyRing.keep(name, new byte[] {1, 2}, 60);
        KeyRing.keep(name, new byte[] {3, 4, 5}, 1);
        assertThat(KeyRing.find(name)).containsExactly(3, 4, 5);
        assertThat(CompletableFuture.supplyAsync(() -> isFound(name)).get())
                .as("by another thread")
                .isTrue();
        for (int i = 0; i < 100 && isFound(name); i++) {
            Thread.sleep(50);
        }
        assertThat(KeyRing.find(name)).isNull();
        assertThat(KeyRing.forget(name)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "31d", "5ms"})
    void aTimeThatCannotBeMeantIsRefused(String time) {
        assertThat(new ArmoireRun(folder)
                        .run("at", folder.toString(), "ls", "-unlock-cache", time)
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    private static boolean isFound(String name) {
        try {
            return KeyRing.find(name) != null;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void assumeKeyRing() {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux"), "no Linux");
        try {
            KeyRing.find("armoire:nothing");
        } catch (IOException e) {
            Assumptions.abort("no key ring here: " + e.getMessage());
        }
    }
}
