// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.List;

/** What to check. Immutable: each method gives further options. */
public final class CheckOptions {
    private final List<Snapshot> snapshots;
    private final boolean everything;
    private final boolean fast;
    private final ProgressListener listener;

    private CheckOptions(List<Snapshot> snapshots, boolean everything, boolean fast, ProgressListener listener) {
        this.snapshots = snapshots;
        this.everything = everything;
        this.fast = fast;
        this.listener = listener;
    }

    /** Every byte that the store has, then every snapshot. */
    public static CheckOptions everything() {
        return new CheckOptions(List.of(), true, false, new ProgressListener() {});
    }

    /** These snapshots, and what they need. */
    public static CheckOptions of(Snapshot... snapshots) {
        return new CheckOptions(List.of(snapshots), false, false, new ProgressListener() {});
    }

    /** Only asking whether the contents of files are there, without reading them: finds no changed bytes. */
    public CheckOptions fast() {
        return new CheckOptions(snapshots, everything, true, listener);
    }

    /** With somebody who is told how it goes on. */
    public CheckOptions withListener(ProgressListener other) {
        return new CheckOptions(snapshots, everything, fast, other);
    }

    List<Snapshot> snapshots() {
        return snapshots;
    }

    boolean isEverything() {
        return everything;
    }

    boolean isFast() {
        return fast;
    }

    ProgressListener listener() {
        return listener;
    }
}
