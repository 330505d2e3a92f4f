// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.spi.BytePath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/** Where the paths of a snapshot lie below a target. Refuses names that lead elsewhere, and symbolic links on the way. */
record NioTarget(Path path) {
    /** A place below the target whose parents are real directories. */
    Path resolve(byte[] relative) throws IOException {
        String whole = BytePath.text(relative);
        Path at = path;
        for (String name : decode(relative).toString().isEmpty() ? List.of("") : List.of(whole.split("/", -1))) {
            if (!at.equals(path) && !Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException("open " + at + ": file exists and is no directory");
            }
            Path next = single(name, whole);
            at = at.resolve(next);
        }
        return at;
    }

    private Path single(String name, String whole) throws IOException {
        try {
            Path part = path.getFileSystem().getPath(name);
            boolean isPlain = !name.isEmpty()
                    && !name.equals(".")
                    && !name.equals("..")
                    && !part.isAbsolute()
                    && part.getRoot() == null
                    && part.getNameCount() == 1
                    && part.toString().equals(name);
            if (isPlain) {
                return part;
            }
        } catch (InvalidPathException e) {
            throw new IOException("restore to " + path + ": this system cannot store the name " + whole, e);
        }
        throw new IOException("restore to " + path + ": refused the name " + whole);
    }

    Path decode(byte[] bytes) throws IOException {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return path.getFileSystem().getPath(text);
        } catch (CharacterCodingException | InvalidPathException e) {
            throw new IOException(
                    "restore to " + path + ": this system cannot store the name "
                            + BytePath.text(bytes).replace('\0', '\uFFFD'),
                    e);
        }
    }
}
