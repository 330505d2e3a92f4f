// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The twin of {@link PosixExistingFiles} for systems without it. What was written is read back from memory, too. */
final class NioExistingFiles implements ExistingFiles {
    private final NioTarget target;

    NioExistingFiles(NioTarget target) {
        this.target = target;
    }

    private Path place(byte[] path) throws IOException {
        return path.length == 0 ? target.path() : target.resolve(path);
    }

    /** Whether all directories that a path goes through are there. */
    private boolean isReachable(byte[] path) throws IOException {
        for (int i = 0; i < path.length; i++) {
            if (path[i] == '/' && !isThere(target.resolve(Arrays.copyOf(path, i)))) {
                return false;
            }
        }
        return isThere(target.path());
    }

    private static boolean isThere(Path place) {
        return Files.exists(place, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public @Nullable FileInfo info(byte[] path) throws IOException {
        if (!isReachable(path)) {
            return null;
        }
        Path place = place(path);
        return isThere(place) ? NioImporter.attributes(place) : null;
    }

    @Override
    public byte[] linkTarget(byte[] path) throws IOException {
        return Files.readSymbolicLink(place(path)).toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public List<byte[]> list(byte[] path) throws IOException {
        List<byte[]> names = new ArrayList<>();
        if (info(path) == null) {
            return names;
        }
        try (var children = Files.newDirectoryStream(place(path))) {
            for (Path child : children) {
                names.add(child.getFileName().toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        names.sort(Arrays::compareUnsigned);
        return names;
    }

    @Override
    public ImportRecord.Content read(byte[] path) throws IOException {
        Path place = place(path);
        return new NioImporter.NioContent(
                place, FileChannel.open(place, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    }

    @Override
    public void delete(byte[] path, boolean isDirectory) throws IOException {
        if (path.length == 0) {
            throw new IOException("remove " + target.path() + ": the target itself is never removed");
        }
        Files.delete(target.resolve(path));
    }

    @Override
    public void close() {
        // holds nothing
    }
}
