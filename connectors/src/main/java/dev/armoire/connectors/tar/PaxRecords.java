// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The records of a pax header, {@code LENGTH KEY=VALUE} and a line feed; the length counts its own digits. */
final class PaxRecords {
    private static final int MAX_LENGTH_DIGITS = 9;
    private static final int MAX_NUMBER_LENGTH = 64;
    private static final int NANO_DIGITS = 9;

    /** Receives a record. The key has a character for each byte. */
    @FunctionalInterface
    interface Visitor {
        void record(String key, byte[] value) throws IOException;
    }

    /** Seconds since 1970 and what is above, never negative. */
    record Time(long seconds, int nanos) {}

    private PaxRecords() {}

    static void forEach(byte[] header, Visitor visitor) throws IOException {
        int at = 0;
        while (at < header.length && header[at] != 0) {
            int space = at;
            int length = 0;
            while (space < header.length && header[space] >= '0' && header[space] <= '9') {
                length = 10 * length + header[space++] - '0';
                if (space - at > MAX_LENGTH_DIGITS) {
                    throw damaged();
                }
            }
            int end = at + length;
            int equals = space + 1;
            if (space == at
                    || space >= header.length
                    || header[space] != ' '
                    || end > header.length
                    || end <= equals
                    || header[end - 1] != '\n') {
                throw damaged();
            }
            while (equals < end && header[equals] != '=') {
                equals++;
            }
            if (equals >= end - 1) {
                throw damaged();
            }
            String key = new String(header, space + 1, equals - space - 1, StandardCharsets.ISO_8859_1);
            visitor.record(key, Arrays.copyOfRange(header, equals + 1, end - 1));
            at = end;
        }
    }

    private static IOException damaged() {
        return new IOException("a pax header is damaged");
    }

    static void write(ByteArrayOutputStream out, byte[] key, byte[] value) {
        int rest = key.length + value.length + 3;
        int length = rest + 1;
        while (length != rest + Integer.toString(length).length()) {
            length = rest + Integer.toString(length).length();
        }
        out.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(key);
        out.write('=');
        out.writeBytes(value);
        out.write('\n');
    }

    /** A whole number, or what is before its point. */
    static long number(String key, byte[] value) throws IOException {
        return time(key, value).seconds;
    }

    static Time time(String key, byte[] value) throws IOException {
        String text = new String(value, StandardCharsets.ISO_8859_1);
        boolean isNumber = !text.isEmpty() && text.length() <= MAX_NUMBER_LENGTH;
        for (int i = 0; isNumber && i < text.length(); i++) {
            char c = text.charAt(i);
            isNumber = (c >= '0' && c <= '9') || c == '.' || (c == '-' && i == 0);
        }
        try {
            if (isNumber) {
                BigDecimal number = new BigDecimal(text);
                BigDecimal seconds = number.setScale(0, java.math.RoundingMode.FLOOR);
                int nanos = number.subtract(seconds)
                        .movePointRight(NANO_DIGITS)
                        .setScale(0, java.math.RoundingMode.FLOOR)
                        .intValueExact();
                return new Time(seconds.longValueExact(), nanos);
            }
        } catch (ArithmeticException | NumberFormatException e) {
            // told below
        }
        throw new IOException("a pax header is damaged: " + key + " is no number");
    }

    static byte[] text(long seconds, int nanos) {
        return BigDecimal.valueOf(seconds)
                .add(BigDecimal.valueOf(nanos, NANO_DIGITS))
                .toPlainString()
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** The name of an attribute as GNU tar writes it into a key. */
    static String encodeName(String name) {
        return name.replace("%", "%25").replace("=", "%3D");
    }

    static String decodeName(String name) {
        return name.replace("%3D", "=").replace("%25", "%");
    }
}
