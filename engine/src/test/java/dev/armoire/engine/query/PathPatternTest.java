// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.engine.exclude.NameGlob;
import dev.armoire.engine.record.SnapshotPath;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PathPatternTest {
    private static boolean matches(String pattern, String path) throws NameGlob.SyntaxException {
        return PathPattern.parse(SnapshotPath.of(pattern)).matches(SnapshotPath.of(path), path.endsWith("dir"));
    }

    @ParameterizedTest
    @CsvSource({
        "*.txt, /a/b.txt, true",
        "*.txt, /a.txt/b, false",
        "b, /a/b, true",
        "b, /b/a, false",
        "a/b, /x/a/b, true",
        "a/b, /x/a/b/c, false",
        "a/*, /x/a/b, true",
        "a/*, /x/a/b/c, false",
        "/a/b, /a/b, true",
        "/a/b, /x/a/b, false",
        "/a/**, /a/b/c, true",
        "/a/**, /b/b/c, false",
        "/a/**, /a, false",
        "**/**/c, /a/b/c, true",
        "a/**/z, /x/a/b/c/z, true",
        "a/**/z, /x/a/z, true",
        "a/**/z, /x/a/b, false",
        "**, /, true",
        "*dir/, /a/dir, true",
        "*/, /a/file, false",
        "[ab]?, /x/bz, true",
        "[^ab]?, /x/bz, false",
        "A, /a, false",
        "a, /, false",
    })
    void matchesWhatItSays(String pattern, String path, boolean expected) throws NameGlob.SyntaxException {
        assertThat(matches(pattern, path)).isEqualTo(expected);
    }

    @Test
    void aBrokenPatternIsRefused() {
        assertThatThrownBy(() -> matches("a[", "/a")).isInstanceOf(NameGlob.SyntaxException.class);
    }
}
