// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.KlosetException;

/** Another thread of the same work has failed; its error is the one to show. */
public final class PipelineAbortedException extends KlosetException {
    private static final long serialVersionUID = 1L;

    public PipelineAbortedException() {
        super("stopped because another part of the work failed");
    }
}
