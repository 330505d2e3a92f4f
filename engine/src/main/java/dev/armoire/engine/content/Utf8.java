// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

/** Recognises UTF-8 characters: no overlong forms, no surrogates, nothing above U+10FFFF. */
final class Utf8 {
    private Utf8() {}

    /** Bytes of the character at {@code at}, or 0 if none stands there whole. */
    static int lengthAt(byte[] bytes, int at, int to) {
        int first = bytes[at] & 0xff;
        if (first < 0x80) {
            return 1;
        }
        if (first < 0xC2 || first > 0xF4) {
            return 0;
        }
        int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (at + length > to) {
            return 0;
        }
        int second = bytes[at + 1] & 0xff;
        int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (second < low || second > high) {
            return 0;
        }
        for (int i = 2; i < length; i++) {
            if ((bytes[at + i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
}
