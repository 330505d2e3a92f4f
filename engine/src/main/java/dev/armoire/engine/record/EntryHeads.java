// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.crypto.Mac;
import dev.armoire.packfile.FieldNames;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Compares encoded entries of one directory with fresh metadata without decoding them: the same metadata have the same
 * bytes, up to the summary. What other encoders wrote in another form simply does not match. For one thread.
 */
public final class EntryHeads {
    private static final FieldNames TAIL_FIELDS =
            FieldNames.of("object", "content_type", "chunks", "extended_attributes");

    private final byte[] directory;
    private final byte[] beforeName;
    private final MsgpackWriter writer = new MsgpackWriter();

    public EntryHeads(byte[] directory) {
        this.directory = directory;
        FileInfo none = new FileInfo(0, 0, 0, 0, 0, 0, 0, 0, 0, "", "", 0);
        Entry.encodeHead(writer, directory, new byte[0], none);
        beforeName = java.util.Arrays.copyOf(writer.toByteArray(), Entry.bytesBeforeName(directory.length));
    }

    /** The name in an encoded entry, or null when the entry is not in the form that {@link Entry#encode} gives. */
    public @Nullable MemorySegment name(MemorySegment entry) {
        long end = Entry.MAP_HEADER_BYTES + (long) beforeName.length;
        // The head goes on for over a hundred bytes after the name's header, so what is shorter is no entry.
        if (entry.byteSize() < end + 3
                || MemorySegment.mismatch(
                                entry,
                                Entry.MAP_HEADER_BYTES,
                                end,
                                MemorySegment.ofArray(beforeName),
                                0,
                                beforeName.length)
                        >= 0) {
            return null;
        }
        int header = entry.get(ValueLayout.JAVA_BYTE, end) & 0xff;
        int first = entry.get(ValueLayout.JAVA_BYTE, end + 1) & 0xff;
        int second = entry.get(ValueLayout.JAVA_BYTE, end + 2) & 0xff;
        boolean isShort = header >>> 5 == 0x5;
        if (!isShort && header != 0xd9 && header != 0xda) {
            return null;
        }
        long bytes = isShort ? 1 + (header & 0x1f) : header == 0xd9 ? 2 + first : 3 + (first << 8 | second);
        return bytes > entry.byteSize() - end ? null : Entry.encodedName(entry, directory.length);
    }

    /**
     * The part of a regular file's entry that stands for its content, when all its metadata are these; else null.
     *
     * @throws dev.armoire.crypto.CorruptDataException when the entry does not parse
     */
    public @Nullable Content contentIfSame(MemorySegment entry, byte[] name, FileInfo info) {
        writer.reset();
        Entry.encodeHead(writer, directory, name, info);
        MemorySegment head = writer.written();
        long end = Entry.MAP_HEADER_BYTES + head.byteSize();
        if (entry.byteSize() <= end
                || MemorySegment.mismatch(entry, Entry.MAP_HEADER_BYTES, end, head, 0, head.byteSize()) >= 0) {
            return null;
        }
        int pairs = new MsgpackReader(entry, "entry").mapHeader() - 3;
        MsgpackReader in = new MsgpackReader(entry.asSlice(end), "entry");
        Mac object = Mac.ZERO;
        boolean hasContentType = false;
        boolean hasChunks = false;
        boolean hasXattrs = false;
        for (; pairs > 0; pairs--) {
            switch (in.field(TAIL_FIELDS)) {
                case 0 -> object = in.mac();
                case 1 -> {
                    in.skip();
                    hasContentType = true;
                }
                case 2 -> hasChunks = in.integer() > 0;
                case 3 -> {
                    in.skip();
                    hasXattrs = true;
                }
                default -> in.skip();
            }
        }
        return new Content(object, hasContentType && hasChunks, hasXattrs);
    }

    /**
     * Where the bytes of a file are, and whether more belongs to it.
     *
     * @param isComplete whether content type and number of chunks are there; Plakar 1.0 kept them elsewhere
     */
    public record Content(Mac object, boolean isComplete, boolean hasXattrs) {}
}
