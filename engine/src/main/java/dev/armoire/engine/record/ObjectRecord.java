// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.FieldNames;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.util.List;

/**
 * A content as a list of chunks (format 2a §7).
 *
 * @param contentMac MAC over all chunks joined
 * @param entropy bits per byte, weighted by chunk length; 0 where it is not computed
 */
public record ObjectRecord(Mac contentMac, List<Chunk> chunks, String contentType, double entropy) {
    /** Content type of the packed listing of a directory. */
    public static final String DIRPACK_TYPE = "application/octet-stream";

    private static final int RECORD_VERSION = 0x00010000;
    private static final FieldNames FIELDS = FieldNames.of("contentMAC", "chunks", "content_type", "entropy");
    private static final FieldNames CHUNK_FIELDS = FieldNames.of("contentMAC", "length", "entropy");
    private static final byte[] VERSION = Entry.key("version");
    private static final byte[] CONTENT_MAC = Entry.key("contentMAC");
    private static final byte[] CHUNKS = Entry.key("chunks");
    private static final byte[] CONTENT_TYPE = Entry.key("content_type");
    private static final byte[] ENTROPY = Entry.key("entropy");
    private static final byte[] FLAGS = Entry.key("flags");
    private static final byte[] LENGTH = Entry.key("length");

    /**
     * One chunk of a content.
     *
     * @param length plaintext bytes, 0 to 2^32-1
     * @param entropy bits per byte, 0 where it is not computed
     */
    public record Chunk(Mac mac, long length, double entropy) {}

    /** Bytes of content. */
    public long size() {
        long sum = 0;
        for (Chunk chunk : chunks) {
            sum += chunk.length;
        }
        return sum;
    }

    public void encode(MsgpackWriter out) {
        out.mapHeader(4 + (contentType.isEmpty() ? 0 : 1) + (entropy != 0 ? 1 : 0));
        out.str(VERSION);
        out.u32(RECORD_VERSION);
        out.str(CONTENT_MAC);
        out.mac(contentMac);
        out.str(CHUNKS);
        out.arrayHeader(chunks.size());
        for (Chunk chunk : chunks) {
            out.mapHeader(5);
            out.str(VERSION);
            out.u32(RECORD_VERSION);
            out.str(CONTENT_MAC);
            out.mac(chunk.mac);
            out.str(LENGTH);
            out.u32((int) chunk.length);
            out.str(ENTROPY);
            out.f64(chunk.entropy);
            out.str(FLAGS);
            out.u32(0);
        }
        if (!contentType.isEmpty()) {
            out.str(CONTENT_TYPE);
            out.str(contentType);
        }
        if (entropy != 0) {
            out.str(ENTROPY);
            out.f64(entropy);
        }
        out.str(FLAGS);
        out.u32(0);
    }

    public static ObjectRecord decode(MsgpackReader in) {
        Mac contentMac = Mac.ZERO;
        List<Chunk> chunks = List.of();
        String contentType = "";
        double entropy = 0;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(FIELDS)) {
                case 0 -> contentMac = in.mac();
                case 1 -> chunks = Lists.read(in, ObjectRecord::decodeChunk);
                case 2 -> contentType = in.string();
                case 3 -> entropy = in.f64();
                default -> in.skip();
            }
        }
        return new ObjectRecord(contentMac, chunks, contentType, entropy);
    }

    private static Chunk decodeChunk(MsgpackReader in) {
        Mac mac = Mac.ZERO;
        long length = 0;
        double entropy = 0;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(CHUNK_FIELDS)) {
                case 0 -> mac = in.mac();
                case 1 -> length = in.integer("0 to 2^32-1, a chunk's length", 0, 0xFFFF_FFFFL);
                case 2 -> entropy = in.f64();
                default -> in.skip();
            }
        }
        return new Chunk(mac, length, entropy);
    }
}
