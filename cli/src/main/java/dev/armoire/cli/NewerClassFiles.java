// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.MethodTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A step of the build: rewrites a jar's class files of Java 5, which the AOT cache refuses, as class files of Java 8. Code
 * stays what it is; what is added are the stack maps that newer class files must have.
 */
final class NewerClassFiles {
    /** The cache holds what is verified by stack maps: class files from this version on. */
    private static final int FIRST_WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

    /** The first moment of 1980 would be written a second time, by the time zone of who builds. */
    private static final LocalDateTime FIXED_TIME = LocalDateTime.of(1980, 1, 2, 0, 0);

    private NewerClassFiles() {}

    /** Entry point of the launcher's build. Arguments: the jar, and the one to write, which must not be there yet. */
    public static void main(String[] args) throws IOException {
        try (ZipFile jar = new ZipFile(args[0]);
                ZipOutputStream newer = new ZipOutputStream(Files.newOutputStream(Path.of(args[1])))) {
            ClassFile classFile = ClassFile.of(
                    ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ClassHierarchyResolverOption.of(
                            ClassHierarchyResolver.ofResourceParsing(type -> open(jar, type.descriptorString()))
                                    .orElse(ClassHierarchyResolver.defaultResolver())));
            for (ZipEntry entry : jar.stream().filter(e -> !e.isDirectory()).toList()) {
                try (InputStream content = jar.getInputStream(entry)) {
                    byte[] bytes = content.readAllBytes();
                    ZipEntry copy = new ZipEntry(entry.getName());
                    copy.setTimeLocal(FIXED_TIME); // the same jar gives the same bytes whenever it is rewritten
                    newer.putNextEntry(copy);
                    newer.write(entry.getName().endsWith(".class") ? newer(classFile, bytes) : bytes);
                    newer.closeEntry();
                }
            }
        }
    }

    private static byte[] newer(ClassFile classFile, byte[] bytes) {
        ClassModel model = classFile.parse(bytes);
        if (model.majorVersion() >= FIRST_WITH_STACK_MAPS) {
            return bytes;
        }
        ClassTransform version = (builder, element) -> {
            if (element instanceof ClassFileVersion) {
                builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
            } else {
                builder.with(element);
            }
        };
        // Code that is only passed on is copied without stack maps; this has it written anew.
        ClassTransform code = ClassTransform.transformingMethods(
                MethodTransform.transformingCode((builder, element) -> builder.with(element)));
        return classFile.transformClass(model, version.andThen(code));
    }

    private static @Nullable InputStream open(ZipFile jar, String descriptor) {
        ZipEntry entry = jar.getEntry(descriptor.substring(1, descriptor.length() - 1) + ".class");
        try {
            return entry == null ? null : jar.getInputStream(entry);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
