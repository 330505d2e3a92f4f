// SPDX-License-Identifier: ISC
package dev.armoire;

import org.jspecify.annotations.Nullable;

/** How to restore. Immutable: each method gives further options. */
public final class RestoreOptions {
    private static final RestoreOptions DEFAULTS = new RestoreOptions(null, true, new ProgressListener() {});

    private final @Nullable String path;
    private final boolean permissions;
    private final ProgressListener listener;

    private RestoreOptions(@Nullable String path, boolean permissions, ProgressListener listener) {
        this.path = path;
        this.permissions = permissions;
        this.listener = listener;
    }

    /** All that was backed up, with owners and modes as far as the process may set them. */
    public static RestoreOptions defaults() {
        return DEFAULTS;
    }

    /** Only what is at a path, absolute or below the directory that was backed up. */
    public RestoreOptions withPath(String only) {
        return new RestoreOptions(only, permissions, listener);
    }

    /** Leaving owner and mode to the process and its umask. */
    public RestoreOptions withoutPermissions() {
        return new RestoreOptions(path, false, listener);
    }

    /** With somebody who is told how it goes on. */
    public RestoreOptions withListener(ProgressListener other) {
        return new RestoreOptions(path, permissions, other);
    }

    @Nullable
    String path() {
        return path;
    }

    boolean restoresPermissions() {
        return permissions;
    }

    ProgressListener listener() {
        return listener;
    }
}
