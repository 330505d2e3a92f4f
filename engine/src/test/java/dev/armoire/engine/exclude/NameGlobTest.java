// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class NameGlobTest {
    private static final String[] GLOBS = {"a", "b", "é", "*", "*", "?", "[ab]", "[!a]"};
    private static final String[] EXPRESSIONS = {"a", "b", "é", ".*", ".*", ".", "[ab]", "[^a]"};
    private static final String[] LETTERS = {"a", "b", "c", "é", "ü"};

    @Test
    void matchesWhatARegularExpressionMatches() throws NameGlob.SyntaxException {
        Random random = new Random(5);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder glob = new StringBuilder();
            StringBuilder expression = new StringBuilder();
            for (int parts = random.nextInt(7); parts > 0; parts--) {
                int part = random.nextInt(GLOBS.length);
                glob.append(GLOBS[part]);
                expression.append(EXPRESSIONS[part]);
            }
            StringBuilder name = new StringBuilder();
            for (int letters = random.nextInt(7); letters > 0; letters--) {
                name.append(LETTERS[random.nextInt(LETTERS.length)]);
            }
            byte[] bytes = ("x" + name + "y").getBytes(StandardCharsets.UTF_8);
            assertThat(NameGlob.parse(glob.toString().getBytes(StandardCharsets.UTF_8))
                            .matches(bytes, 1, bytes.length - 1))
                    .as(glob + " on " + name)
                    .isEqualTo(Pattern.matches(expression.toString(), name));
        }
    }
}
