// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** No snapshot of the store has this id, or several ids begin so. */
public final class NoSuchSnapshotException extends StoreException {
    private static final long serialVersionUID = 1L;

    NoSuchSnapshotException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
