// SPDX-License-Identifier: ISC
package dev.armoire.connectors;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Takes what a source of one file delivers. */
public final class OneFile implements ImportSink {
    public final List<String> paths = new ArrayList<>();
    public final List<String> errors = new ArrayList<>();
    private ImportRecord file;

    public static ImportOptions options(Map<String, String> settings) {
        return new ImportOptions((path, isDirectory) -> false, true, settings, List.of());
    }

    public static OneFile scan(Importer importer) throws IOException {
        OneFile found = new OneFile();
        importer.scan(found);
        return found;
    }

    @Override
    public void record(ImportRecord record) {
        paths.add(new String(record.path(), UTF_8));
        if (FileMode.isRegular(record.info().mode())) {
            file = record;
        }
    }

    @Override
    public void error(byte[] path, String message) {
        errors.add(new String(path, UTF_8) + ": " + message);
    }

    @Override
    public boolean isStopped() {
        return false;
    }

    public ImportRecord file() {
        return java.util.Objects.requireNonNull(file, "a file was delivered");
    }

    /** Its content, of at most a mebibyte. */
    public byte[] content() throws IOException {
        byte[] bytes = new byte[1 << 20];
        try (var content = file().open()) {
            return Arrays.copyOf(bytes, (int) content.read(MemorySegment.ofArray(bytes)));
        }
    }
}
