// SPDX-License-Identifier: ISC
package dev.armoire.engine.sync;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/** Copies a snapshot within its store: the same trees under another identifier and the present time (format 2b §12). */
public final class Duplicate {
    private Duplicate() {}

    /**
     * Writes the copy. The caller has a shared lock, and has refreshed the store since.
     *
     * @return what the copy says of itself
     */
    public static SnapshotHeader of(Repository repository, SnapshotHeader original) throws IOException {
        SnapshotHeader copy = new SnapshotHeader(
                repository.random().nextMac(),
                Instant.now(),
                original.durationNanos(),
                original.name(),
                original.category(),
                original.environment(),
                original.perimeter(),
                original.job(),
                "",
                List.of(),
                original.tags(),
                original.context(),
                original.sources());
        MsgpackWriter writer = new MsgpackWriter();
        copy.encode(writer);
        Mac id = copy.identifier();
        try (PendingState state = repository.newPendingState(id);
                PackWriter packs = repository.newPackWriter(state);
                BlobCodec codec = repository.newCodec()) {
            packs.put(PackWriter.Lane.METADATA, ResourceType.SNAPSHOT, id, codec, codec.prepare(writer.written()));
            packs.flush();
            state.commit();
        }
        return copy;
    }
}
