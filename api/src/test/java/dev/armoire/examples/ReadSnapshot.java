// SPDX-License-Identifier: ISC
package dev.armoire.examples;

import dev.armoire.OpenOptions;
import dev.armoire.Snapshot;
import dev.armoire.SnapshotFile;
import dev.armoire.Store;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Looks into the newest snapshot of a store: what is in it, and some bytes of one file. */
public final class ReadSnapshot {
    private ReadSnapshot() {}

    /** The array with the passphrase is wiped. */
    public static String run(Path where, char[] passphrase, String file, long position) throws IOException {
        try (Store store = Store.open(where, OpenOptions.defaults().withPassphrase(passphrase))) {
            Snapshot snapshot = store.snapshot(Store.LATEST);
            try (Stream<SnapshotFile> files = snapshot.root().walk()) {
                files.forEach(item -> System.out.println(item.modified() + " " + item.size() + " " + item));
            }

            // Only the chunks that are touched are fetched and decoded, however large the file is.
            try (SeekableByteChannel channel = snapshot.openChannel(file)) {
                ByteBuffer bytes = ByteBuffer.allocate(16);
                channel.position(position).read(bytes);
                return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
            }
        }
    }
}
