// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

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

    private final boolean anchored;
    private volatile boolean matched;

    private CompiledPattern(
            ExcludePattern source,
            boolean negated,
            boolean directoriesOnly,
            boolean relativeOnly,
            boolean anchored,
            List<@Nullable NameGlob> segments) {
        this.source = source;
        this.negated = negated;
        this.directoriesOnly = directoriesOnly;
        this.relativeOnly = relativeOnly;
        this.anchored = anchored;
        this.segments = segments.toArray(new NameGlob[0]);
    }

    /** Compiles a pattern from which comments, line ends and trailing blanks are already gone. */
    static CompiledPattern parse(byte[] line, ExcludePattern source) throws NameGlob.SyntaxException {
        int from = 0;
        int to = line.length;
        boolean negated = to > 0 && line[0] == '!';
        if (negated) {
            from++;
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
        for (byte[] part : parts) {
            if (part.length > 0) {
                segments.add(anchored && isDoubleStar(part) ? null : NameGlob.parse(part));
            }
        }
        if (segments.isEmpty()) {
            throw new NameGlob.SyntaxException("matches nothing: it names nothing");
        }
        return new CompiledPattern(source, negated, directoriesOnly, relativeOnly, anchored, segments);
    }

    private static boolean isDoubleStar(byte[] part) {
        return part.length == 2 && part[0] == '*' && part[1] == '*';
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

    /** Matches a path without its leading slash: the bytes from {@code start} on. What lies below it is another matter. */
    boolean matches(byte[] path, int start, boolean isDirectory, byte[][] roots) {
        if (directoriesOnly && !isDirectory) {
            return false;
        }
        if (!anchored) {
            NameGlob name = segments[0];
            return name != null && name.matches(path, nameStart(path, start), path.length);
        }
        if (!relativeOnly && matchesFrom(0, path, start)) {
            return true;
        }
        for (byte[] root : roots) {
            int below = below(root, path);
            // Relative to "/" is what was tried already.
            if ((below > start || (relativeOnly && below == start)) && matchesFrom(0, path, below)) {
                return true;
            }
        }
        return false;
    }

    /** Where the part of {@code path} below {@code root} starts, or -1 if it is not below. */
    private static int below(byte[] root, byte[] path) {
        if (path.length <= root.length || !Arrays.equals(root, 0, root.length, path, 0, root.length)) {
            return -1;
        }
        if (root[root.length - 1] == '/') {
            return root.length;
        }
        return path[root.length] == '/' && path.length > root.length + 1 ? root.length + 1 : -1;
    }

    private static int nameStart(byte[] path, int start) {
        int at = path.length;
        while (at > start && path[at - 1] != '/') {
            at--;
        }
        return at;
    }

    /** Whether the parts from one on match the names from {@code at} on; {@code **} stands for any number of names. */
    private boolean matchesFrom(int part, byte[] path, int at) {
        if (part == segments.length) {
            return at > path.length;
        }
        if (at > path.length) {
            return false;
        }
        NameGlob segment = segments[part];
        int to = nameEnd(path, at);
        if (segment != null) {
            return segment.matches(path, at, to) && matchesFrom(part + 1, path, to + 1);
        }
        if (part == segments.length - 1) {
            return true; // at its end: everything within, but not the folder itself
        }
        for (int from = at; from <= path.length; from = nameEnd(path, from) + 1) {
            if (matchesFrom(part + 1, path, from)) {
                return true;
            }
        }
        return false;
    }

    private static int nameEnd(byte[] path, int from) {
        int at = from;
        while (at < path.length && path[at] != '/') {
            at++;
        }
        return at;
    }
}
