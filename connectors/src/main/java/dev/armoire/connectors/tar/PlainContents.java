// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/** Contents of a tar file that is not compressed: each is at its place in the file. Owns a channel. */
final class PlainContents implements TarContents {
    private static final long STEP = 1 << 30; // a ByteBuffer cannot be larger than 2 GiB

    private final FileChannel channel;

    PlainContents(TarFile file) throws IOException {
        this.channel = FileChannel.open(file.path(), StandardOpenOption.READ);
    }

    @Override
    public ImportRecord.Content open(TarItem item) {
        return new Part(item.contentAt(), item.contentAt() + item.storedBytes());
    }

    private final class Part implements ImportRecord.Content {
        private final long end;
        private long position;

        Part(long from, long end) {
            this.position = from;
            this.end = end;
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            long wanted = Math.min(into.byteSize(), end - position);
            long filled = 0;
            while (filled < wanted) {
                long step = Math.min(STEP, wanted - filled);
                int count = channel.read(into.asSlice(filled, step).asByteBuffer(), position);
                if (count < 0) {
                    throw TarStream.cutOff(position);
                }
                filled += count;
                position += count;
            }
            return filled;
        }

        @Override
        public void close() {
            // holds nothing
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
