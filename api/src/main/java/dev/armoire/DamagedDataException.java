// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** Stored bytes are not what was written, or are gone. What is whole can still be read; {@link Store#check} tells what is not. */
public final class DamagedDataException extends StoreException {
    private static final long serialVersionUID = 1L;

    DamagedDataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
