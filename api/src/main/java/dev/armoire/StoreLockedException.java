// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** Another process works on the store in a way that excludes what was asked for. It may be tried again later. */
public final class StoreLockedException extends StoreException {
    private static final long serialVersionUID = 1L;

    StoreLockedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
