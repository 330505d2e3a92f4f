// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.PackfileLayout;
import dev.armoire.packfile.PackfileTail;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The one packfile of an archive (format 1 §16), of any length, written a piece at a time. Like Plakar's it has no padding and no
 * time. For one thread at a time; owns its memory.
 */
final class ArchivePackfile implements AutoCloseable {
    private final ArchiveOutput out;
    private final Mac name;
    private final BlobCodec codec;
    private final MacHasher wholeHasher;
    private final MacHasher hasher;
    private final PackfileTail tail = new PackfileTail();
    private long blobBytes;

    ArchivePackfile(Repository repository, ArchiveOutput out) throws IOException {
        this.out = out;
        this.name = repository.random().nextMac();
        this.codec = repository.newCodec();
        this.wholeHasher = repository.keys().newMacHasher();
        this.hasher = repository.keys().newMacHasher();
        MemorySegment header = MemorySegment.ofArray(new byte[Envelope.HEADER_BYTES]);
        Envelope.writeHeader(header, ResourceType.PACKFILE);
        write(List.of(header));
    }

    Mac name() {
        return name;
    }

    /** All records so far, valid until the next piece. */
    MemorySegment index() {
        return tail.index();
    }

    /**
     * Adds blobs.
     *
     * @param records of these blobs, with offsets from the first of them
     * @return the same records with their offsets in the packfile, valid until the next piece
     */
    MemorySegment append(List<MemorySegment> blobs, MemorySegment records) throws IOException {
        write(blobs);
        long first = tail.records() * PackfileLayout.RECORD_BYTES;
        for (long at = 0; at < records.byteSize(); at += PackfileLayout.RECORD_BYTES) {
            tail.add(
                    PackfileLayout.recordType(records, at),
                    PackfileLayout.recordMac(records, at),
                    blobBytes + PackfileLayout.recordOffset(records, at),
                    PackfileLayout.recordLength(records, at));
        }
        for (MemorySegment blob : blobs) {
            blobBytes += blob.byteSize();
        }
        return tail.index().asSlice(first);
    }

    /** Writes index, footer and MAC; returns their bytes. */
    long finish() throws IOException {
        MemorySegment end = tail.encode(blobBytes, 0, codec, hasher);
        write(List.of(end));
        MemorySegment mac = MemorySegment.ofArray(new byte[Mac.BYTES]);
        wholeHasher.finish().write(mac, 0);
        out.append(List.of(mac));
        return end.byteSize() + Mac.BYTES;
    }

    private void write(List<MemorySegment> parts) throws IOException {
        parts.forEach(wholeHasher::update);
        out.append(parts);
    }

    @Override
    public void close() {
        codec.close();
        tail.close();
    }
}
