// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Keeps what is restored, for tests to look at. Paths are ISO 8859-1 text. */
public class MemoryTarget implements Exporter {
    /** Files by path. */
    public final Map<String, byte[]> files = new ConcurrentSkipListMap<>();
    /** Directories by path; "" is the target. */
    public final Map<String, FileInfo> directories = new ConcurrentSkipListMap<>();
    /** Symbolic links and hard links, by path, as {@code -> target} and {@code = existing}. */
    public final Map<String, String> links = new ConcurrentSkipListMap<>();
    /** Everything else. */
    public final Map<String, FileInfo> specials = new ConcurrentSkipListMap<>();
    /** Attributes as {@code path name}. */
    public final Map<String, byte[]> xattrs = new ConcurrentSkipListMap<>();
    /** What each thing was said to be. */
    public final Map<String, FileInfo> infos = new ConcurrentSkipListMap<>();

    private final Map<String, Boolean> made = new ConcurrentSkipListMap<>();

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private String place(byte[] path) throws IOException {
        String text = text(path);
        if (text.isEmpty() || text.startsWith("/") || ("/" + text + "/").matches("(?s).*/(\\.\\.?)?/.*")) {
            throw new IOException("refused: " + text);
        }
        int slash = text.lastIndexOf('/');
        if (slash > 0 && !made.containsKey(text.substring(0, slash))) {
            throw new IOException("no directory for " + text);
        }
        return text;
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        made.put(place(path), true);
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        String at = place(path);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        return new FileOutput() {
            @Override
            public void write(MemorySegment data) {
                content.writeBytes(data.toArray(ValueLayout.JAVA_BYTE));
            }

            @Override
            public void commit(List<Xattr> attributes) {
                files.put(at, content.toByteArray());
                keep(at, info, attributes);
            }

            @Override
            public void close() {}
        };
    }

    private void keep(String at, FileInfo info, List<Xattr> attributes) {
        infos.put(at, info);
        for (Xattr xattr : attributes) {
            xattrs.put(at + " " + text(xattr.name()), xattr.value());
        }
    }

    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        if (!files.containsKey(text(existing))) {
            throw new IOException("no file " + text(existing));
        }
        links.put(place(path), "= " + text(existing));
    }

    @Override
    public void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> attributes) throws IOException {
        String at = place(path);
        links.put(at, "-> " + text(target));
        keep(at, info, attributes);
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> attributes) throws IOException {
        String at = place(path);
        specials.put(at, info);
        keep(at, info, attributes);
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> attributes) throws IOException {
        String at = path.length == 0 ? "" : place(path);
        directories.put(at, info);
        keep(at, info, attributes);
    }

    @Override
    public void close() {}
}
