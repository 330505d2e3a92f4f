// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** The passphrase does not open the store, or none was given for a store that is encrypted. */
public final class WrongPassphraseException extends StoreException {
    private static final long serialVersionUID = 1L;

    WrongPassphraseException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
