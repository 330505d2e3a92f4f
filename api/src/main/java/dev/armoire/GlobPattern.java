// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.regex.PatternSyntaxException;

/** Globs as {@link java.nio.file.FileSystem#getPathMatcher} describes them, as regular expressions. */
final class GlobPattern {
    private static final String META = "\\^$.|?*+()[]{}&-~#";

    private final String glob;
    private final StringBuilder out = new StringBuilder();
    private int at;

    private GlobPattern(String glob) {
        this.glob = glob;
    }

    static String toRegex(String glob) {
        return new GlobPattern(glob).translated();
    }

    private String translated() {
        boolean inGroup = false;
        while (at < glob.length()) {
            char c = glob.charAt(at++);
            switch (c) {
                case '\\' -> {
                    if (at == glob.length()) {
                        throw wrong("no character to escape");
                    }
                    literal(glob.charAt(at++));
                }
                case '*' -> {
                    boolean crosses = at < glob.length() && glob.charAt(at) == '*';
                    at += crosses ? 1 : 0;
                    out.append(crosses ? ".*" : "[^/]*");
                }
                case '?' -> out.append("[^/]");
                case '[' -> bracket();
                case '{' -> {
                    if (inGroup) {
                        throw wrong("groups cannot be in groups");
                    }
                    inGroup = true;
                    out.append("(?:(?:");
                }
                case '}' -> {
                    out.append(inGroup ? "))" : "\\}");
                    inGroup = false;
                }
                case ',' -> out.append(inGroup ? ")|(?:" : ",");
                default -> literal(c);
            }
        }
        if (inGroup) {
            throw wrong("a group does not end");
        }
        return out.toString();
    }

    private void bracket() {
        out.append("[[^/]&&[");
        if (at < glob.length() && glob.charAt(at) == '!') {
            out.append('^');
            at++;
        }
        boolean isFirst = true;
        while (at < glob.length()) {
            char c = glob.charAt(at++);
            if (c == ']' && !isFirst) {
                out.append("]]");
                return;
            }
            if (c == '/') {
                throw wrong("a slash in a bracket");
            }
            boolean isRange = !isFirst && c == '-' && at < glob.length() && glob.charAt(at) != ']';
            if (isRange) {
                out.append('-');
            } else {
                literal(c);
            }
            isFirst = false;
        }
        throw wrong("a bracket does not end");
    }

    private void literal(char c) {
        if (META.indexOf(c) >= 0) {
            out.append('\\');
        }
        out.append(c);
    }

    private PatternSyntaxException wrong(String reason) {
        return new PatternSyntaxException(reason, glob, at - 1);
    }
}
