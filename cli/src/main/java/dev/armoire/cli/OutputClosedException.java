// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;

/** Standard output takes no more. */
final class OutputClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean isBrokenPipe;

    OutputClosedException(IOException cause) {
        super("cannot write to standard output: " + cause.getMessage(), cause);
        String reason = cause.getMessage();
        isBrokenPipe = reason != null && reason.contains("Broken pipe");
    }

    /** Whether the reader went away, which is his right and needs no message. */
    boolean isBrokenPipe() {
        return isBrokenPipe;
    }
}
