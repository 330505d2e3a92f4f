// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import dev.armoire.engine.exclude.NameGlob;
import dev.armoire.engine.record.SnapshotPath;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A pattern for paths. One without a slash is for the name alone; one with slashes for the last parts of the path, or from
 * {@code /} on if it begins with one. A part {@code **} is any number of parts, a slash at the end means directories. The
 * parts are as in {@link NameGlob}. Immutable.
 */
public final class PathPattern {
    /** A null is {@code **}. */
    private final List<@Nullable NameGlob> parts;

    private final boolean isForDirectories;

    private PathPattern(List<@Nullable NameGlob> parts, boolean isForDirectories) {
        this.parts = parts;
        this.isForDirectories = isForDirectories;
    }

    /**
     * Reads a pattern.
     *
     * @throws NameGlob.SyntaxException when a part is no pattern; its reason completes a sentence about it
     */
    public static PathPattern parse(byte[] text) throws NameGlob.SyntaxException {
        int end = text.length;
        boolean isForDirectories = end > 1 && text[end - 1] == '/';
        List<@Nullable NameGlob> parts = new ArrayList<>();
        if (end == 0 || text[0] != '/') {
            parts.add(null);
        }
        for (byte[] part : SnapshotPath.components(text)) {
            boolean isAny = part.length == 2 && part[0] == '*' && part[1] == '*';
            if (!isAny) {
                parts.add(NameGlob.parse(part));
            } else if (parts.isEmpty() || parts.getLast() != null) {
                parts.add(null);
            }
        }
        return new PathPattern(parts, isForDirectories);
    }

    /** Whether an absolute clean path matches. */
    public boolean matches(byte[] path, boolean isDirectory) {
        return (isDirectory || !isForDirectories) && matches(0, path, 1);
    }

    /** Whether a path could match whose last name stands in {@code from..to} of {@code text}. */
    public boolean mayMatchName(byte[] text, int from, int to) {
        NameGlob last = parts.isEmpty() ? null : parts.getLast();
        return last == null || last.matches(text, from, to);
    }

    /** Whether a path could match whatever its last name is. */
    public boolean mayMatchAnyName() {
        return parts.isEmpty() || parts.getLast() == null || parts.getLast().isAny();
    }

    /** Bytes that stand in the last name of each path that matches, where a slash ends that name; empty when there are none. */
    public byte[] needle() {
        NameGlob last = parts.isEmpty() ? null : parts.getLast();
        return last == null ? new byte[0] : last.longestRun((byte) '/');
    }

    /** @param from where the next part of the path begins, one behind a slash */
    private boolean matches(int part, byte[] path, int from) {
        boolean isAtEnd = from >= path.length;
        if (part == parts.size()) {
            return isAtEnd;
        }
        NameGlob glob = parts.get(part);
        if (glob == null) {
            if (part + 1 == parts.size()) {
                return !isAtEnd || parts.size() == 1;
            }
            for (int at = from; at < path.length; at = nameEnd(path, at) + 1) {
                if (matches(part + 1, path, at)) {
                    return true;
                }
            }
            return false;
        }
        if (isAtEnd) {
            return false;
        }
        int end = nameEnd(path, from);
        return glob.matches(path, from, end) && matches(part + 1, path, end + 1);
    }

    private static int nameEnd(byte[] path, int from) {
        int end = from;
        while (end < path.length && path[end] != '/') {
            end++;
        }
        return end;
    }
}
