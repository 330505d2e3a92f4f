// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Leaves out files that are larger than was asked for, and counts them. */
final class SizeLimit {
    private static final Pattern SIZE =
            Pattern.compile("(\\d+(?:\\.\\d+)?) ?([kmgtp]?)(i?b?)", Pattern.CASE_INSENSITIVE);

    private final String text;
    private final long bytes;
    private final AtomicLong leftOut = new AtomicLong();

    SizeLimit(String text, long bytes) {
        this.text = text;
        this.bytes = bytes;
    }

    /** The limit of -exclude-larger-than, or none. */
    static SizeLimit of(Flags.Arguments arguments) {
        String text = arguments.get("exclude-larger-than");
        return text == null ? new SizeLimit("", Long.MAX_VALUE) : new SizeLimit(text, parse(text));
    }

    /** Bytes; K, KB and KiB are all 1024 of them, as everywhere in this program. */
    private static long parse(String text) {
        Matcher parts = SIZE.matcher(text.strip());
        if (parts.matches()
                && !(parts.group(2).isEmpty()
                        && parts.group(3).toLowerCase(Locale.ROOT).startsWith("i"))) {
            int power = " kmgtp"
                    .indexOf(
                            parts.group(2).isEmpty()
                                    ? ' '
                                    : parts.group(2).toLowerCase(Locale.ROOT).charAt(0));
            BigDecimal size = new BigDecimal(parts.group(1)).multiply(BigDecimal.valueOf(1L << (10 * power)));
            if (size.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) < 0) {
                return size.longValue();
            }
        }
        throw CommandException.usage("invalid -exclude-larger-than value " + text
                + ": a size is wanted, such as 500M, 2GiB or a number of bytes");
    }

    String text() {
        return text;
    }

    /** Files left out so far. */
    long leftOut() {
        return leftOut.get();
    }

    /** What passes on what is not too large. */
    ImportSink before(ImportSink sink) {
        if (bytes == Long.MAX_VALUE) {
            return sink;
        }
        return new ImportSink() {
            @Override
            public void record(ImportRecord record) {
                if (FileMode.isRegular(record.info().mode()) && record.info().size() > bytes) {
                    leftOut.incrementAndGet();
                } else {
                    sink.record(record);
                }
            }

            @Override
            public void error(byte[] path, String message) {
                sink.error(path, message);
            }

            @Override
            public boolean isStopped() {
                return sink.isStopped();
            }
        };
    }
}
