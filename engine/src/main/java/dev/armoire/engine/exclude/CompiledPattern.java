// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One pattern, ready to be matched. Any thread may match; whether it ever did is kept for all of them. */
final class CompiledPattern {
    private final ExcludePattern source;
    private final boolean negated;
    private final boolean directoriesOnly;
    private final boolean relativeOnly;
    /** With a slash before its end: the parts between slashes, null for {@code **}; empty parts are left out. */
    private final @Nullable NameGlob[] segments;
    /** Where {@code **} stood, an empty part stood before: it takes back the freedom to skip. */
    private final boolean[] afterEmpty;

    private final boolean anchored;
    private volatile boolean matched;

    private CompiledPattern(
            ExcludePattern source,
            boolean negated,
            boolean directoriesOnly,
            boolean relativeOnly,
            boolean anchored,
            List<@Nullable NameGlob> segments,
            boolean[] afterEmpty) {
        this.source = source;
        this.negated = negated;
        this.directoriesOnly = directoriesOnly;
        this.relativeOnly = relativeOnly;
        this.anchored = anchored;
        this.segments = segments.toArray(new NameGlob[0]);
        this.afterEmpty = afterEmpty;
    }

    /** Compiles a pattern from which comments, line ends and trailing blanks are already gone. */
    static CompiledPattern parse(byte[] line, ExcludePattern source) throws NameGlob.SyntaxException {
        int from = 0;
        int to = line.length;
        boolean negated = to > 0 && line[0] == '!';
        if (negated) {
            from++;
        }
        if (!(to - from >= 2 && line[to - 1] == ' ' && line[to - 2] == '\\')) {
            while (to > from && line[to - 1] == ' ') {
                to--;
            }
        }
        boolean relativeOnly = to - from >= 2 && line[from] == '.' && line[from + 1] == '/';
        if (relativeOnly) {
            from += 2;
        }
        boolean directoriesOnly = to > from && line[to - 1] == '/';
        if (directoriesOnly) {
            to--;
        }
        boolean anchored = relativeOnly;
        List<byte[]> parts = new ArrayList<>();
        int start = from;
        for (int i = from; i <= to; i++) {
            if (i == to || line[i] == '/') {
                anchored |= i < to;
                parts.add(Arrays.copyOfRange(line, start, i));
                start = i + 1;
            }
        }
        List<@Nullable NameGlob> segments = new ArrayList<>();
        boolean[] afterEmpty = new boolean[parts.size()];
        boolean names = false;
        for (byte[] part : parts) {
            if (part.length == 0) {
                afterEmpty[segments.size()] = true;
                continue;
            }
            if (anchored && isDoubleStar(part)) {
                segments.add(null);
                continue;
            }
            if (anchored && containsDoubleStar(part)) {
                throw new NameGlob.SyntaxException("matches nothing: ** must stand alone between slashes");
            }
            segments.add(NameGlob.parse(part));
            names = true;
        }
        if (!names) {
            throw new NameGlob.SyntaxException("matches nothing: it names nothing");
        }
        return new CompiledPattern(source, negated, directoriesOnly, relativeOnly, anchored, segments, afterEmpty);
    }

    private static boolean isDoubleStar(byte[] part) {
        return part.length == 2 && part[0] == '*' && part[1] == '*';
    }

    private static boolean containsDoubleStar(byte[] part) {
        return new String(part, StandardCharsets.ISO_8859_1).contains("**");
    }

    ExcludePattern source() {
        return source;
    }

    boolean negated() {
        return negated;
    }

    boolean hasMatched() {
        return matched;
    }

    void noteMatch() {
        // Written once, so that threads that match all the time do not take the cache line from each other.
        if (!matched) {
            matched = true;
        }
    }

    /**
     * Matches a path without its leading slash: the bytes from {@code start} on.
     *
     * @param namesFrom where the names begin that a pattern without a slash is for
     */
    boolean matches(byte[] path, int start, int namesFrom, boolean isDirectory, byte[][] roots) {
        if (!anchored) {
            return matchesAnyName(path, namesFrom, isDirectory);
        }
        if (!relativeOnly && matchesFrom(path, start, isDirectory)) {
            return true;
        }
        for (byte[] root : roots) {
            int below = below(root, path);
            // Relative to "/" is what was tried already.
            if ((below > start || (relativeOnly && below == start)) && matchesFrom(path, below, isDirectory)) {
                return true;
            }
        }
        return false;
    }

    /** Where the part of {@code path} below {@code root} starts, or -1 if it is not below. */
    static int below(byte[] root, byte[] path) {
        if (path.length <= root.length || !Arrays.equals(root, 0, root.length, path, 0, root.length)) {
            return -1;
        }
        if (root[root.length - 1] == '/') {
            return root.length;
        }
        return path[root.length] == '/' && path.length > root.length + 1 ? root.length + 1 : -1;
    }

    /** The first name that matches decides; what lies below it matches with it. */
    private boolean matchesAnyName(byte[] path, int start, boolean isDirectory) {
        NameGlob name = segments[0];
        if (name == null) {
            return false;
        }
        for (int from = start; from <= path.length; ) {
            int to = nameEnd(path, from);
            if (name.matches(path, from, to)) {
                return !directoriesOnly || isDirectory || to < path.length;
            }
            from = to + 1;
        }
        return false;
    }

    /** The parts in order, each against the next name; after {@code **} against the next that matches, if any does. */
    private boolean matchesFrom(byte[] path, int start, boolean isDirectory) {
        int at = start;
        boolean result = false;
        boolean skipping = false;
        for (int i = 0; i < segments.length; i++) {
            skipping &= !afterEmpty[i];
            NameGlob segment = segments[i];
            if (segment == null) {
                if (i == segments.length - 1) {
                    break;
                }
                skipping = true;
                continue;
            }
            if (at > path.length) {
                return false;
            }
            if (!skipping) {
                int to = nameEnd(path, at);
                if (!segment.matches(path, at, to)) {
                    return false;
                }
                result = true;
                at = to + 1;
                continue;
            }
            skipping = false;
            boolean found = false;
            while (!found && at <= path.length) {
                int to = nameEnd(path, at);
                found = segment.matches(path, at, to);
                at = to + 1;
            }
            result = found;
        }
        return result && !(directoriesOnly && !isDirectory && at > path.length);
    }

    private static int nameEnd(byte[] path, int from) {
        int at = from;
        while (at < path.length && path[at] != '/') {
            at++;
        }
        return at;
    }
}
