// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.KlosetException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PackfileRecords;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.Room;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.repository.StageTimes.Stage;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Blake3Pieces;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads one packfile after the other from front to back through a window of some MiB, however large they are: its tail first,
 * for the index, then every byte once, for the MAC of the whole and the MAC of each blob. For one thread; owns its memory.
 */
final class PackfileScan implements WorkQueue.Tools {
    private static final long WINDOW_BYTES = 8 << 20;
    private static final long MAX_METADATA_BYTES = 2L << 30;
    private static final int MAX_PROBLEMS = 20;
    /** Beyond so many, the packfile as a whole counts as in doubt. */
    private static final int MAX_DOUBTFUL = 100_000;

    private final Storage storage;
    private final StageTimes stages;
    private final BlobIndex locations;
    private final @Nullable JoinedContents joined;
    /** There if {@code joined} is. */
    private final @Nullable Blake3Pieces pieces;

    private final StoredPackfiles packfiles;
    private final StoreVerdicts verdicts;
    private final Reach reach;
    private final BlobCodec codec;
    private final MacHasher blobHasher;
    private final MacHasher wholeHasher;
    private final long maxChunkBytes;
    private final BooleanSupplier stopped;
    private final PackfileIndexReader indexes;
    private final Room window = new Room();
    private final MemorySegment storedMac = MemorySegment.ofArray(new byte[Mac.BYTES]);

    private List<String> problems = new ArrayList<>();
    private Set<Long> doubtful = new HashSet<>();
    private long unnamedProblems;
    private long bytesRead;
    /** Whether what states place in the packfile that is read is what its index names, record by record. */
    private boolean isAllPlaced;

    /**
     * What was found in one packfile.
     *
     * @param problems empty when all is well
     * @param doubtful offsets of blobs that are not as states have it, or null when nothing in the packfile is verified
     */
    record Outcome(List<String> problems, @Nullable Set<Long> doubtful, long bytesRead) {}

    /**
     * @param findings told of what cannot be read, and of contents of one chunk
     * @param joined given all contents of several chunks, and chunks that are well where the states place them; null where not all are read
     * @param stopped asked now and then whether the result is still wanted
     */
    PackfileScan(Repository repository, Findings findings, @Nullable JoinedContents joined, BooleanSupplier stopped) {
        this.joined = joined;
        this.pieces = joined == null ? null : repository.keys().newPieceHasher();
        this.packfiles = findings.packfiles();
        this.verdicts = findings.verdicts();
        this.reach = findings.reach();
        this.storage = repository.storage();
        this.stages = repository.stages();
        this.locations = repository.index();
        this.indexes = new PackfileIndexReader(repository);
        this.codec = repository.newCodec();
        this.blobHasher = repository.keys().newMacHasher();
        this.wholeHasher = repository.keys().newMacHasher();
        this.maxChunkBytes = Math.max(64 << 10, repository.config().chunking().maxSize());
        this.stopped = stopped;
    }

    Outcome scan(int packfile) {
        problems = new ArrayList<>();
        doubtful = new HashSet<>();
        unnamedProblems = 0;
        bytesRead = 0;
        boolean isComplete = false;
        try {
            Mac name = locations.packfiles().name(packfile);
            long size = storage.size(ObjectKind.PACKFILE, name);
            PackfileRecords records = indexes.read(name, size);
            isAllPlaced = isAllPlaced(packfile, records);
            readAll(packfile, name, size, records);
            if (!isAllPlaced) {
                compareWithStates(packfile, records);
            }
            isComplete = true;
        } catch (PipelineAbortedException e) {
            throw e;
        } catch (KlosetException e) {
            reach.damaged();
            problem(e.getMessage());
        } catch (NoSuchFileException e) {
            reach.failed(e);
            problem("it is missing");
        } catch (IOException e) {
            reach.failed(e);
            problem("it cannot be read: " + e.getMessage());
        }
        if (!problems.isEmpty() && isComplete) {
            reach.damaged();
        }
        if (unnamedProblems > 0) {
            problems.add("and " + unnamedProblems + " more problems of this kind");
        }
        return new Outcome(
                problems,
                isComplete && doubtful.size() <= MAX_DOUBTFUL ? doubtful : null,
                bytesRead + indexes.takeBytesRead());
    }

    private boolean isAllPlaced(int packfile, PackfileRecords records) {
        if (records.count() != packfiles.locations()[packfile]) {
            return false;
        }
        long sum = 0;
        for (long record = 0; record < records.count(); record++) {
            sum += StoredPackfiles.sum(
                    records.type(record), records.mac(record), records.offset(record), records.length(record));
        }
        return sum == packfiles.sums()[packfile];
    }

