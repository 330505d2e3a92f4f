// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One test of a Wycheproof file, whose objects are flat enough for regular expressions. */
record Wycheproof(String json) {
    private static final Pattern TEST = Pattern.compile("\\{[^{}]*\"tcId\"[^{}]*}");

    static List<Wycheproof> read(String file) {
        try {
            String all = Files.readString(Path.of("..", "testdata", "vectors", file));
            return TEST.matcher(all)
                    .results()
                    .map(m -> new Wycheproof(m.group()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String text(String field) {
        Matcher value =
                Pattern.compile("\"" + field + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        if (!value.find()) {
            throw new IllegalArgumentException("no " + field + " in " + json);
        }
        return value.group(1);
    }

    byte[] bytes(String field) {
        return HexFormat.of().parseHex(text(field));
    }

    boolean isValid() {
        return text("result").equals("valid");
    }

    @Override
    public String toString() {
        return json.lines().limit(4).map(String::strip).reduce("", String::concat);
    }
}
