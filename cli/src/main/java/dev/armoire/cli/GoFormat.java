// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values as Go programs print them, because scripts read Plakar's output that way. */
final class GoFormat {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final DateTimeFormatter SECONDS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter GO_TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final long MICRO = 1_000;
    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1_000_000_000;
    /** Of bit 31, 30, ... down to bit 19. */
    private static final String MODE_LETTERS = "dalTLDpSugct?";

    private GoFormat() {}

    /** A size in binary units: {@code 0 B}, {@code 4.9 MiB}, {@code 12 MiB}. The size is unsigned. */
    static String bytes(long bytes) {
        if (bytes >= 0 && bytes < 10) {
            return bytes + " B";
        }
        int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
        double size = bytes >= 0 ? bytes : (bytes >>> 1) * 2.0;
        long tenths = (long) Math.floor(size / Math.scalb(1.0, unit * 10) * 10 + 0.5);
        return (tenths < 100 ? tenths / 10 + "." + tenths % 10 : Long.toString((tenths + 5) / 10)) + " " + UNITS[unit];
    }

    /** Adds a text with blanks before it up to a width, as the verb {@code %8s} does. */
    static void right(StringBuilder line, String text, int width) {
        line.repeat(' ', Math.max(0, width - text.length())).append(text);
    }

    /** A duration: {@code 145.487035ms}, {@code 1m5s}, {@code 0s}. */
    static String duration(long nanos) {
        if (nanos == 0) {
            return "0s";
        }
        if (nanos < 0) {
            // The least number has no positive one; it is off by a nanosecond then.
            return "-" + duration(nanos == Long.MIN_VALUE ? Long.MAX_VALUE : -nanos);
        }
        if (nanos < MICRO) {
            return nanos + "ns";
        }
        if (nanos < MILLI) {
            return decimal(nanos, MICRO) + "µs";
        }
        if (nanos < SECOND) {
            return decimal(nanos, MILLI) + "ms";
        }
        long seconds = nanos / SECOND;
        long hours = seconds / 3600;
        long minutes = seconds / 60 % 60;
        String rest = decimal(seconds % 60 * SECOND + nanos % SECOND, SECOND) + "s";
        if (hours > 0) {
            return hours + "h" + minutes + "m" + rest;
        }
        return minutes > 0 ? minutes + "m" + rest : rest;
    }

    /** A duration rounded to whole seconds, halves away from zero. */
    static String seconds(long nanos) {
        long whole = (Math.abs(nanos) + SECOND / 2) / SECOND * SECOND;
        return duration(nanos < 0 ? -whole : whole);
    }

    private static String decimal(long value, long unit) {
        long fraction = value % unit;
        if (fraction == 0) {
            return Long.toString(value / unit);
        }
        String digits = Long.toString(unit + fraction).substring(1);
        int end = digits.length();
        while (digits.charAt(end - 1) == '0') {
            end--;
        }
        return value / unit + "." + digits.substring(0, end);
    }

    /** Kind, special bits and permissions: {@code -rw-r--r--}, {@code dtrwxr-xr-x}, {@code Lrwxrwxrwx}. */
    static String mode(int mode) {
        StringBuilder text = new StringBuilder(13);
        for (int i = 0; i < MODE_LETTERS.length(); i++) {
            if ((mode & 1 << (31 - i)) != 0) {
                text.append(MODE_LETTERS.charAt(i));
            }
        }
        if (text.isEmpty()) {
            text.append('-');
        }
        String permissions = "rwxrwxrwx";
        for (int i = 0; i < 9; i++) {
            text.append((mode & FileMode.PERMISSIONS & 1 << (8 - i)) != 0 ? permissions.charAt(i) : '-');
        }
        return text.toString();
    }

    /** A time in UTC, to the second: {@code 2026-11-23T09:24:18Z}. */
    static String time(Instant time) {
        OffsetDateTime at = time.atOffset(ZoneOffset.UTC);
        if (at.getYear() < 1000 || at.getYear() > 9999) {
            return SECONDS.format(time);
        }
        StringBuilder text = new StringBuilder(20).append(at.getYear()).append('-');
        twoDigits(text, at.getMonthValue()).append('-');
        twoDigits(text, at.getDayOfMonth()).append('T');
        twoDigits(text, at.getHour()).append(':');
        twoDigits(text, at.getMinute()).append(':');
        return twoDigits(text, at.getSecond()).append('Z').toString();
    }

    private static StringBuilder twoDigits(StringBuilder text, int number) {
        return text.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }

    /** A time as Go prints it by itself: {@code 2026-11-23 09:24:18.12 +0000 UTC}. */
    static String fullTime(Instant time) {
        int nanos = time.get(ChronoField.NANO_OF_SECOND);
        String fraction = nanos == 0 ? "" : decimal(nanos, SECOND).substring(1);
        return GO_TIME.format(time) + fraction + " +0000 UTC";
    }

    private static final Pattern DURATION_PART = Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h|d)");

    /**
     * Reads a duration as Go writes it, such as {@code 1h30m} or {@code 90s}, and days, such as {@code 7d}; {@code 0} needs no
     * unit.
     *
     * @param origin where it stands, for the error
     */
    static Duration parseDuration(String text, String origin) {
        Matcher parts = DURATION_PART.matcher(text);
        Duration sum = Duration.ZERO;
        int end = 0;
        try {
            while (end < text.length() && parts.find() && parts.start() == end) {
                BigDecimal nanos =
                        new BigDecimal(parts.group(1)).multiply(BigDecimal.valueOf(unitNanos(parts.group(2))));
                sum = sum.plusNanos(nanos.longValueExact());
                end = parts.end();
            }
        } catch (ArithmeticException e) {
            end = -1;
        }
        if (text.equals("0")) {
            return Duration.ZERO;
        }
        if (text.isEmpty() || end != text.length()) {
            throw CommandException.usage(origin + ": \"" + text + "\" is no duration; 90s, 15m, 1h30m or 7d would be");
        }
        return sum;
    }

    private static long unitNanos(String unit) {
        return switch (unit) {
            case "ns" -> 1;
            case "us", "µs" -> MICRO;
            case "ms" -> MILLI;
            case "s" -> SECOND;
            case "m" -> 60 * SECOND;
            case "h" -> 3600 * SECOND;
            default -> 24 * 3600 * SECOND;
        };
    }

    /** A duration in the largest unit that it is a multiple of, such as {@code 7d}. */
    static String shortDuration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds == 0 || seconds % 60 != 0) {
            return seconds + "s";
        }
        if (seconds % 3600 != 0) {
            return seconds / 60 + "m";
        }
        return seconds % 86_400 != 0 ? seconds / 3600 + "h" : seconds / 86_400 + "d";
    }
}
