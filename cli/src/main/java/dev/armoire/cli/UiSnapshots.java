// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The snapshots of an open store, to which others may be added meanwhile. Thread-safe. */
final class UiSnapshots {
    /** The store is not asked again sooner. */
    private static final long REFRESH_NANOS = 2_000_000_000L;

    private final Repository repository;
    private final Session session;
    private final boolean isRefreshed;
    private List<SnapshotHeader> headers = List.of();
    private Set<Mac> ids = Set.of();
    private @Nullable String trouble;
    private boolean isDamaged;
    private long lastRefresh;

    /** @param isRefreshed whether to look now and then what is new in the store */
    UiSnapshots(Repository repository, Session session, boolean isRefreshed) {
        this.repository = repository;
        this.session = session;
        this.isRefreshed = isRefreshed;
        take();
        lastRefresh = System.nanoTime();
    }

    /** All that can be read, newest first. */
    synchronized List<SnapshotHeader> all() {
        if (isRefreshed && System.nanoTime() - lastRefresh > REFRESH_NANOS) {
            try {
                repository.refresh(session::tellOfState);
                take();
                trouble = null;
            } catch (IOException e) {
                trouble = "The store cannot be reached now, and this may be out of date: " + Failures.message(e);
            }
            lastRefresh = System.nanoTime();
        }
        return headers;
    }

    private void take() {
        Set<Mac> now = new HashSet<>(repository.snapshots());
        if (!now.equals(ids)) {
            Snapshots snapshots = new Snapshots(repository, session.report());
            headers = snapshots.all();
            isDamaged |= snapshots.isDamaged();
            ids = now;
        }
    }

    /** Why what is known may be out of date, or null. */
    synchronized @Nullable String trouble() {
        return trouble;
    }

    /** Whether a header could not be read. */
    synchronized boolean isDamaged() {
        return isDamaged;
    }

    /** The one whose id begins so, or null when there are none or several. */
    synchronized @Nullable SnapshotHeader find(String prefix) {
        SnapshotHeader known = findIn(headers, prefix);
        return known == null && !prefix.isEmpty() ? findIn(all(), prefix) : known;
    }

    private static @Nullable SnapshotHeader findIn(List<SnapshotHeader> headers, String prefix) {
        List<SnapshotHeader> found = headers.stream()
                .filter(header -> header.identifier().hex().startsWith(prefix))
                .limit(2)
                .toList();
        return found.size() == 1 ? found.getFirst() : null;
    }

    /** The newest one of the same source that is older, or null. */
    synchronized @Nullable SnapshotHeader before(SnapshotHeader header) {
        return headers.stream()
                .dropWhile(other -> !other.identifier().equals(header.identifier()))
                .skip(1)
                .filter(other -> isOfSameSource(other, header))
                .findFirst()
                .orElse(null);
    }

    static boolean isOfSameSource(SnapshotHeader a, SnapshotHeader b) {
        return a.source().type().equals(b.source().type())
                && a.source().origin().equals(b.source().origin())
                && SnapshotPath.compareBytes(a.source().directory(), b.source().directory()) == 0;
    }
}
