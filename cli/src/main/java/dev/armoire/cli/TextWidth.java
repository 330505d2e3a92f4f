// SPDX-License-Identifier: ISC
package dev.armoire.cli;

/**
 * How many columns of a terminal a text takes. The JDK knows which characters combine and which are emoji; those that are wide in
 * East Asian scripts (Unicode's East Asian Width W and F) stand here.
 */
final class TextWidth {
    /** First and last code point of each range, in order. */
    private static final int[] WIDE = {
        0x1100, 0x115F, 0x231A, 0x231B, 0x2E80, 0x303E, 0x3041, 0xA4CF, 0xA960, 0xA97F, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
        0xFE10, 0xFE19, 0xFE30, 0xFE6F, 0xFF01, 0xFF60, 0xFFE0, 0xFFE6, 0x16FE0, 0x18DFF, 0x1AFF0, 0x1B2FF, 0x1F200,
        0x1F320, 0x20000, 0x3FFFD,
    };

    private TextWidth() {}

    static int of(String text) {
        return text.codePoints().map(TextWidth::of).sum();
    }

    private static int of(int c) {
        if (c < 0x300) {
            return 1;
        }
        int type = Character.getType(c);
        if (type == Character.NON_SPACING_MARK
                || type == Character.ENCLOSING_MARK
                || type == Character.FORMAT
                || c >= 0x1160 && c <= 0x11FF) {
            return 0;
        }
        for (int i = 0; i < WIDE.length && c >= WIDE[i]; i += 2) {
            if (c <= WIDE[i + 1]) {
                return 2;
            }
        }
        return Character.isEmojiPresentation(c) ? 2 : 1;
    }

    /** The text, its end cut off where it takes more columns than there are. */
    static String cut(String text, int columns) {
        return text.substring(0, fitting(text, columns));
    }

    private static int fitting(String text, int columns) {
        int left = columns;
        int at = 0;
        while (at < text.length()) {
            int c = text.codePointAt(at);
            left -= of(c);
            if (left < 0) {
                return at;
            }
            at += Character.charCount(c);
        }
        return at;
    }

    /** The text, its middle replaced by three dots where it takes more columns than there are: ends of paths tell most. */
    static String shorten(String text, int columns) {
        if (of(text) <= columns) {
            return text;
        }
        if (columns < 8) {
            return cut(text, Math.max(0, columns));
        }
        String head = cut(text, (columns - 3) / 3);
        int room = columns - 3 - of(head);
        int from = text.length();
        while (from > 0) {
            int c = text.codePointBefore(from);
            if (of(c) > room) {
                break;
            }
            room -= of(c);
            from -= Character.charCount(c);
        }
        return head + "..." + text.substring(from);
    }
}
