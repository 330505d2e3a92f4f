// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.CacheFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * When each packfile of a store was last read from front to back and found well, so that checks of a part can go on where the
 * last one ended. A file in the cache folder: 16 bytes that say what it is; for each packfile its name and seconds since 1970;
 * a CRC-32C of all that. A file that is lost or damaged is begun anew. Thread-safe.
 */
public final class ReadLog {
    private static final byte[] MAGIC = "armoire reads 1\n".getBytes(StandardCharsets.US_ASCII);
    private static final int RECORD_BYTES = Mac.BYTES + Long.BYTES;
    /** For some ten million packfiles. */
    private static final long MAX_BYTES = 400L << 20;

    private final Path file;
    private final Map<Mac, Long> seconds = new HashMap<>();
    private @Nullable String problem;

    private ReadLog(Path file) {
        this.file = file;
    }

    /** Reads what is there. What is wrong with it is no error, see {@link #problem}. */
    public static ReadLog load(Path file) {
        ReadLog log = new ReadLog(file);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException("it has " + Files.size(file) + " bytes");
            }
            log.decode(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            // the first time
        } catch (IOException e) {
            log.seconds.clear();
            log.problem = "what was read before is not known, as " + file + " cannot be read: " + e.getMessage();
        }
        return log;
    }

    private void decode(byte[] bytes) throws IOException {
        int records = (bytes.length - MAGIC.length - Integer.BYTES) / RECORD_BYTES;
        if (records < 0 || bytes.length != MAGIC.length + records * RECORD_BYTES + Integer.BYTES) {
            throw new IOException("it was cut short");
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            byte[] magic = in.readNBytes(MAGIC.length);
            byte[] name = new byte[Mac.BYTES];
            for (int i = 0; i < records; i++) {
                in.readFully(name);
                seconds.put(Mac.read(MemorySegment.ofArray(name), 0), in.readLong());
            }
            if (!java.util.Arrays.equals(magic, MAGIC) || in.readInt() != crc(bytes, bytes.length - Integer.BYTES)) {
                throw new IOException("it is damaged");
            }
        }
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /** Why something is not remembered, or null. */
    public synchronized @Nullable String problem() {
        return problem;
    }

    /** Seconds since 1970, or 0 when it was never read. */
    synchronized long lastRead(Mac packfile) {
        return seconds.getOrDefault(packfile, 0L);
    }

    synchronized void wasRead(Mac packfile, long now) {
        seconds.put(packfile, now);
    }

    synchronized void wasDamaged(Mac packfile) {
        seconds.remove(packfile);
    }

    /** Writes the file, without packfiles that are no more. Failing is no error, see {@link #problem}. */
    synchronized void save(Set<Mac> packfiles) {
        seconds.keySet().retainAll(packfiles);
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (DataOutputStream out = new DataOutputStream(bytes)) {
                out.write(MAGIC);
                byte[] name = new byte[Mac.BYTES];
                for (Map.Entry<Mac, Long> read : seconds.entrySet()) {
                    read.getKey().write(MemorySegment.ofArray(name), 0);
                    out.write(name);
                    out.writeLong(read.getValue());
                }
                out.writeInt(crc(bytes.toByteArray(), out.size()));
            }
            CacheFile.replace(file, bytes.toByteArray());
        } catch (IOException e) {
            problem = "what was read now is not remembered, as " + file + " cannot be written: " + e.getMessage();
        }
    }
}
