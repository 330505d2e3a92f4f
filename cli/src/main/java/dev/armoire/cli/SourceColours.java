// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Puts colours around comments, strings, numbers and words of a language, line by line, and passes all bytes on as they are.
 * Does not parse: what it takes for a string may be none, and then the colour is wrong, nothing else. Never holds more than one
 * line, or the part of a very long one. Closing brings the rest out and leaves the stream below open.
 */
final class SourceColours extends OutputStream {
    private static final int MAX_LINE = 32 << 10;
    private static final String END = "\u001b[0m";
    private static final String COMMENT = "\u001b[90m";
    private static final String STRING = "\u001b[32m";
    private static final String NUMBER = "\u001b[36m";
    private static final String KEYWORD = "\u001b[34m";
    private static final String KEY = "\u001b[33m";

    private final SourceLanguage language;
    private final OutputStream out;
    private final byte[] line = new byte[MAX_LINE];
    private int length;
    /** What was begun in a line before. */
    private SourceLanguage.@Nullable Span open;

    SourceColours(SourceLanguage language, OutputStream out) {
        this.language = language;
        this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
        line[length++] = (byte) b;
        if (b == '\n' || length == MAX_LINE) {
            writeLine();
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int count) throws IOException {
        for (int i = offset; i < offset + count; i++) {
            write(bytes[i]);
        }
    }

    @Override
    public void close() throws IOException {
        if (length > 0) {
            writeLine();
        }
        out.flush();
    }

    private void writeLine() throws IOException {
        boolean isWhole = line[length - 1] == '\n';
        // A character a byte: what is looked for is ASCII, and other bytes go through unchanged.
        String text = new String(line, 0, isWhole ? length - 1 : length, StandardCharsets.ISO_8859_1);
        StringBuilder coloured = new StringBuilder(text.length() + 64);
        colour(text, coloured);
        if (isWhole) {
            coloured.append('\n');
        }
        length = 0;
        out.write(coloured.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private void colour(String text, StringBuilder to) {
        int at = 0;
        if (open != null) {
            at = span(open, text, 0, 0, to);
        } else if (language.hasKeys()) {
            at = key(text, to);
        }
        while (at < text.length()) {
            SourceLanguage.Span span = beginning(text, at);
            char c = text.charAt(at);
            if (span != null) {
                at = span(span, text, at, at + span.begin().length(), to);
            } else if (isWord(c)) {
                at = word(text, at, to);
            } else {
                to.append(c);
                at++;
            }
        }
    }

    private SourceLanguage.@Nullable Span beginning(String text, int at) {
        for (SourceLanguage.Span span : language.spans()) {
            if (text.startsWith(span.begin(), at) && mayBegin(span, text, at)) {
                return span;
            }
        }
        return null;
    }

    private static boolean mayBegin(SourceLanguage.Span span, String text, int at) {
        char before = at == 0 ? ' ' : text.charAt(at - 1);
        return switch (span.begin()) {
            case "#", ";" -> before == ' ' || before == '\t'; // within words they mean other things
            case "'" -> !isWord(before) || isPrefix(text, at - 1); // else an apostrophe
            case "<" ->
                at + 1 < text.length() && "/!?".indexOf(text.charAt(at + 1)) >= 0
                        || at + 1 < text.length() && Character.isLetter(text.charAt(at + 1));
            default -> true;
        };
    }

    /** Whether there is a single letter such as in {@code f'...'}. */
    private static boolean isPrefix(String text, int at) {
        return "bfruBFRUL".indexOf(text.charAt(at)) >= 0 && (at == 0 || !isWord(text.charAt(at - 1)));
    }

    /**
     * Colours a span from {@code from} on.
     *
     * @param inside where to look for its end
     * @return where it ends
     */
    private int span(SourceLanguage.Span span, String text, int from, int inside, StringBuilder to) {
        int end = span.end().isEmpty() ? text.length() : end(span, text, inside);
        boolean isOver = end >= 0;
        int stop = isOver ? end : text.length();
        open = !isOver && span.isMultiline() ? span : null;
        if (stop > from) {
            to.append(
                            switch (span.kind()) {
                                case COMMENT -> COMMENT;
                                case STRING -> STRING;
                                case MARKUP -> KEYWORD;
                            })
                    .append(text, from, stop)
                    .append(END);
        }
        return stop;
    }

    /** Behind the end of a span, or -1. */
    private static int end(SourceLanguage.Span span, String text, int from) {
        for (int i = from; i < text.length(); i++) {
            if (span.kind() == SourceLanguage.Kind.STRING && text.charAt(i) == '\\') {
                i++;
            } else if (text.startsWith(span.end(), i)) {
                return i + span.end().length();
            }
        }
        return -1;
    }

    private int word(String text, int from, StringBuilder to) {
        int end = from;
        boolean isNumber = text.charAt(from) >= '0' && text.charAt(from) <= '9';
        while (end < text.length() && (isWord(text.charAt(end)) || isNumber && text.charAt(end) == '.')) {
            end++;
        }
        String word = text.substring(from, end);
        boolean isKeyword =
                language.keywords().contains(language.isCaseSensitive() ? word : word.toLowerCase(Locale.ROOT));
        if (isNumber && !language.keywords().isEmpty() || isKeyword) {
            to.append(isNumber ? NUMBER : KEYWORD).append(word).append(END);
        } else {
            to.append(word);
        }
        return end;
    }

    /** Colours the name that a line begins with, if it does; returns where it ends. */
    private static int key(String text, StringBuilder to) {
        int from = 0;
        while (from < text.length() && " \t-[".indexOf(text.charAt(from)) >= 0) {
            from++;
        }
        int end = from;
        while (end < text.length() && (isWord(text.charAt(end)) || "-./".indexOf(text.charAt(end)) >= 0)) {
            end++;
        }
        int mark = end;
        while (mark < text.length() && text.charAt(mark) == ' ') {
            mark++;
        }
        if (end == from || mark == text.length() || ":=]".indexOf(text.charAt(mark)) < 0) {
            return 0;
        }
        to.append(text, 0, from).append(KEY).append(text, from, end).append(END);
        return end;
    }

    private static boolean isWord(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_';
    }
}
