// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sections of names and values, as Plakar's {@code -ini} and rclone's configuration have them. */
final class Ini {
    private static final String LONG_QUOTES = "\"\"\"";

    private Ini() {}

    /** One section, with values lined up and, where they need it, in the quotes that Plakar's parser knows. */
    static String text(String section, Map<String, String> values) {
        int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
        StringBuilder text = new StringBuilder("[").append(section).append("]\n");
        values.forEach((key, value) -> text.append(key)
                .append(" ".repeat(width - key.length()))
                .append(" = ")
                .append(quoted(value))
                .append('\n'));
        return text.toString();
    }

    private static String quoted(String value) {
        if (value.indexOf('\n') >= 0 || value.indexOf('`') >= 0) {
            return LONG_QUOTES + value + LONG_QUOTES;
        }
        boolean isPlain = value.chars().noneMatch(c -> c == '#' || c == ';' || c == '"' || c == '\'' || c == '\\')
                && value.equals(value.strip());
        return isPlain ? value : '`' + value + '`';
    }

    /**
     * The sections of a text.
     *
     * @return null when it is something else
     */
    static @Nullable Map<String, Map<String, String>> parse(String text) {
        Map<String, Map<String, String>> sections = new LinkedHashMap<>();
        Map<String, String> section = null;
        List<String> lines = new ArrayList<>(text.lines().toList());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#") || line.startsWith(";")) {
                continue;
            }
            if (line.startsWith("[") && line.endsWith("]")) {
                String name = line.substring(1, line.length() - 1).strip();
                section = sections.computeIfAbsent(name, key -> new LinkedHashMap<>());
                continue;
            }
            int equals = line.indexOf('=');
            if (equals < 1 || section == null) {
                return null;
            }
            String value = line.substring(equals + 1).strip();
            if (value.startsWith(LONG_QUOTES)) {
                StringBuilder whole = new StringBuilder(value.substring(LONG_QUOTES.length()));
                while (whole.indexOf(LONG_QUOTES) < 0 && i + 1 < lines.size()) {
                    i++;
                    whole.append('\n').append(lines.get(i));
                }
                int end = whole.indexOf(LONG_QUOTES);
                if (end < 0) {
                    return null;
                }
                value = whole.substring(0, end);
            } else {
                value = unquoted(value, i + 1);
            }
            section.put(line.substring(0, equals).strip(), value);
        }
        return sections;
    }

    private static String unquoted(String value, int line) {
        char quote = value.isEmpty() ? ' ' : value.charAt(0);
        if (value.length() > 1
                && (quote == '`' || quote == '"' || quote == '\'')
                && value.indexOf(quote, 1) == value.length() - 1) {
            return value.substring(1, value.length() - 1);
        }
        // Some programs end a value there and some do not: whichever we took, it could be a wrong password.
        if (value.contains(" #") || value.contains(" ;")) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "line " + line + ": put the value in `backquotes`, or its comment on a line of its own");
        }
        return value;
    }
}
