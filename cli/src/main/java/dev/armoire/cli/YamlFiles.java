// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.resolver.FailsafeScalarResolver;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.schema.CoreSchema;
import org.snakeyaml.engine.v2.schema.JsonSchema;

/** YAML as Plakar writes it, and files of a configuration, which hold secrets. */
final class YamlFiles {
    private static final int NO_FOLDING = Integer.MAX_VALUE;

    private YamlFiles() {}

    /**
     * What a text says. Every value is a text as it was written: {@code 007} is no number.
     *
     * @return null when it says nothing
     */
    static @Nullable Object parse(String text) throws YamlEngineException {
        return new Load(LoadSettings.builder().setSchema(new Texts()).build()).loadFromString(text);
    }

    /** Takes what stands there as it is; nothing at all is null. */
    private static final class Texts extends JsonSchema {
        @Override
        public ScalarResolver getScalarResolver() {
            return new FailsafeScalarResolver();
        }
    }

    static String text(Object tree) {
        DumpSettings settings = DumpSettings.builder()
                .setSchema(new CoreSchema()) // quotes all that Plakar's parser would not take for a text
                .setDefaultFlowStyle(FlowStyle.BLOCK)
                .setIndent(4)
                .setIndicatorIndent(2)
                .setIndentWithIndicator(true)
                .setWidth(NO_FOLDING)
                .build();
        return new Dump(settings).dumpToString(tree);
    }

    /** Writes a file that only its owner can read, as a whole or not at all; makes its folder. */
    static void write(Path file, Object tree) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            makeFolder(folder);
        }
        write(file, text(tree), true);
    }

    /**
     * Writes a file as a whole or not at all. Behind a symbolic link, the file that it names.
     *
     * @param isSecret whether only its owner may read it
     */
    static void write(Path file, String text, boolean isSecret) throws IOException {
        Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
        Path temporary = Files.createTempFile(target.getParent(), target.getFileName() + ".", ".tmp"); // of mode 0600
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            if (!isSecret && isPosix(temporary)) {
                Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-r--r--"));
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    /** Makes a folder that only its owner can enter, if it is not there. */
    static void makeFolder(Path folder) throws IOException {
        FileAttribute<?>[] attributes = isPosix(folder)
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
                }
                : new FileAttribute<?>[0];
        try {
            Files.createDirectories(folder, attributes);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(folder)) { // a symbolic link to one is well
                throw e;
            }
        }
    }
}
