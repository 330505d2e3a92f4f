// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;

/** Standard output takes no more. */
final class OutputClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutputClosedException(IOException cause) {
        super("cannot write to standard output: " + cause.getMessage(), cause);
    }

    /** Whether the reader went away, which is his right and needs no message. */
    boolean isBrokenPipe() {
        String reason = getCause().getMessage();
        return reason != null && reason.contains("Broken pipe");
    }
}
