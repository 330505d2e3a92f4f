// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.armoire.crypto.AuthenticationFailedException;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.RepositoryLockedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
    static Stream<Arguments> failures() {
        return Stream.of(
                arguments(CommandException.usage("no"), 64, "no"),
                arguments(new CorruptDataException("torn"), 65, "torn"),
                arguments(new AuthenticationFailedException("changed"), 65, "changed"),
                arguments(
                        new InvalidPathException("/\u00f6", "unmappable"),
                        64,
                        "not a path on this system: /\u00f6: unmappable; for names beyond ASCII the locale must be one of"
                                + " UTF-8, such as LC_ALL=C.UTF-8"),
                arguments(new FileAlreadyExistsException("/f"), 73, "/f: it is there already"),
                arguments(new IOException("No space left on device"), 74, "No space left on device"),
                arguments(new UncheckedIOException(new IOException("disk")), 74, "disk"),
                arguments(new NoSuchFileException("/f"), 74, "/f: no such file or directory"),
                arguments(new AccessDeniedException("/f"), 74, "/f: permission denied"),
                arguments(new AccessDeniedException("/f", null, "not yours"), 74, "/f: not yours"),
                arguments(new RepositoryLockedException("held"), 75, "held"),
                arguments(new WrongPassphraseException("wrong"), 77, "wrong"),
                arguments(new UnsupportedVersionException("newer"), 78, "newer"),
                arguments(new OutputClosedException(new IOException("Broken pipe")), 141, ""));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void everyKindHasItsCodeAndWords(Throwable failure, int exitCode, String message) {
        assertThat(Failures.exitCode(failure)).isEqualTo(exitCode);
        assertThat(Failures.message(failure)).isEqualTo(message);
    }

    @Test
    void interruptsAreFoundBelowWhatTheyHit() {
        assertThat(Failures.isInterruption(new IOException("read", new ClosedByInterruptException())))
                .isTrue();
        assertThat(Failures.isInterruption(new UncheckedIOException(new InterruptedIOException())))
                .isTrue();
        assertThat(Failures.isInterruption(new PipelineAbortedException())).isTrue();
        assertThat(Failures.isInterruption(new IOException("disk"))).isFalse();
    }

    @Test
    void outOfMemoryNamesTheWayOut() {
        assertThat(Failures.message(new OutOfMemoryError("Java heap space"))).contains("ARMOIRE_JAVA_OPTS=-Xmx");
    }

    @Test
    void bugsAreCalledBugs() {
        assertThat(Failures.exitCode(new IllegalStateException("x"))).isEqualTo(1);
        assertThat(Failures.message(new IllegalStateException("x"))).startsWith("internal error: ");
    }
}
