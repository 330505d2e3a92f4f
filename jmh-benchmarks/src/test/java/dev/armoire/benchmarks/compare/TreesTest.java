// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreesTest {
    @TempDir
    Path folder;

    private Path left;
    private Path right;

    @BeforeEach
    void makeTwoEqualTrees() throws IOException {
        left = make("left");
        right = make("right");
        for (String name : new String[] {"sub/file", "sub", ""}) {
            Files.setLastModifiedTime(right.resolve(name), Files.getLastModifiedTime(left.resolve(name)));
        }
    }

    private Path make(String name) throws IOException {
        Path tree = folder.resolve(name);
        Files.createDirectories(tree.resolve("sub"));
        Files.writeString(tree.resolve("sub/file"), "content");
        Files.createSymbolicLink(tree.resolve("link"), Path.of("sub/file"));
        return tree;
    }

    @Test
    void countsFilesAndBytes() throws IOException {
        assertThat(Trees.readAll(left)).isEqualTo(new Trees.Extent(1, 7)).isEqualTo(Trees.extent(left));
    }

    @Test
    void tellsOtherContentAndMissingEntries() throws IOException {
        Files.writeString(right.resolve("sub/file"), "Content");
        Files.delete(right.resolve("link"));
        assertThat(Trees.compare(left, right).content()).isEqualTo("2 differ: link is missing, sub/file");
    }

    @Test
    void tellsOtherMetadata() throws IOException {
        Files.setPosixFilePermissions(left.resolve("sub/file"), PosixFilePermissions.fromString("rw-r-----"));
        Files.setPosixFilePermissions(right.resolve("sub/file"), PosixFilePermissions.fromString("rwx------"));
        Trees.Comparison comparison = Trees.compare(left, right);
        assertThat(comparison.hasSameContent()).isTrue();
        assertThat(comparison.metadata()).isEqualTo("1 differ: sub/file (mode)");
    }

    @Test
    void touchChangesTimesOnly() throws IOException {
        Trees.touch(right);
        Trees.Comparison comparison = Trees.compare(left, right);
        assertThat(comparison.hasSameContent()).isTrue();
        assertThat(comparison.metadata()).isEqualTo("1 differ: sub/file (mtime)");
    }
}
