// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.KlosetException;

/** Another process holds a lock that excludes this work. */
public final class RepositoryLockedException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public RepositoryLockedException(String message) {
        super(message);
    }
}
