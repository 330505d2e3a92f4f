// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.KlosetException;

/** A local table cannot be used. Nothing is lost: what it says can be read again from the store's states. */
public final class DamagedIndexException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public DamagedIndexException(String message) {
        super(message);
    }

    public DamagedIndexException(String message, Throwable cause) {
        super(message, cause);
    }
}
