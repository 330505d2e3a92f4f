// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

/**
 * The store is sound as far as one can tell, but written with a version, an algorithm or an option this program does
 * not know. A newer program may read it.
 */
public final class UnsupportedVersionException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public UnsupportedVersionException(String message) {
        super(message);
    }
}
