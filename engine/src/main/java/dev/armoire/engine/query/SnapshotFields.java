// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.util.List;

/** What filters look at in a snapshot. A snapshot of several sources has the roots, origins and types of all of them. */
public interface SnapshotFields {
    /** When it was taken, in seconds since 1970 UTC. */
    long timestampSeconds();

    /** The rest of the time, 0 to 999,999,999 nanoseconds. */
    int timestampNanos();

    String name();

    String category();

    String environment();

    String perimeter();

    String job();

    String dataset();

    List<String> tags();

    List<String> dataClasses();

    /** Folders the sources began at, such as {@code /data/small}. */
    List<String> roots();

    /** Where the sources lay, such as a host name. */
    List<String> origins();

    /** Kinds of the sources, such as {@code fs}. */
    List<String> types();
}
