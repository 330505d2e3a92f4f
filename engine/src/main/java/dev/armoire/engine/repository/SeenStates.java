// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Which states this machine has seen in a store, and which snapshots they listed. The newest state leaves no trace in the store
 * when it is gone; here it does. A file in the cache folder to which processes append what is new, with a sum for each record:
 *
 * <pre>
 *  | 0 for a state, 1 for a snapshot (4) | CRC-32C of the other fields (4) | MAC (32) |
 * </pre>
 *
 * It is made anew when a crash has left something else in it. Without it, or where it cannot be written, less is known.
 */
final class SeenStates {
    private static final int STATE = 0;
    private static final int SNAPSHOT = 1;
    private static final int RECORD_BYTES = 8 + Mac.BYTES;
    /** For some ten million of them. */
    private static final long MAX_BYTES = 400L << 20;

    private final Path file;
    private final Set<Mac> states = new HashSet<>();
    private final Set<Mac> snapshots = new HashSet<>();
    private boolean isWhole = true;

    private SeenStates(Path file) {
        this.file = file;
    }

    /** What is there; nothing when that cannot be read. */
    static SeenStates load(Path file) {
        SeenStates seen = new SeenStates(file);
        try {
            if (Files.exists(file)) {
                seen.isWhole = Files.size(file) <= MAX_BYTES && seen.decode(ByteBuffer.wrap(Files.readAllBytes(file)));
            }
        } catch (IOException e) {
            seen.isWhole = false;
        }
        return seen;
    }

    /** Whether the file is large enough for so many names; of which ones it has nothing is said. */
    static boolean mayHold(Path file, long names) {
        try {
            return Files.size(file) >= names * RECORD_BYTES;
        } catch (IOException e) {
            return false;
        }
    }

    private boolean decode(ByteBuffer records) {
        while (records.remaining() >= RECORD_BYTES) {
            ByteBuffer record = records.slice(records.position(), RECORD_BYTES);
            records.position(records.position() + RECORD_BYTES);
            Mac name = new Mac(record.getLong(8), record.getLong(16), record.getLong(24), record.getLong(32));
            if (crc(record) != record.getInt(4)) {
                return false;
            }
            (record.getInt(0) == STATE ? states : snapshots).add(name);
        }
        return !records.hasRemaining();
    }

    private static int crc(ByteBuffer record) {
        CRC32C crc = new CRC32C();
        crc.update(record.slice(0, 4));
        crc.update(record.slice(8, Mac.BYTES));
        return (int) crc.getValue();
    }

    Set<Mac> states() {
        return states;
    }

    Set<Mac> snapshots() {
        return snapshots;
    }

    /** Remembers more. Failing to do so is no error. */
    void add(Collection<Mac> newStates, Collection<Mac> newSnapshots) {
        Set<Mac> moreStates = new HashSet<>(newStates);
        moreStates.removeAll(states);
        Set<Mac> moreSnapshots = new HashSet<>(newSnapshots);
        moreSnapshots.removeAll(snapshots);
        states.addAll(moreStates);
        snapshots.addAll(moreSnapshots);
        try {
            if (!isWhole) {
                write();
            } else if (!moreStates.isEmpty() || !moreSnapshots.isEmpty()) {
                append(encode(moreStates, moreSnapshots));
            }
        } catch (IOException e) {
            // the next process tries again
        }
    }

    /** Forgets states that are there no longer, and that this is known. */
    void retain(Collection<Mac> there) throws IOException {
        if (!isWhole || states.retainAll(new HashSet<>(there))) {
            write();
        }
    }

    private void append(ByteBuffer records) throws IOException {
        if (!Files.exists(file)) {
            write(); // with rights of the owner only
            return;
        }
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            out.write(records); // at once, as others may do so now
        }
    }

    private void write() throws IOException {
        CacheFile.replace(file, encode(states, snapshots).array());
        isWhole = true;
    }

    private static ByteBuffer encode(Collection<Mac> states, Collection<Mac> snapshots) {
        ByteBuffer records = ByteBuffer.allocate((states.size() + snapshots.size()) * RECORD_BYTES);
        states.forEach(state -> put(records, STATE, state));
        snapshots.forEach(snapshot -> put(records, SNAPSHOT, snapshot));
        return records.flip();
    }

    private static void put(ByteBuffer records, int kind, Mac name) {
        ByteBuffer record = records.slice(records.position(), RECORD_BYTES);
        record.putInt(0, kind);
        record.putLong(8, name.w0())
                .putLong(16, name.w1())
                .putLong(24, name.w2())
                .putLong(32, name.w3());
        record.putInt(4, crc(record));
        records.position(records.position() + RECORD_BYTES);
    }
}
