// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.examples.BackUpAndRestore;
import dev.armoire.examples.CompareAsFileSystem;
import dev.armoire.examples.ReadSnapshot;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/embedding.md shows is what is compiled and run here. */
class ExamplesTest {
    private static final Path EXAMPLES = Path.of("src/test/java/dev/armoire/examples");

    @Test
    void examplesRun(@TempDir Path folder) throws IOException {
        Path source = Files.createDirectories(folder.resolve("source")).toRealPath();
        Path store = folder.resolve("store");
        Path target = folder.resolve("target");
        Files.writeString(source.resolve("letter.txt"), "0123456789 Dear reader");
        Files.writeString(source.resolve("other.txt"), "other");
        Files.writeString(source.resolve("draft.tmp"), "left out");
        char[] passphrase = Trees.passphrase();

        BackUpAndRestore.run(store, passphrase, source, target);
        assertThat(passphrase).containsOnly('\0');
        assertThat(target.resolve("letter.txt")).hasContent("0123456789 Dear reader");
        assertThat(target.resolve("draft.tmp")).doesNotExist();

        assertThat(ReadSnapshot.run(store, Trees.passphrase(), "letter.txt", 11))
                .isEqualTo("Dear reader");

        Files.writeString(source.resolve("other.txt"), "OTHER");
        URI uri = URI.create("armoire:" + store + "!/latest");
        assertThat(CompareAsFileSystem.changed(uri, Trees.passphrase(), source))
                .isEqualTo(List.of(source.resolve("other.txt").toString()));
    }

    @Test
    void documentShowsThem() throws IOException {
        String document = Files.readString(Path.of("../docs/embedding.md"));
        try (Stream<Path> files = Files.list(EXAMPLES)) {
            for (Path file : files.toList()) {
                String text = Files.readString(file);
                String shown = text.substring(text.indexOf('\n') + 1); // the licence line goes without saying
                assertThat(document).as("%s", file).contains("```java\n" + shown + "```\n");
            }
        }
    }
}
