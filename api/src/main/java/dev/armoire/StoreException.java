// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What can go wrong with a store beyond plain input and output. The message says what failed, where, and what to do next; it
 * never holds a key, a passphrase or content of files.
 */
public abstract sealed class StoreException extends IOException
        permits DamagedDataException,
                NoSuchSnapshotException,
                StoreLockedException,
                UnsupportedFormatException,
                WrongPassphraseException {
    private static final long serialVersionUID = 1L;

    StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
