// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Starts a JVM as the launcher does, with standard error put aside, and looks at what arrives where. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a POSIX shell script")
class StandardErrorTest {
    @TempDir
    Path folder;

    @Test
    void whatIsWrittenAfterReattachingReachesTheRealStandardError() throws Exception {
        Path early = folder.resolve("early");
        Path real = folder.resolve("real");

        run("3>'" + real + "' 2>'" + early + "'", "-D" + StandardError.PROPERTY + "=3");

        assertThat(real).hasContent("after\nagain\n");
        assertThat(early).hasContent("before\n");
    }

    @Test
    void nothingMovesWhenTheLauncherDidNotMoveIt() throws Exception {
        Path early = folder.resolve("early");

        run("2>'" + early + "'");

        assertThat(early).hasContent("before\nafter\nagain\n");
    }

    @Test
    void aDescriptorThatIsNotOpenLosesNothing() throws Exception {
        Path early = folder.resolve("early");

        run("2>'" + early + "'", "-D" + StandardError.PROPERTY + "=999");

        assertThat(early).hasContent("before\nafter\nagain\n");
    }

    private static void run(String redirections, String... options) throws IOException, InterruptedException {
        String command = "exec '" + Path.of(System.getProperty("java.home"), "bin", "java")
                + "' --enable-native-access=ALL-UNNAMED " + String.join(" ", options)
                + " -cp '" + System.getProperty("java.class.path") + "' "
                + Speaker.class.getName().replace("$", "\\$") + ' ' + redirections;
        Path output = Files.createTempFile("armoire-stderr", ".out");
        try {
            Process process = new ProcessBuilder(List.of("/bin/sh", "-c", command))
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            int exit = process.waitFor();
            assertThat(Files.readString(output, StandardCharsets.UTF_8)).isEmpty();
            assertThat(exit).isZero();
        } finally {
            Files.delete(output);
        }
    }

    /** Writes one line before reattaching and two after it. */
    static final class Speaker {
        private Speaker() {}

        public static void main(String[] arguments) {
            System.err.println("before");
            StandardError.reattach();
            System.err.println("after");
            StandardError.reattach();
            System.err.println("again");
        }
    }
}
