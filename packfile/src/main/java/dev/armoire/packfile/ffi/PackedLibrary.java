// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/**
 * C libraries that artifacts carry as resources, one for each platform. A library is written to a file that only this user
 * can open, mapped, and unlinked at once: nothing stays behind, also when the process is killed later.
 */
final class PackedLibrary {
    private PackedLibrary() {}

    /**
     * Loads the library of this platform, for as long as the process runs.
     *
     * @param artifact a class of the artifact that carries it
     * @param folder what stands before the platform, such as {@code linux/amd64}, in the name of the resource
     * @param name what stands after it, without the suffix
     * @return empty where there is none, or nowhere to unpack it to: the folder for temporary files may forbid execution
     */
    static Optional<SymbolLookup> load(Class<?> artifact, String folder, String name) {
        String arch = System.getProperty("os.arch");
        String resource = switch (System.getProperty("os.name")) {
            case "Linux" -> folder + "linux/" + arch + name + ".so";
            case "Mac OS X" -> folder + "darwin/" + arch + name + ".dylib";
            default -> ""; // Windows keeps the file of a loaded library
        };
        if (resource.isEmpty()) {
            return Optional.empty();
        }
        try (InputStream packed = artifact.getResourceAsStream(resource)) {
            return packed == null ? Optional.empty() : Optional.of(map(packed.readAllBytes()));
        } catch (IOException | IllegalArgumentException | IllegalCallerException e) {
            return Optional.empty(); // the twin runs: slower, not broken
        }
    }

    @SuppressWarnings("restricted")
    private static SymbolLookup map(byte[] library) throws IOException {
        // Files.createTempFile would first seed a SecureRandom, for as long as all the rest takes. Guessing this name
        // is of
        // no use: what exists already, a link too, is never opened, and only the owner can write to what is created.
        Path file = Path.of(
                System.getProperty("java.io.tmpdir"),
                "armoire-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
        var ownerOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        try (FileChannel out = FileChannel.open(file, Set.of(CREATE_NEW, WRITE), ownerOnly)) {
            try {
                for (ByteBuffer bytes = ByteBuffer.wrap(library); bytes.hasRemaining(); ) {
                    out.write(bytes);
                }
                return SymbolLookup.libraryLookup(file, Arena.global());
            } finally {
                Files.delete(file);
            }
        }
    }

    /** What a downcall handle threw; it declares {@code Throwable} and throws only what is unchecked. */
    static RuntimeException unexpected(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e; // a segment whose arena is closed
            case Error e -> throw e;
            default -> new IllegalStateException("a native call threw", t);
        };
    }
}
