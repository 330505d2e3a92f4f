// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import org.jspecify.annotations.Nullable;

/** Encrypted bytes do not open under the store's key: they were changed, cut short, or belong to another store. */
public final class AuthenticationFailedException extends CorruptDataException {
    private static final long serialVersionUID = 1L;

    public AuthenticationFailedException(String message) {
        super(message);
    }

    public AuthenticationFailedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
