// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoField;
import java.util.Locale;

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
        double value = Math.floor(size / Math.scalb(1.0, unit * 10) * 10 + 0.5) / 10;
        return String.format(Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
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
        return SECONDS.format(time);
    }

    /** A time as Go prints it by itself: {@code 2026-11-23 09:24:18.12 +0000 UTC}. */
    static String fullTime(Instant time) {
        int nanos = time.get(ChronoField.NANO_OF_SECOND);
        String fraction = nanos == 0 ? "" : decimal(nanos, SECOND).substring(1);
        return GO_TIME.format(time) + fraction + " +0000 UTC";
    }
}
