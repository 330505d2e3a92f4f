// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Keeps what an importer delivers, and can hand it on to an exporter as the engine would. */
class Collector implements ImportSink {
    final List<ImportRecord> records = new ArrayList<>();
    final List<String> errors = new ArrayList<>();
    int stopAfter = Integer.MAX_VALUE;

    static ImportOptions options(Map<String, String> settings) {
        return new ImportOptions((path, isDirectory) -> false, true, settings, List.of());
    }

    static Importer importer(String path) throws IOException {
        return importer(path, options(Map.of()));
    }

    static Importer importer(String path, ImportOptions options) throws IOException {
        return new FsImporterFactory().open(new Location("fs", path), options);
    }

    static Exporter exporter(Path target, boolean restorePermissions, List<String> lost) throws IOException {
        return new FsExporterFactory()
                .open(
                        new Location("fs", target.toString()),
                        restorePermissions,
                        Map.of(),
                        (path, what) -> lost.add(new String(path, ISO_8859_1) + ": " + what));
    }

    Collector scan(Importer importer) throws IOException {
        importer.scan(this);
        return this;
    }

    @Override
    public void record(ImportRecord record) {
        records.add(record);
    }

    @Override
    public void error(byte[] path, String message) {
        errors.add(message);
    }

    @Override
    public boolean isStopped() {
        return records.size() >= stopAfter;
    }

    /** Paths in the order in which they came, one char a byte. */
    List<String> paths() {
        return records.stream().map(r -> new String(r.path(), ISO_8859_1)).toList();
    }

    List<String> pathsBelow(String root) {
        return paths().stream().filter(path -> path.startsWith(root + "/")).toList();
    }

    ImportRecord record(String path) {
        return records.stream()
                .filter(r -> Arrays.equals(r.path(), path.getBytes(ISO_8859_1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(path + " is not among " + paths()));
    }

    static byte[] content(ImportRecord record, int step) throws IOException {
        byte[] all = new byte[1 << 16];
        int length = 0;
        try (Arena arena = Arena.ofConfined();
                var content = record.open()) {
            MemorySegment into = arena.allocate(step);
            for (long count; (count = content.read(into)) > 0; length += (int) count) {
                all = length + count > all.length ? Arrays.copyOf(all, 2 * all.length + step) : all;
                MemorySegment.copy(into, 0, MemorySegment.ofArray(all), length, count);
            }
        }
        return Arrays.copyOf(all, length);
    }

    /** Restores all below {@code root}, with hard links found by device and inode. */
    List<String> exportTo(Exporter exporter, byte[] root, int step) throws IOException {
        List<String> failures = new ArrayList<>();
        List<ImportRecord> directories = new ArrayList<>();
        Map<String, byte[]> firstLinks = new HashMap<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(step);
            for (ImportRecord record : records) {
                if (!BytePath.isBelow(record.path(), root)) {
                    continue;
                }
                byte[] path = relative(record, root);
                try {
                    FileInfo info = record.info();
                    String inode = info.dev() + ":" + info.ino();
                    byte[] first = info.nlink() > 1 ? firstLinks.get(inode) : null;
                    if (FileMode.isDirectory(info.mode())) {
                        exporter.makeDirectory(path);
                        directories.add(record);
                        continue;
                    }
                    if (first != null) {
                        exporter.link(path, first);
                        continue;
                    }
                    if (FileMode.isSymlink(info.mode())) {
                        exporter.symlink(path, record.linkTarget(), info, xattrs(record));
                    } else if (FileMode.isRegular(info.mode())) {
                        copy(record, exporter, path, buffer);
                    } else {
                        exporter.special(path, info, xattrs(record));
                    }
                    firstLinks.put(inode, path);
                } catch (IOException e) {
                    failures.add(e.getMessage());
                }
            }
        }
        for (ImportRecord directory : directories.reversed()) {
            exporter.finishDirectory(relative(directory, root), directory.info(), xattrs(directory));
        }
        return failures;
    }

    private static byte[] relative(ImportRecord record, byte[] root) {
        byte[] path = record.path();
        if (root.length == 1) {
            return Arrays.copyOfRange(path, 1, path.length);
        }
        return path.length == root.length ? BytePath.EMPTY : Arrays.copyOfRange(path, root.length + 1, path.length);
    }

    private static void copy(ImportRecord record, Exporter exporter, byte[] path, MemorySegment buffer)
            throws IOException {
        try (var content = record.open();
                var output = exporter.createFile(path, record.info(), xattrs(record))) {
            for (long count; (count = content.read(buffer)) > 0; ) {
                output.write(buffer.asSlice(0, count).asReadOnly());
            }
            output.commit(xattrs(record));
        }
    }

    private static List<Exporter.Xattr> xattrs(ImportRecord record) throws IOException {
        List<Exporter.Xattr> values = new ArrayList<>();
        for (byte[] name : record.xattrNames()) {
            values.add(new Exporter.Xattr(name, record.readXattr(name)));
        }
        return values;
    }
}
