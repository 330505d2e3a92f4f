// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads points in time as people write them in queries: RFC 3339, dates and times in UTC, {@code today},
 * {@code yesterday}, and how long ago, as in {@code 2h30m} or {@code 3 days}. Everything Plakar reads has the same sense
 * here, but nothing is skipped: text that is not understood is an error.
 */
public final class TimeExpressions {
    /**
     * A point in time.
     *
     * @param instant the point itself
     * @param monthsByM a lone {@code m} stood for months of 30 days where minutes may have been meant: worth a warning
     */
    public record PointInTime(Instant instant, boolean monthsByM) {}

    /** Long enough for everything sensible, short enough that no expression costs time. */
    private static final int MAX_LENGTH = 256;

    private static final Pattern DATE_TIME =
            Pattern.compile("(\\d{4})-(\\d{2})-(\\d{2})(?:([Tt ])(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,64}))?)?"
                    + "([Zz]|[+-]\\d{2}:\\d{2})?)?");
    private static final Pattern SLASH_DATE = Pattern.compile("(\\d{4})/(\\d{2})/(\\d{2})");

    /** Whole expressions in which m means minutes: with hours before it, or with seconds behind it. */
    private static final Pattern CLOCK = Pattern.compile("(?:(\\d+) *h *)?(\\d+) *m *(?:(\\d+) *s)?");

    private static final Pattern AMOUNT = Pattern.compile("([\\d.]+)\\s*([a-z]+)");

    private static final long SECOND = 1_000_000_000L;
    private static final long MINUTE = 60 * SECOND;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;
    private static final long WEEK = 7 * DAY;
    private static final long MONTH = 30 * DAY;
    private static final long YEAR = 365 * DAY;

    private static final Map<String, Long> PHRASES = Map.ofEntries(
            Map.entry("half an hour", 30 * MINUTE),
            Map.entry("an hour and a half", 90 * MINUTE),
            Map.entry("half a day", 12 * HOUR),
            Map.entry("a second", SECOND),
            Map.entry("a minute", MINUTE),
            Map.entry("an hour", HOUR),
            Map.entry("a day", DAY),
            Map.entry("a week", WEEK),
            Map.entry("a month", MONTH),
            Map.entry("a year", YEAR));

    private TimeExpressions() {}

    /**
     * Reads a point in time.
     *
     * @param now what durations count back from, and the day that {@code today} is (in UTC)
     * @throws InvalidTimeException if any part of the input is not understood
     */
    public static PointInTime parse(String input, Instant now) {
        if (input.isEmpty()) {
            throw new InvalidTimeException(input, "it is empty");
        }
        if (!input.strip().equals(input)) {
            throw new InvalidTimeException(input, "blanks stand around it");
        }
        if (input.length() > MAX_LENGTH) {
            throw new InvalidTimeException(input, "it is too long");
        }
        return absolute(input)
                .map(instant -> new PointInTime(instant, false))
                .orElseGet(() -> relative(input, input.toLowerCase(Locale.ROOT), now));
    }

    private static Optional<Instant> absolute(String input) {
        try {
            Matcher slash = SLASH_DATE.matcher(input);
            if (slash.matches()) {
                return Optional.of(LocalDateTime.of(number(slash, 1), number(slash, 2), number(slash, 3), 0, 0)
                        .toInstant(ZoneOffset.UTC));
            }
            Matcher dash = DATE_TIME.matcher(input);
            if (!dash.matches()) {
                return Optional.empty();
            }
            return Optional.of(dateTime(input, dash));
        } catch (DateTimeException e) {
            throw new InvalidTimeException(input, "there is no such date or time");
        }
    }

    private static Instant dateTime(String input, Matcher parts) {
        LocalDateTime day = LocalDateTime.of(number(parts, 1), number(parts, 2), number(parts, 3), 0, 0);
        String separator = parts.group(4);
        if (separator == null) {
            return day.toInstant(ZoneOffset.UTC);
        }
        String zone = parts.group(9);
        if (separator.equals(" ") && zone != null) {
            throw new InvalidTimeException(input, "a zone can only follow a time written with a T");
        }
        if (!separator.equals(" ") && parts.group(7) == null) {
            throw new InvalidTimeException(input, "seconds are missing");
        }
        LocalDateTime time = day.withHour(number(parts, 5))
                .withMinute(number(parts, 6))
                .withSecond(parts.group(7) == null ? 0 : number(parts, 7))
                .withNano(nanos(parts.group(8)));
        return time.toInstant(zone == null ? ZoneOffset.UTC : ZoneOffset.of(zone.toUpperCase(Locale.ROOT)));
    }

