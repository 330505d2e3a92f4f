// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Blake3Pieces;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks blobs, contents and entries, and says in words what is wrong with them; null says that nothing is. What another
 * thread, another path or the reading of whole packfiles has verified is not read again. For one thread.
 */
final class BlobChecker implements WorkQueue.Tools {
    private final Findings findings;
    private final BlobIndex index;
    private final BlobReader reader;
    private final MacHasher hasher;
    private final @Nullable Blake3Pieces pieces;
    private final BooleanSupplier stopped;
    private long accounted;

    /** @param stopped asked now and then whether the result is still wanted */
    BlobChecker(Repository repository, Findings findings, BooleanSupplier stopped) {
        this.findings = findings;
        this.index = repository.index();
        this.reader = repository.newStoreReader();
        this.hasher = repository.keys().newMacHasher();
        this.pieces = repository.keys().newPieceHasher();
        this.stopped = stopped;
    }

    /** What it reads through; for the same thread. */
    BlobReader reader() {
        return reader;
    }

    /** Reads what a content is lacking, which says of itself whether it is well then. */
    void complete(JoinedContents.Content content) {
        Blake3Pieces hasher = pieces;
        if (hasher == null) {
            return;
        }
        content.complete(reader, hasher, stopped);
        account();
    }

    /** The MAC of one message under the store's key. */
    Mac mac(MemorySegment data) {
        return hasher.mac(data);
    }

    /** Adds what was read since the last call to what was read for the target. */
    void account() {
        findings.bytesRead().add(reader.bytesRead() - accounted);
        accounted = reader.bytesRead();
    }

    /**
     * A content as a whole.
     *
     * @param size bytes that its object speaks of
     */
    record Content(long size, @Nullable String problem) {}

    /** Whether a blob is well, or only there in a fast check. */
    @Nullable
    String blob(int type, Mac mac) {
        BlobLocation place = index.findExpected(type, mac);
        if (place != null && findings.verdicts().isVerified(place)) {
            return null;
        }
        if (findings.isFast()) {
            return absence(type, mac, place);
        }
        try {
            reader.read(type, mac);
            return null;
        } catch (CorruptDataException | UncheckedIOException e) {
            return reason(e);
        }
    }

    private @Nullable String absence(int type, Mac mac, @Nullable BlobLocation place) {
        if (place == null) {
            return ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store";
        }
        return findings.packfiles().present().get(place.packfile())
                ? null
                : "packfile " + index.packfiles().name(place.packfile()).hex() + " is missing";
    }

    /** The object record, each chunk, and the content as a whole. */
    Content content(Mac object) {
        String known = findings.damage(object);
        if (known != null) {
            return new Content(0, known);
        }
        ObjectRecord record;
        try {
            record = ObjectReader.record(reader, object);
        } catch (CorruptDataException | UncheckedIOException e) {
            return damaged(object, reason(e));
        }
        if (!findings.good().contains(ResourceType.OBJECT, object)) {
            String problem = chunks(record);
            if (problem != null) {
                return damaged(object, problem);
            }
            findings.good().add(ResourceType.OBJECT, object);
        }
        return new Content(record.size(), null);
    }

    /**
     * A content as a whole, of which something says the size.
     *
     * @param teller what says it
     * @return what is wrong, or null
     */
    @Nullable
    String content(Mac object, long size, String teller) {
        if (findings.verdicts().isSingleVerified(object, size)) {
            return null;
        }
        Content content = content(object);
        if (content.problem == null && content.size != size) {
            return "its object has " + content.size + " bytes, its " + teller + " says " + size;
        }
        return content.problem;
    }

    private Content damaged(Mac object, String problem) {
        findings.addDamage(object, problem);
        return new Content(0, problem);
    }

    private @Nullable String chunks(ObjectRecord record) {
        // The MAC of a single chunk is that of the whole content; of more or none it has to be worked out.
        boolean isJoined = record.chunks().size() != 1;
        Reasons reasons = new Reasons();
        long at = 0;
        int number = 0;
        for (ObjectRecord.Chunk chunk : record.chunks()) {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            String problem = chunk(chunk, isJoined);
            if (problem != null) {
                reasons.add("chunk " + number + " at " + at + "-" + (at + chunk.length()) + ": " + problem);
            }
            at += chunk.length();
            number++;
        }
        if (isJoined) {
            Mac joined = hasher.finish();
            if (!findings.isFast() && reasons.isEmpty() && !joined.equals(record.contentMac())) {
                reasons.add(
                        "its chunks are well, but joined they are not what the object says: MAC " + joined.shortHex()
                                + ", expected " + record.contentMac().shortHex());
            }
        } else if (!record.contentMac().equals(record.chunks().getFirst().mac())) {
            reasons.add("its only chunk is not the content that its object names");
        }
        return reasons.text();
    }

    private @Nullable String chunk(ObjectRecord.Chunk chunk, boolean isJoined) {
        if (findings.isFast()) {
            return absence(ResourceType.CHUNK, chunk.mac(), index.findExpected(ResourceType.CHUNK, chunk.mac()));
        }
        if (!isJoined) {
            BlobLocation place = index.findExpected(ResourceType.CHUNK, chunk.mac());
            if (place != null
                    && findings.verdicts().isVerified(place)
                    && findings.verdicts().hasSize(chunk.mac(), chunk.length())) {
                return null;
            }
        }
        try {
            MemorySegment data = ObjectReader.chunk(reader, chunk);
            findings.verdicts().putChunk(chunk.mac(), chunk.length());
            if (isJoined) {
                hasher.update(data);
            }
            return null;
        } catch (CorruptDataException | UncheckedIOException e) {
            return reason(e, ResourceType.CHUNK, chunk.mac());
        }
    }

    /** An entry's own blob and its content. */
    @Nullable
    String entry(Entry entry, Mac mac) {
        if (isKnownGood(mac)) {
            return null;
        }
        Reasons reasons = new Reasons();
        String problem = blob(ResourceType.VFS_ENTRY, mac);
        if (problem != null) {
            reasons.add("its entry: " + problem);
        }
        if (entry.isRegular()) {
            reasons.addIfAny(content(entry.object(), entry.info().size(), "entry"));
        }
        if (reasons.isEmpty()) {
            findings.good().add(ResourceType.VFS_ENTRY, mac);
        }
        return reasons.text();
    }

    /** Whether an entry was checked before, with its content, and found well. */
    boolean isKnownGood(Mac entry) {
        return findings.good().contains(ResourceType.VFS_ENTRY, entry);
    }

    /**
     * What is wrong, in words.
     *
     * @throws UncheckedIOException when that is that the store cannot be reached any more
     */
    String reason(RuntimeException e) {
        findings.reach().failed(e);
        Throwable told = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
        return told.getMessage() == null ? told.toString() : told.getMessage();
    }

    /** The reason without the name of the blob, where its place in the file says more. */
    private String reason(RuntimeException e, int type, Mac mac) {
        String reason = reason(e);
        String name = ResourceType.name(type) + ' ' + mac.shortHex() + ": ";
        return reason.startsWith(name) ? reason.substring(name.length()) : reason;
    }

    @Override
    public void close() {
        account();
        reader.close();
    }
}
