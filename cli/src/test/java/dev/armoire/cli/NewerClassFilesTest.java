// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class NewerClassFilesTest {
    @TempDir
    Path folder;

    @Test
    void everyClassIsNewerAndPassesTheVerifier() throws Exception {
        Path jar = Path.of(CommandLine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path newer = folder.resolve("newer.jar");

        NewerClassFiles.main(new String[] {jar.toString(), newer.toString()});

        int classes = 0;
        try (ZipFile before = new ZipFile(jar.toFile());
                ZipFile after = new ZipFile(newer.toFile());
                URLClassLoader loader =
                        new URLClassLoader(new URL[] {newer.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            assertThat(after.stream().map(ZipEntry::getName))
                    .containsExactlyElementsOf(before.stream()
                            .filter(entry -> !entry.isDirectory())
                            .map(ZipEntry::getName)
                            .toList());
            for (ZipEntry entry : after.stream().toList()) {
                // Where a time of the file system would be, which depends on the time zone.
                assertThat(entry.getExtra()).isNull();
                if (!entry.getName().matches("picocli/CommandLine.*\\.class")) {
                    continue;
                }
                try (InputStream content = after.getInputStream(entry)) {
                    assertThat(ClassFile.of().parse(content.readAllBytes()).majorVersion())
                            .isGreaterThanOrEqualTo(ClassFile.JAVA_8_VERSION);
                }
                String name = entry.getName().replace('/', '.').replaceFirst("\\.class$", "");
                assertThat(Class.forName(name, true, loader).getClassLoader()).isSameAs(loader);
                classes++;
            }
        }
        assertThat(classes).isGreaterThan(100);
    }
}
