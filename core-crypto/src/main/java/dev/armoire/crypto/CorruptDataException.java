// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import org.jspecify.annotations.Nullable;

/** Stored bytes are not what was written: a MAC differs, a length is impossible, a record does not parse. */
public class CorruptDataException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public CorruptDataException(String message) {
        super(message);
    }

    public CorruptDataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
