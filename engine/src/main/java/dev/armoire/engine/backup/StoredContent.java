// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.packfile.StoreConfig;
import java.lang.foreign.MemorySegment;

/**
 * The content of a file in another store, where it is cut into chunks already, and compressed. It is read either as bytes or
 * chunk by chunk.
 */
public interface StoredContent extends ImportRecord.Content {
    /** How that store cuts and compresses. */
    StoreConfig config();

    /** What is known of it there. */
    ObjectRecord object();

    /**
     * The next chunk of {@link #object}, verified, valid until the next call.
     *
     * @throws dev.armoire.crypto.CorruptDataException when it is damaged or missing
     */
    MemorySegment next();

    /** The chunk that {@link #next} gave last as that store compresses it, valid as long. */
    MemorySegment compressed();
}
