// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The paths that files given with -files-from and -files-from0 name, as they stand there. */
record FileList(List<String> paths) {
    /** Reads them all; null when none is given. */
    static @Nullable FileList read(Flags.Arguments arguments) {
        List<String> lines = arguments.all("files-from");
        List<String> raw = arguments.all("files-from0");
        if (lines.isEmpty() && raw.isEmpty()) {
            return null;
        }
        if (lines.stream().filter("-"::equals).count()
                        + raw.stream().filter("-"::equals).count()
                > 1) {
            throw CommandException.usage("-files-from - and -files-from0 -: standard input can be read only once");
        }
        List<String> paths = new ArrayList<>();
        for (String file : lines) {
            split(file, '\n', paths);
        }
        for (String file : raw) {
            split(file, '\0', paths);
        }
        if (paths.isEmpty()) {
            throw new CommandException(
                    ExitCode.ERROR, String.join(", ", concat(lines, raw)) + ": names nothing to back up");
        }
        return new FileList(paths);
    }

    private static List<String> concat(List<String> a, List<String> b) {
        List<String> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    private static void split(String file, char end, List<String> paths) {
        byte[] content;
        try {
            content = file.equals("-") ? System.in.readAllBytes() : Files.readAllBytes(Path.of(file));
        } catch (IOException | InvalidPathException e) {
            throw new CommandException(
                    ExitCode.ERROR, "cannot read the list of files " + file + ": " + Failures.message(e), e);
        }
        int number = 0;
        for (int from = 0; from < content.length; ) {
            int to = from;
            while (to < content.length && content[to] != end) {
                to++;
            }
            number++;
            String path = text(file, number, ByteBuffer.wrap(content, from, to - from));
            if (end == '\n' && path.endsWith("\r")) {
                path = path.substring(0, path.length() - 1);
            }
            boolean isComment = end == '\n' && path.startsWith("#");
            if (!path.isEmpty() && !isComment) {
                paths.add(path);
            }
            from = to + 1;
        }
    }

    private static String text(String file, int number, ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "list of files " + file + ": path " + number + " is not UTF-8; name the folder it lies in",
                    e);
        }
    }
}
