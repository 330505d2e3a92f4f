// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** The store was written with a version, an algorithm or an option that this version of Armoire does not know. */
public final class UnsupportedFormatException extends StoreException {
    private static final long serialVersionUID = 1L;

    UnsupportedFormatException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
