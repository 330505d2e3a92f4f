// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Paths that were named one by one, to be found by one walk from the folder that holds them all. */
final class Selection {
    private final byte[] root;
    private final Set<ByteBuffer> selected = new HashSet<>();
    private final Set<ByteBuffer> above = new HashSet<>();
    private final List<byte[]> missing;

    private Selection(byte[] root, List<byte[]> paths, List<byte[]> missing) {
        this.root = root;
        this.missing = missing;
        for (byte[] path : paths) {
            selected.add(ByteBuffer.wrap(path));
            byte[] at = path;
            while (!SnapshotPath.isRoot(at) && above.add(ByteBuffer.wrap(SnapshotPath.parent(at)))) {
                at = SnapshotPath.parent(at);
            }
        }
    }

    /**
     * The paths of a list and some more.
     *
     * @throws CommandException when a place is no local path, or none of the paths is there
     */
    static Selection of(FileList list, List<Location> places) {
        List<String> all = new ArrayList<>(list.paths());
        for (Location place : places) {
            if (!place.scheme().equals("fs") && !place.scheme().equals("ptar")) {
                throw CommandException.usage("-files-from is for local files, and cannot be joined with " + place);
            }
            all.add(place.path());
        }
        List<byte[]> found = new ArrayList<>();
        List<byte[]> missing = new ArrayList<>();
        byte[] root = null;
        for (String text : all) {
            byte[] path = find(text);
            if (path == null) {
                missing.add(SnapshotPath.clean(absolute(text).toString().getBytes(StandardCharsets.UTF_8)));
                continue;
            }
            found.add(path);
            byte[] folder =
                    Files.isDirectory(Path.of(text), LinkOption.NOFOLLOW_LINKS) ? path : SnapshotPath.parent(path);
            root = root == null ? folder : SnapshotPath.common(root, folder);
        }
        if (root == null) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "nothing could be read, and no snapshot was made: none of the paths in the list is there");
        }
        return new Selection(root, found, missing);
    }

    private static Path absolute(String text) {
        try {
            return Path.of(text).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new CommandException(ExitCode.ERROR, "list of files: " + Failures.message(e), e);
        }
    }

    /** Where the walk meets a path: it follows no links, so those on the way are resolved. Null when nothing is there. */
    private static byte @Nullable [] find(String text) {
        Path path = absolute(text).normalize();
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        try {
            Path parent = path.getParent();
            Path name = path.getFileName();
            Path real =
                    parent == null || name == null ? path : parent.toRealPath().resolve(name);
            return SnapshotPath.clean(real.toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return null;
        }
    }

    /** The folder that holds all that was found. */
    Location root() {
        return new Location("fs", new String(root, StandardCharsets.UTF_8));
    }

    /** What was named and is not there. */
    List<byte[]> missing() {
        return missing;
    }

    /** Whether a path was named, or lies below one that was, or is a folder that leads to one. */
    boolean contains(byte[] path, boolean isDirectory) {
        if (isDirectory && above.contains(ByteBuffer.wrap(path))) {
            return true;
        }
        for (byte[] at = path; ; at = SnapshotPath.parent(at)) {
            if (selected.contains(ByteBuffer.wrap(at))) {
                return true;
            }
            if (at.length <= root.length) {
                return false;
            }
        }
    }
}
