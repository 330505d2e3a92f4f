// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.KlosetException;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.RepositoryLockedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;

/** The one place where what the engine throws becomes what this package throws. */
final class Failures {
    private Failures() {}

    /** Work of the engine. */
    @FunctionalInterface
    interface Work<T> {
        T run() throws IOException;
    }

    /** Does the work; its failures are {@link IOException}s, but for those that are mistakes. */
    static <T> T translated(Work<T> work) throws IOException {
        try {
            return work.run();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (KlosetException e) {
            throw translate(e);
        }
    }

    private static IOException translate(KlosetException e) {
        return switch (e) {
            case CorruptDataException damage -> new DamagedDataException(message(e), e);
            case dev.armoire.crypto.WrongPassphraseException wrong -> new WrongPassphraseException(message(e), e);
            case UnsupportedVersionException unsupported -> new UnsupportedFormatException(message(e), e);
            case RepositoryLockedException locked -> new StoreLockedException(message(e), e);
            case PipelineAbortedException aborted -> interrupted(e);
            default -> new IOException(message(e), e);
        };
    }

    private static InterruptedIOException interrupted(KlosetException cause) {
        InterruptedIOException interrupted = new InterruptedIOException("interrupted; nothing was made");
        interrupted.initCause(cause);
        return interrupted;
    }

    private static String message(Throwable e) {
        return String.valueOf(e.getMessage());
    }
}
