// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import org.jspecify.annotations.Nullable;

/**
 * Root of what can go wrong with a store. The message says what failed, where, and what to do next; it never holds a
 * key, a passphrase or plaintext. The command line maps each subclass to an exit code.
 */
public abstract class KlosetException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    protected KlosetException(String message) {
        super(message);
    }

    protected KlosetException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
