// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/**
 * A tar file as it was when it was opened. How it is compressed is told by its first bytes, not by its name.
 *
 * @param size bytes of the file
 * @param modified time of its last change
 */
record TarFile(Path path, Compression compression, long size, java.time.Instant modified) {
    private static final int BUFFER_BYTES = 64 << 10;

    /** How a tar file is compressed, and by which bytes that is known. */
    enum Compression {
        GZIP("\u001f\u008b"),
        BZIP2("BZh"),
        XZ("\u00fd7zXZ"),
        ZSTD("(\u00b5/\u00fd"),
        NONE("");

        /** A byte in each character. */
        private final String magic;

        Compression(String magic) {
            this.magic = magic;
        }

        private static Compression of(byte[] head) {
            String start = new String(head, StandardCharsets.ISO_8859_1);
            for (Compression compression : values()) {
                if (start.startsWith(compression.magic)) {
                    return compression;
                }
            }
            return NONE;
        }
    }

    static TarFile of(Path path) throws IOException {
        BasicFileAttributes attributes;
        byte[] head;
        try {
            attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new IOException(
                        path + " is no regular file: a tar file is read twice, so save it to a file first");
            }
            try (InputStream in = Files.newInputStream(path)) {
                head = in.readNBytes(8);
            }
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(path.toString(), null, "no such file");
        }
        Compression compression = Compression.of(head);
        if (compression == Compression.XZ || compression == Compression.ZSTD) {
            String program = compression == Compression.XZ ? "xz" : "zstd";
            throw new IOException(path + " is compressed with " + program
                    + ", which is not read here; decompress it first: " + program + " -d -k FILE");
        }
        return new TarFile(
                path,
                compression,
                attributes.size(),
                attributes.lastModifiedTime().toInstant());
    }

    boolean isPlain() {
        return compression == Compression.NONE;
    }

    /** What is in it, decompressed, from the front. */
    TarStream open() throws IOException {
        InputStream file = new BufferedInputStream(Files.newInputStream(path), BUFFER_BYTES);
        try {
            return switch (compression) {
                case GZIP ->
                    new TarStream(new BufferedInputStream(new GZIPInputStream(file, BUFFER_BYTES), BUFFER_BYTES));
                case BZIP2 ->
                    new TarStream(new BufferedInputStream(new BZip2CompressorInputStream(file, true), BUFFER_BYTES));
                default -> new TarStream(file, size);
            };
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /**
     * Looks after it again.
     *
     * @throws IOException when it is not what it was
     */
    void checkUnchanged() throws IOException {
        BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
        if (now.size() != size || !now.lastModifiedTime().toInstant().equals(modified)) {
            throw new IOException(path + " has changed while it was read; back it up again when nobody writes to it");
        }
    }
}
