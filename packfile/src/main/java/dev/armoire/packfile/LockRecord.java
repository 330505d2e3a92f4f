// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.MemorySegment;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * What a lock says about its holder (format 1 §11).
 *
 * @param timestamp when it was taken or last refreshed; ten minutes later it is stale
 * @param exclusive held by maintenance, which bears nobody beside it; otherwise shared by backups
 */
public record LockRecord(Instant timestamp, String hostname, boolean exclusive) {
    private static final FieldNames FIELDS = FieldNames.of("version", "timestamp", "hostname", "exclusive");

    /** The record in MessagePack, to be encoded and wrapped as an object of type lock. */
    public byte[] encode() {
        return new MsgpackWriter()
                .mapHeader(4)
                .str("version")
                .u32(Version.V1_0_0)
                .str("timestamp")
                .time(timestamp.getEpochSecond(), timestamp.getNano())
                .str("hostname")
                .str(hostname)
                .str("exclusive")
                .bool(exclusive)
                .toByteArray();
    }

    /**
     * Reads the record of a lock, decoded and without its envelope.
     *
     * @param name names the lock in error messages
     */
    public static LockRecord decode(MemorySegment record, String name) {
        var in = new MsgpackReader(record, "lock " + name);
        Instant timestamp = Instant.EPOCH;
        String hostname = "";
        boolean exclusive = false;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(FIELDS)) {
                case 1 -> {
                    long at = in.position();
                    in.time();
                    try {
                        timestamp = Instant.ofEpochSecond(in.timeSeconds(), in.timeNanos());
                    } catch (DateTimeException e) {
                        throw in.corrupt("a time of " + in.timeSeconds() + " seconds", at);
                    }
                }
                case 2 -> hostname = in.string();
                case 3 -> exclusive = in.bool();
                default -> in.skip(); // the version too: the envelope's was checked
            }
        }
        return new LockRecord(timestamp, hostname, exclusive);
    }
}
