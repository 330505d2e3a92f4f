// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * Paths as text, and back without loss: names of files are bytes, and need not be UTF-8. A byte that is no part of a valid
 * sequence is a lone low surrogate, U+DC80 for 0x80 to U+DCFF for 0xFF, which no valid UTF-8 gives (as PEP 383 has it).
 */
final class PathText {
    private static final int ESCAPE = 0xDC00;

    private PathText() {}

    static String of(byte[] path) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(path);
        CharBuffer out = CharBuffer.allocate(path.length); // no byte has more than one char
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            if (result.isUnderflow()) {
                return out.flip().toString();
            }
            for (int i = result.length(); i > 0; i--) {
                out.put((char) (ESCAPE | in.get() & 0xff));
            }
        }
    }

    /** @throws IllegalArgumentException for surrogates that stand for nothing */
    static byte[] bytes(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(text.length() + 8);
        int at = 0;
        while (at < text.length()) {
            int escape = at;
            while (escape < text.length() && !isEscape(text, escape)) {
                escape++;
            }
            encode(text, at, escape, out);
            for (at = escape; at < text.length() && isEscape(text, at); at++) {
                out.write(text.charAt(at) & 0xff);
            }
        }
        return out.toByteArray();
    }

    /** A low surrogate in the range of bytes that is not the second half of a pair. */
    private static boolean isEscape(String text, int at) {
        char c = text.charAt(at);
        return c >= 0xDC80 && c <= 0xDCFF && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
    }

    private static void encode(String text, int from, int to, ByteArrayOutputStream out) {
        if (from == to) {
            return;
        }
        ByteBuffer encoded = ByteBuffer.allocate((to - from) * 3); // no character has more bytes in UTF-8
        CoderResult result = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text, from, to), encoded, true);
        if (result.isError()) {
            throw new IllegalArgumentException("no name of a file: it has half of a surrogate pair");
        }
        out.write(encoded.array(), 0, encoded.position());
    }
}
