// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;

/** A system call that failed, in Go's words: {@code open /a/b: permission denied}. */
public final class PosixException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final int errno;

    /**
     * Of a call that failed.
     *
     * @param result what the call returned: a negative error number
     */
    public PosixException(String operation, byte[] path, long result) {
        super(describe(operation, path, result));
        this.errno = (int) -result;
    }

    /** See {@link Errno}. */
    public int errno() {
        return errno;
    }

    /** The message without an exception around it. Bytes of the path that are not UTF-8 become U+FFFD. */
    public static String describe(String operation, byte[] path, long result) {
        return operation + " " + new String(path, StandardCharsets.UTF_8) + ": " + Errno.text((int) -result);
    }
}
