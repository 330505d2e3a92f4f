// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When something is due, in the time of the machine: the five fields of cron, or words for them ({@code hourly},
 * {@code daily 02:30}, {@code mon-fri 19:00}, {@code monthly 15 04:00}).
 */
final class Schedule {
    private static final List<String> DAYS = List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat");
    private static final List<String> MONTHS =
            List.of("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

    private static final Map<String, String> ALONE =
            Map.of("hourly", "0 * * * *", "daily", "0 0 * * *", "weekly", "0 0 * * 0", "monthly", "0 0 1 * *");

    private static final Pattern AT = Pattern.compile("(\\S+)(?: ([0-9]{1,2}))? ([01]?[0-9]|2[0-3]):([0-5][0-9])");
    private static final Pattern PART = Pattern.compile("(\\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]{1,2}))?");

    private static final String WANTED = "five fields as in a crontab, hourly, daily, weekly, monthly, daily 02:30,"
            + " mon-fri 19:00 or monthly 15 04:00";

    /** One field: what it is called, its least and greatest number, and names for numbers. */
    private record Field(String name, int least, int greatest, List<String> words) {}

    private static final List<Field> FIELDS = List.of(
            new Field("minute", 0, 59, List.of()),
            new Field("hour", 0, 23, List.of()),
            new Field("day of the month", 1, 31, List.of()),
            new Field("month", 1, 12, MONTHS),
            new Field("day of the week", 0, 7, DAYS));

    private final List<String> fields;

    private Schedule(List<String> fields) {
        this.fields = fields;
    }

    /** @throws CommandException when it cannot be understood, or not be told to both cron and systemd */
    static Schedule parse(String text) {
        String plain = text.strip().toLowerCase(Locale.ROOT).replaceAll("\\s+", " ");
        List<String> fields = List.of(cronOf(plain).split(" "));
        if (fields.size() != FIELDS.size()) {
            throw CommandException.usage("schedule \"" + text + "\": " + WANTED + " are wanted");
        }
        for (int i = 0; i < fields.size(); i++) {
            numbers(fields.get(i), FIELDS.get(i), text);
        }
        if (!fields.get(2).equals("*") && !fields.get(4).equals("*")) {
            throw CommandException.usage(
                    "schedule \"" + text + "\": cron takes a day of the month and a day of the week"
                            + " for either of them, systemd for both; give one of the two");
        }
        return new Schedule(fields);
    }

    private static String cronOf(String text) {
        String alone = ALONE.get(text.startsWith("@") ? text.substring(1) : text);
        if (alone != null) {
            return alone;
        }
        Matcher at = AT.matcher(text);
        if (!at.matches()) {
            return text;
        }
        String time = Integer.parseInt(at.group(4)) + " " + Integer.parseInt(at.group(3)) + ' ';
        String days = at.group(1);
        String day = at.group(2);
        if (days.equals("monthly")) {
            return time + (day == null ? "1" : day) + " * *";
        }
        return day != null ? text : time + "* * " + (days.equals("daily") ? "*" : days);
    }

    /** All numbers that a field means, in order. */
    private static SortedSet<Integer> numbers(String field, Field kind, String text) {
        SortedSet<Integer> numbers = new TreeSet<>();
        for (String part : field.split(",", -1)) {
            Matcher parts = PART.matcher(part);
            if (!parts.matches()) {
                throw bad(part, kind, text);
            }
            boolean isAny = parts.group(1).equals("*");
            boolean isRange = parts.group(2) != null;
            int from = isAny ? kind.least : number(parts.group(1), kind, text);
            int to = isAny ? kind.greatest : isRange ? number(parts.group(2), kind, text) : from;
            int step = parts.group(3) == null ? 1 : Integer.parseInt(parts.group(3));
            if (isAny && isRange || step < 1 || to < from || step > 1 && !isAny && !isRange) {
                throw bad(part, kind, text);
            }
            for (int number = from; number <= to; number += step) {
                numbers.add(number);
            }
        }
        return numbers;
    }

    private static int number(String word, Field kind, String text) {
        int number = kind.words.indexOf(word);
        if (number < 0 && word.matches("[0-9]{1,2}")) {
            number = Integer.parseInt(word);
        }
        if (number < kind.least || number > kind.greatest) {
            throw bad(word, kind, text);
        }
        return number;
    }

    private static CommandException bad(String part, Field kind, String text) {
        return CommandException.usage("schedule \"" + text + "\": \"" + part + "\" is no " + kind.name + " from "
                + kind.least + " to " + kind.greatest + "; " + WANTED + " are wanted");
    }

    /** As a crontab has it. */
    String cron() {
        return String.join(" ", fields);
    }

    /** As {@code OnCalendar=} of systemd has it. */
    String systemd() {
        String days = "";
        if (!fields.get(4).equals("*")) {
            TreeSet<Integer> numbers = new TreeSet<>();
            numbers(fields.get(4), FIELDS.get(4), "").forEach(number -> numbers.add(number % 7));
            days = String.join(
                            ",",
                            numbers.stream()
                                    .map(number ->
                                            DAYS.get(number).substring(0, 1).toUpperCase(Locale.ROOT)
                                                    + DAYS.get(number).substring(1))
                                    .toList())
                    + ' ';
        }
        return days + "*-" + list(3) + '-' + list(2) + ' ' + list(1) + ':' + list(0) + ":00";
    }

    private String list(int index) {
        if (fields.get(index).equals("*")) {
            return "*";
        }
        List<String> texts = new ArrayList<>();
        numbers(fields.get(index), FIELDS.get(index), "")
                .forEach(number -> texts.add(String.format(Locale.ROOT, "%02d", number)));
        return String.join(",", texts);
    }
}