    private void problem(@Nullable String text) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(text == null ? "unknown error" : text);
        } else {
            unnamedProblems++;
        }
    }

    private void doubt(long offset) {
        if (doubtful.size() <= MAX_DOUBTFUL) {
            doubtful.add(offset);
        }
    }

    private void readAll(int packfile, Mac name, long size, PackfileRecords records) throws IOException {
        wholeHasher.finish(); // a scan before this one may have ended in the middle
        long macAt = size - Mac.BYTES;
        long at = 0;
        long kept = 0;
        long record = 0;
        MemorySegment view = window.atLeast(WINDOW_BYTES, 0);
        while (at < macAt) {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            MemorySegment fresh = view.asSlice(kept, Math.min(view.byteSize() - kept, macAt - at));
            read(name, at, fresh);
            if (at == 0) {
                Envelope.checkHeader(fresh, ResourceType.PACKFILE, "it");
            }
            long begun = stages.begin();
            wholeHasher.update(fresh);
            var _ = stages.end(Stage.DECODE, begun);
            long base = at - kept;
            at += fresh.byteSize();
            for (; record < records.count(); record++) {
                long from = Envelope.HEADER_BYTES + records.offset(record);
                long length = records.length(record);
                if (from + length > at) {
                    break;
                }
                verify(packfile, records, record, view.asSlice(from - base, length));
            }
            if (record < records.count()) {
                // What is there of the next blob moves to the front, and the window opens as wide as that blob is.
                long from = Math.min(at, Envelope.HEADER_BYTES + records.offset(record));
                kept = at - from;
                MemorySegment.copy(view, from - base, view, 0, kept);
                view = window.atLeast(records.length(record) + WINDOW_BYTES / 2, kept);
            } else {
                kept = 0;
            }
        }
        read(name, macAt, storedMac);
        Mac computed = wholeHasher.finish();
        Mac stored = Mac.read(storedMac, 0);
        if (!computed.equals(stored) && problems.isEmpty()) {
            problem("it has the MAC " + computed.shortHex() + ", but says " + stored.shortHex() + " at bytes "
                    + range(macAt, Mac.BYTES) + "; its " + records.count()
                    + " blobs and its index are well, so what was changed is padding, or the MAC itself");
        }
    }

    private void verify(int packfile, PackfileRecords records, long record, MemorySegment encoded) {
        long begun = stages.begin();
        int type = records.type(record);
        if (type == ResourceType.RANDOM) {
            return;
        }
        String problem = null;
        try {
            MemorySegment plain =
                    codec.decode(encoded, type == ResourceType.CHUNK ? maxChunkBytes : MAX_METADATA_BYTES);
            // These two are named by an identifier, everything else by its content.
            if (type != ResourceType.SNAPSHOT
                    && type != ResourceType.SIGNATURE
                    && !blobHasher.mac(plain).equals(records.mac(record))) {
                problem = "MAC mismatch";
            } else if (type == ResourceType.OBJECT) {
                noteContent(packfile, records, record, plain);
            } else if (type == ResourceType.CHUNK) {
                if (isStored(packfile, records, record)) {
                    verdicts.putChunk(records.mac(record), plain.byteSize());
                }
                if (joined != null
                        && pieces != null
                        && joined.wants(records.mac(record))
                        && isPlaced(packfile, records, record)) {
                    joined.take(records.mac(record), plain, pieces, stopped);
                }
            }
        } catch (CorruptDataException e) {
            problem = e.getMessage();
        }
        if (problem != null) {
            problem(describe(records, record) + ": " + problem);
            doubt(records.offset(record));
        }
        var _ = stages.end(Stage.DECODE, begun);
    }

    /** Most contents are one chunk: with that known, their objects need not be decoded again for each file. */
    private void noteContent(int packfile, PackfileRecords records, long record, MemorySegment plain) {
        Mac object = records.mac(record);
        ObjectRecord content;
        try {
            content = ObjectRecord.decode(new MsgpackReader(plain, "object"));
        } catch (CorruptDataException e) {
            return; // is told of with the files that have it
        }
        if (content.chunks().size() != 1) {
            if (joined != null) {
                joined.add(object, content);
            }
            return;
        }
        Mac chunk = content.chunks().getFirst().mac();
        if (content.contentMac().equals(chunk) && isStored(packfile, records, record)) {
            verdicts.putSingle(object, content.size(), chunk);
        }
    }

    /** Whether states place the blob here, in a packfile that counts. */
    private boolean isStored(int packfile, PackfileRecords records, long record) {
        return isAllPlaced ? locations.packfiles().isExpected(packfile) : isPlaced(packfile, records, record);
    }

    /** Whether this very copy is the one that is read by whoever asks for the blob. */
    private boolean isPlaced(int packfile, PackfileRecords records, long record) {
        Mac mac = records.mac(record);
        BlobLocation place = locations.findExpected(records.type(record), mac);
        return place != null
                && place.packfile() == packfile
                && place.offset() == records.offset(record)
                && place.length() == records.length(record);
    }

    /** A packfile in no state has nothing to be compared with: its blobs belong to nobody. */
    private void compareWithStates(int packfile, PackfileRecords records) {
        long expected = packfiles.locations()[packfile];
        if (expected == 0) {
            return;
        }
        long matched = 0;
        for (long record = 0; record < records.count(); record++) {
            BlobLocation place = locations.findIn(records.type(record), records.mac(record), packfile);
            if (place != null && place.offset() == records.offset(record) && place.length() == records.length(record)) {
                matched++;
            }
        }
        if (matched == expected) {
            return;
        }
        locations.forEach((type, mac, holder, offset, length) -> {
            if (holder == packfile && !records.contains(type, mac, offset, length)) {
                problem("states place " + ResourceType.name(type) + ' ' + mac.shortHex() + " at offset " + offset + ", "
                        + length + " bytes, but its index does not");
                doubt(offset);
            }
        });
    }

    private static String describe(PackfileRecords records, long record) {
        return records.describe(record);
    }

    private static String range(long at, long bytes) {
        return at + "-" + (at + bytes);
    }

    private void read(Mac name, long at, MemorySegment into) throws IOException {
        long begun = stages.begin();
        storage.read(ObjectKind.PACKFILE, name, at, into);
        var _ = stages.end(Stage.FETCH, begun);
        bytesRead += into.byteSize();
    }

    @Override
    public void close() {
        codec.close();
        window.close();
        indexes.close();
    }
}
