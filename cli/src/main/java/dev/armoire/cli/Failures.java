// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.engine.query.InvalidTimeException;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.RepositoryLockedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;

/** The one place that turns what was thrown into an exit code and words. */
final class Failures {
    private Failures() {}

    static int exitCode(Throwable failure) {
        return switch (failure) {
            case CommandException e -> e.exitCode();
            case InvalidTimeException e -> ExitCode.USAGE;
            case InvalidPathException e -> ExitCode.USAGE;
            case WrongPassphraseException e -> ExitCode.PASSPHRASE;
            case UnsupportedVersionException e -> ExitCode.FORMAT;
            case CorruptDataException e -> ExitCode.DAMAGE;
            case RepositoryLockedException e -> ExitCode.LOCKED;
            case PipelineAbortedException e -> ExitCode.INTERRUPTED;
            case InterruptedIOException e -> ExitCode.INTERRUPTED;
            case ClosedByInterruptException e -> ExitCode.INTERRUPTED;
            case OutputClosedException e -> e.isBrokenPipe() ? ExitCode.BROKEN_PIPE : ExitCode.IO;
            case FileAlreadyExistsException e -> ExitCode.CANNOT_CREATE;
            case IOException e -> ExitCode.IO;
            case UncheckedIOException e when e.getCause() != null -> exitCode(e.getCause());
            default -> ExitCode.ERROR;
        };
    }

    /** Whether a signal is behind it: an interrupt shows as whatever it hit. */
    static boolean isInterruption(Throwable failure) {
        if (failure instanceof CommandException) {
            return false;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (exitCode(cause) == ExitCode.INTERRUPTED) {
                return true;
            }
        }
        return Thread.currentThread().isInterrupted();
    }

    /** What to say; empty when nothing need be said. */
    static String message(Throwable failure) {
        return switch (failure) {
            case OutputClosedException e when e.isBrokenPipe() -> "";
            case InvalidPathException e ->
                "not a path on this system: " + e.getInput() + ": " + e.getReason()
                        + "; for names beyond ASCII the locale must be one of UTF-8, such as LC_ALL=C.UTF-8";
            case OutOfMemoryError e ->
                "out of memory (" + e.getMessage()
                        + "): give the JVM more with ARMOIRE_JAVA_OPTS=-Xmx1g, or work with less at a time"
                        + " with -concurrency 1";
            case FileSystemException e when e.getReason() == null -> e.getFile() + ": " + reason(e);
            case UncheckedIOException e when e.getCause() != null -> message(e.getCause());
            case CommandException e -> said(e);
            case OutputClosedException e -> said(e);
            case IOException e -> said(e);
            case dev.armoire.crypto.KlosetException e -> said(e);
            default ->
                "internal error: " + failure + "; this is a bug of Armoire: please report it with what"
                        + " `armoire -trace all ...` prints";
        };
    }

    static String said(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.getClass().getSimpleName() : message;
    }

    private static String reason(FileSystemException e) {
        return switch (e) {
            case NoSuchFileException missing -> "no such file or directory";
            case AccessDeniedException denied -> "permission denied";
            case FileAlreadyExistsException exists -> "it is there already";
            default -> e.getClass().getSimpleName();
        };
    }
}
