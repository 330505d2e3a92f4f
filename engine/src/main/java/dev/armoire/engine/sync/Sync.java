// SPDX-License-Identifier: ISC
package dev.armoire.engine.sync;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.archive.ArchiveBuilder;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.Scan;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Brings snapshots of one store into another one that has them not (format 2b §13). The other store has keys of its own, and
 * perhaps another hash and other chunks, so each snapshot is backed up there anew, out of the first store, under its own
 * identifier and with what it says of itself. What the other store has of it already is not written a second time; files that
 * are the same in a snapshot of the same source there are not even read.
 */
public final class Sync {
    private Sync() {}

    /**
     * What was done.
     *
     * @param synced snapshots that travelled
     * @param present those that were there already
     * @param failed those that could not be brought over
     * @param isDamaged whether one of those is damaged
     * @param readBytes plaintext bytes of files that were read
     * @param storedBytes bytes of packfiles and states written
     */
    public record Result(
            long synced,
            long present,
            long failed,
            boolean isDamaged,
            long newBlobs,
            long readBytes,
            long storedBytes) {}

    /**
     * Brings over what is missing, the oldest first. Interrupting the calling thread stops it after the last snapshot that
     * is whole there.
     *
     * @param from refreshed
     * @param to refreshed; another store than {@code from}
     * @param options what concerns the work: workers, scratch, locks; what concerns a snapshot is taken from it
     * @throws IOException when the other store cannot be written or is locked
     */
    public static Result run(
            Repository from, Repository to, List<SnapshotHeader> wanted, BackupOptions options, SyncEvents events)
            throws IOException {
        long synced = 0;
        long present = 0;
        long failed = 0;
        boolean isDamaged = false;
        long newBlobs = 0;
        long readBytes = 0;
        long storedBytes = 0;
        Set<Mac> there = new HashSet<>(to.snapshots());
        for (SnapshotHeader header : oldestFirst(wanted)) {
            if (!there.add(header.identifier())) {
                present++;
                continue;
            }
            events.started(header);
            String refusal = refusal(header, to);
            if (refusal != null) {
                events.failed(header, refusal, false);
                failed++;
                continue;
            }
            try (SnapshotImporter importer = new SnapshotImporter(from, header);
                    Scan scan = Scan.start(List.of(importer))) {
                BackupResult result = Backup.copy(to, scan, header, options, new Quiet(events));
                synced++;
                newBlobs += result.newBlobs();
                readBytes += result.sourceBytes();
                storedBytes += result.storedBytes();
                events.done(header, result);
            } catch (CorruptDataException e) {
                failed++;
                isDamaged = true;
                events.failed(header, String.valueOf(e.getMessage()), true);
            }
        }
        return new Result(synced, present, failed, isDamaged, newBlobs, readBytes, storedBytes);
    }

    /**
     * Puts snapshots into an archive, the oldest first; the caller ends it.
     *
     * @param from refreshed
     * @throws CorruptDataException when one of them is damaged: then no archive can be made of them
     */
    public static Result run(Repository from, ArchiveBuilder to, List<SnapshotHeader> wanted, SyncEvents events)
            throws IOException {
        long synced = 0;
        long failed = 0;
        long newBlobs = 0;
        long readBytes = 0;
        long storedBytes = 0;
        Set<Mac> there = new HashSet<>();
        for (SnapshotHeader header : oldestFirst(wanted)) {
            if (!there.add(header.identifier())) {
                continue; // it was named twice
            }
            events.started(header);
            String refusal = refusal(header);
            if (refusal != null) {
                events.failed(header, refusal, false);
                failed++;
                continue;
            }
            BackupResult result = to.add(from, header, new Quiet(events));
            synced++;
            newBlobs += result.newBlobs();
            readBytes += result.sourceBytes();
            storedBytes += result.storedBytes();
            events.done(header, result);
        }
        return new Result(synced, 0, failed, false, newBlobs, readBytes, storedBytes);
    }

    private static List<SnapshotHeader> oldestFirst(List<SnapshotHeader> snapshots) {
        return snapshots.stream()
                .sorted(Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier))
                .toList();
    }

    private static @Nullable String refusal(SnapshotHeader header, Repository to) {
        if (to.isRemoved(header.identifier())) {
            return "it was removed from " + to.storage().location()
                    + ", and stores never show an identifier again that was removed";
        }
        return refusal(header);
    }

    private static @Nullable String refusal(SnapshotHeader header) {
        if (header.sources().size() > 1) {
            return "it has " + header.sources().size() + " sources, and only one would be brought over";
        }
        return null;
    }

    /** Items are no news, nor are the errors that were recorded when the snapshot was made. */
    private record Quiet(SyncEvents events) implements BackupEvents {
        @Override
        public void started(Mac snapshot) {}

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason) {}

        @Override
        public void notice(String text) {
            events.notice(text);
        }
    }
}
