// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import dev.armoire.engine.record.Entry;
import java.time.Instant;
import java.util.function.Predicate;

/**
 * What an entry must be, besides having the right path. The parts are kept apart so that a search can compare numbers of
 * millions of entries without making the entries. Immutable.
 */
public final class EntryFilter {
    private static final EntryFilter ANY =
            new EntryFilter(entry -> true, false, Long.MIN_VALUE, Long.MAX_VALUE, Instant.MIN, Instant.MAX);

    private final Predicate<Entry> kind;
    private final boolean hasKind;
    private final long leastBytes;
    private final long mostBytes;
    private final Instant after;
    private final Instant before;

    private EntryFilter(
            Predicate<Entry> kind, boolean hasKind, long leastBytes, long mostBytes, Instant after, Instant before) {
        this.kind = kind;
        this.hasKind = hasKind;
        this.leastBytes = leastBytes;
        this.mostBytes = mostBytes;
        this.after = after;
        this.before = before;
    }

    /** Lets everything pass. */
    public static EntryFilter any() {
        return ANY;
    }

    /**
     * And of a kind.
     *
     * @param wanted looks at mode, content type, owner and group only, which many entries have in common
     */
    public EntryFilter withKind(Predicate<Entry> wanted) {
        return new EntryFilter(kind.and(wanted), true, leastBytes, mostBytes, after, before);
    }

    /** And a regular file of {@code least} to {@code most} bytes. */
    public EntryFilter withSize(long least, long most) {
        return new EntryFilter(
                kind.and(Entry::isRegular),
                true,
                Math.max(least, leastBytes),
                Math.min(most, mostBytes),
                after,
                before);
    }

    /** And changed later than this. */
    public EntryFilter withChangeAfter(Instant time) {
        return new EntryFilter(kind, hasKind, leastBytes, mostBytes, time.isAfter(after) ? time : after, before);
    }

    /** And changed earlier than this. */
    public EntryFilter withChangeBefore(Instant time) {
        return new EntryFilter(kind, hasKind, leastBytes, mostBytes, after, time.isBefore(before) ? time : before);
    }

    /** True if everything passes. */
    public boolean isAny() {
        return !hasKind && !hasSize() && !hasTime();
    }

    /** Whether an entry passes. */
    public boolean test(Entry entry) {
        return kind.test(entry)
                && passesSize(entry.info().size())
                && (!hasTime()
                        || passesTime(entry.info().mtimeSeconds(), entry.info().mtimeNanos()));
    }

    /** Whether entries of this mode, content type, owner and group can pass. */
    public boolean passesKind(Entry entry) {
        return kind.test(entry);
    }

    public boolean hasSize() {
        return leastBytes > Long.MIN_VALUE || mostBytes < Long.MAX_VALUE;
    }

    public boolean passesSize(long bytes) {
        return bytes >= leastBytes && bytes <= mostBytes;
    }

    public boolean hasTime() {
        return after.isAfter(Instant.MIN) || before.isBefore(Instant.MAX);
    }

    /** Whether something that was changed in this second can pass. */
    public boolean mayPassTime(long seconds) {
        return seconds >= after.getEpochSecond() && seconds <= before.getEpochSecond();
    }

    private boolean passesTime(long seconds, int nanos) {
        Instant changed = Instant.ofEpochSecond(seconds, nanos);
        return changed.isAfter(after) && changed.isBefore(before);
    }
}
