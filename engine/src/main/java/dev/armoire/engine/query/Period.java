// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.DayOfWeek;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.time.temporal.TemporalAdjusters;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A unit of the calendar that retention counts in, UTC throughout, weeks as in ISO 8601. In the order of Plakar's rules. */
public enum Period {
    MINUTE,
    HOUR,
    DAY,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    THURSDAY,
    FRIDAY,
    SATURDAY,
    SUNDAY,
    WEEK,
    MONTH,
    YEAR;

    /** Further back no clock has been; years can be counted so far without leaving the calendar. */
    private static final int MOST_BUCKETS = 10_000_000;

    private static final DateTimeFormatter TO_MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd-HH:mm", Locale.ROOT);
    private static final DateTimeFormatter TO_HOUR = DateTimeFormatter.ofPattern("yyyy-MM-dd-HH", Locale.ROOT);
    private static final DateTimeFormatter TO_DAY = DateTimeFormatter.ofPattern("yyyy-MM-dd", Locale.ROOT);
    private static final DateTimeFormatter TO_MONTH = DateTimeFormatter.ofPattern("yyyy-MM", Locale.ROOT);

    /** Its name in flags, policies and reports, such as {@code day}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The bucket that a time falls into, such as {@code 2026-W48}; empty for a weekday's period on another day. */
    Optional<String> bucket(OffsetDateTime time) {
        return weekday().isPresent() && weekday().get() != time.getDayOfWeek()
                ? Optional.empty()
                : Optional.of(key(time));
    }

    /**
     * Whether the bucket of {@code time} is one of the last {@code count}, that of {@code now} included, or later: what was made by a
     * clock that is ahead of this one is new, not old.
     */
    boolean isInLast(int count, OffsetDateTime time, OffsetDateTime now) {
        return !start(time).isBefore(back(start(now), Math.min(count - 1, MOST_BUCKETS)));
    }

    private Optional<DayOfWeek> weekday() {
        return Arrays.stream(DayOfWeek.values())
                .filter(day -> day.name().equals(name()))
                .findFirst();
    }

    private String key(OffsetDateTime time) {
        return switch (this) {
            case MINUTE -> TO_MINUTE.format(time);
            case HOUR -> TO_HOUR.format(time);
            case DAY -> TO_DAY.format(time);
            case WEEK -> week(time);
            case MONTH -> TO_MONTH.format(time);
            case YEAR -> String.format(Locale.ROOT, "%04d", time.getYear());
            default -> week(time) + '-' + label();
        };
    }

    private static String week(OffsetDateTime time) {
        return String.format(
                Locale.ROOT,
                "%04d-W%02d",
                time.get(IsoFields.WEEK_BASED_YEAR),
                time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
    }

    private OffsetDateTime start(OffsetDateTime time) {
        OffsetDateTime utc = time.withOffsetSameInstant(ZoneOffset.UTC);
        return switch (this) {
            case MINUTE -> utc.truncatedTo(ChronoUnit.MINUTES);
            case HOUR -> utc.truncatedTo(ChronoUnit.HOURS);
            case MONTH -> utc.truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1);
            case YEAR -> utc.truncatedTo(ChronoUnit.DAYS).withDayOfYear(1);
            case DAY -> utc.truncatedTo(ChronoUnit.DAYS);
            default ->
                utc.truncatedTo(ChronoUnit.DAYS)
                        .with(TemporalAdjusters.previousOrSame(weekday().orElse(DayOfWeek.MONDAY)));
        };
    }

    private OffsetDateTime back(OffsetDateTime start, int count) {
        return switch (this) {
            case MINUTE -> start.minusMinutes(count);
            case HOUR -> start.minusHours(count);
            case DAY -> start.minusDays(count);
            case MONTH -> start.minusMonths(count);
            case YEAR -> start.minusYears(count);
            default -> start.minusWeeks(count);
        };
    }
}