    private static int number(Matcher parts, int group) {
        return Integer.parseInt(parts.group(group));
    }

    /** Digits beyond the ninth are cut off. */
    private static int nanos(@Nullable String digits) {
        return digits == null ? 0 : Integer.parseInt((digits + "00000000").substring(0, 9));
    }

    private static PointInTime relative(String input, String text, Instant now) {
        if (text.equals("today") || text.equals("yesterday")) {
            Instant today = now.truncatedTo(ChronoUnit.DAYS);
            return new PointInTime(text.equals("today") ? today : today.minus(1, ChronoUnit.DAYS), false);
        }
        Long phrase = PHRASES.get(text);
        if (phrase != null) {
            return ago(input, phrase, now, false);
        }
        Matcher clock = CLOCK.matcher(text);
        if (clock.matches() && (clock.group(1) != null || clock.group(3) != null)) {
            long nanos = amount(input, clock.group(1), HOUR);
            nanos = plus(input, nanos, amount(input, clock.group(2), MINUTE));
            return ago(input, plus(input, nanos, amount(input, clock.group(3), SECOND)), now, false);
        }
        return amounts(input, text, now);
    }

    private static PointInTime amounts(String input, String text, Instant now) {
        Matcher amount = AMOUNT.matcher(text);
        long nanos = 0;
        boolean afterHours = false;
        boolean monthsByM = false;
        int at = 0;
        while (at < text.length()) {
            if (!amount.find(at) || !text.substring(at, amount.start()).isBlank()) {
                int end = amount.hasMatch() ? amount.start() : text.length();
                throw new InvalidTimeException(
                        input, "\"" + text.substring(at, end).strip() + "\" is not understood");
            }
            String unit = amount.group(2);
            boolean lone = unit.equals("m");
            monthsByM |= lone && !afterHours;
            long unitNanos = lone ? (afterHours ? MINUTE : MONTH) : unit(input, unit);
            nanos = plus(input, nanos, amount(input, amount.group(1), unitNanos));
            afterHours = unitNanos == HOUR;
            at = amount.end();
        }
        return ago(input, nanos, now, monthsByM);
    }

    private static long unit(String input, String unit) {
        return switch (unit) {
            case "s", "sec", "second", "seconds" -> SECOND;
            case "mi", "min", "minute", "minutes" -> MINUTE;
            case "h", "hr", "hour", "hours" -> HOUR;
            case "d", "day", "days" -> DAY;
            case "w", "week", "weeks" -> WEEK;
            case "mo", "month", "months" -> MONTH;
            case "y", "year", "years" -> YEAR;
            default -> throw new InvalidTimeException(input, "\"" + unit + "\" is no unit of time");
        };
    }

    private static long amount(String input, @Nullable String number, long unitNanos) {
        if (number == null) {
            return 0;
        }
        double nanos;
        try {
            nanos = Double.parseDouble(number) * unitNanos;
        } catch (NumberFormatException e) {
            throw new InvalidTimeException(input, "\"" + number + "\" is no number");
        }
        if (nanos >= Long.MAX_VALUE) {
            throw new InvalidTimeException(input, "that is more than 292 years ago");
        }
        return (long) nanos;
    }

    private static long plus(String input, long nanos, long more) {
        long sum = nanos + more;
        if (sum < 0) {
            throw new InvalidTimeException(input, "that is more than 292 years ago");
        }
        return sum;
    }

    private static PointInTime ago(String input, long nanos, Instant now, boolean monthsByM) {
        try {
            return new PointInTime(now.minusNanos(nanos), monthsByM);
        } catch (DateTimeException | ArithmeticException e) {
            throw new InvalidTimeException(input, "that is too long ago");
        }
    }
}
