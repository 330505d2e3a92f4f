// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

/** The passphrase does not open the store: the canary in CONFIG refuses the key derived from it (format 1 §5). */
public final class WrongPassphraseException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public WrongPassphraseException(String message) {
        super(message);
    }
}
