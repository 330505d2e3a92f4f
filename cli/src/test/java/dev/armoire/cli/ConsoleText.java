// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Commands with what they print, as in the {@code console} blocks of the docs. A command begins with {@code $ } and goes on
 * in the next line behind a backslash; its output follows.
 *
 * <p>In what is expected, {@code …} stands for any text within a line, or, alone in a line, for any lines. What differs from run
 * to run need not: times, durations, sizes from 1 KiB on, UUIDs, digests of 16 and 64 digits, and ids of eight hex digits, which stand for the same id wherever they, or
 * at least four of their first digits, are found in a later command. In lists of files whoever runs this is called {@code me}.
 */
final class ConsoleText {
    private static final String SPAN = "(?:\\d+(?:\\.\\d+)?(?:h|m|s|ms|µs|ns))+";
    private static final Pattern VARYING = Pattern.compile("(?<any>…)"
            + "|(?<uuid>\\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\b)"
            + "|(?<mac>\\b[0-9a-f]{64}\\b)"
            + "|(?<half>\\b[0-9a-f]{16}\\b)"
            + "|(?<id>\\b[0-9a-f]{8}\\b)"
            + "|(?<time>\\b\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z)"
            + "|(?<size> *\\b\\d+(?:\\.\\d+)? [KMGT]iB\\b)"
            + "|(?<span> *\\b" + SPAN + "(?![\\w.]))");
    private static final Pattern OWNERS = Pattern.compile("(?m)^(\\S+Z [dLpSDcugt-]+[rwxsStT-]{9}) +\\S+ +\\S+(?= )");

    /** One command. */
    record Step(int line, String command, List<String> expected) {}

    private final Map<String, String> ids = new LinkedHashMap<>();

    /** Takes the lines of a block apart; {@code first} is the number of the first of them. */
    static List<Step> steps(List<String> lines, int first) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.startsWith("$ ")) {
                StringBuilder command = new StringBuilder(line.substring(2));
                int at = i;
                while (lines.get(i).endsWith("\\")) {
                    command.append('\n').append(lines.get(++i));
                }
                steps.add(new Step(first + at, command.toString(), new ArrayList<>()));
            } else if (steps.isEmpty()) {
                throw new IllegalArgumentException("line " + (first + i) + " belongs to no command: " + line);
            } else {
                steps.getLast().expected().add(line);
            }
        }
        return steps;
    }

    /** Runs a command, with the ids of this run in place of those in the text. */
    ConsoleShell.Result run(ConsoleShell shell, String command) throws IOException {
        String text = command;
        for (Map.Entry<String, String> id : ids.entrySet()) {
            String known = id.getKey();
            StringBuilder digits = new StringBuilder(known.substring(0, 4));
            for (char c : known.substring(4).toCharArray()) {
                digits.append("(?:").append(c);
            }
            digits.append(")?".repeat(4));
            text = text.replaceAll("(?<![\\w/.-])" + digits + "(?![\\w.-])", id.getValue());
        }
        ConsoleShell.Result result = shell.run(text);
        String output = OWNERS.matcher(result.output()).replaceAll("$1       me       me");
        return new ConsoleShell.Result(output, result.exitCode());
    }

    /** Whether the output is what was expected, all of it; ids that are new in it are remembered. */
    boolean matches(List<String> expected, String output) {
        StringBuilder pattern = new StringBuilder();
        Map<String, String> groups = new LinkedHashMap<>();
        for (String line : expected) {
            if (line.equals("…")) {
                pattern.append("(?:.*\\n)*?");
            } else {
                pattern.append(pattern(line, groups)).append("\\n");
            }
        }
        String all = output.isEmpty() || output.endsWith("\n") ? output : output + "\n";
        return remember(Pattern.compile(pattern.toString()).matcher(all), groups);
    }

    /** The output with the ids of the text in place of those of this run. */
    List<String> told(String output) {
        String told = output;
        for (Map.Entry<String, String> id : ids.entrySet()) {
            told = told.replace(id.getValue(), id.getKey());
        }
        return told.lines().toList();
    }

    /** Whether a line of the output is like this one. */
    boolean matchesLine(String expected, String line) {
        Map<String, String> groups = new LinkedHashMap<>();
        return remember(Pattern.compile(pattern(expected, groups)).matcher(line), groups);
    }

    private boolean remember(Matcher matcher, Map<String, String> groups) {
        if (!matcher.matches()) {
            return false;
        }
        groups.forEach((id, group) -> ids.put(id, matcher.group(group)));
        return true;
    }

    /** @param groups receives, for each id that is not known yet, the group that finds it */
    private String pattern(String line, Map<String, String> groups) {
        StringBuilder pattern = new StringBuilder();
        Matcher varying = VARYING.matcher(line);
        int end = 0;
        while (varying.find()) {
            pattern.append(Pattern.quote(line.substring(end, varying.start())));
            end = varying.end();
            String id = Objects.toString(varying.group("id"), "");
            if (varying.group("any") != null) {
                pattern.append(".*?");
            } else if (varying.group("uuid") != null) {
                pattern.append("[0-9a-f-]{36}");
            } else if (varying.group("mac") != null) {
                pattern.append("[0-9a-f]{64}");
            } else if (varying.group("half") != null) {
                pattern.append("[0-9a-f]{16}");
            } else if (varying.group("time") != null) {
                pattern.append("[0-9-]{10}T[0-9:.]+Z");
            } else if (varying.group("size") != null) {
                pattern.append(" *[0-9.]+ [KMGT]iB");
            } else if (varying.group("span") != null) {
                pattern.append(" *" + SPAN);
            } else if (ids.containsKey(id)) {
                pattern.append(ids.get(id));
            } else if (groups.containsKey(id)) {
                pattern.append("\\k<").append(groups.get(id)).append('>');
            } else {
                groups.put(id, "id" + groups.size());
                pattern.append("(?<").append(groups.get(id)).append(">[0-9a-f]{8})");
            }
        }
        return pattern.append(Pattern.quote(line.substring(end))).toString();
    }
}
