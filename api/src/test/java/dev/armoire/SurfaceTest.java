// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is public: it names nothing of the engine, so that the engine can change, and every part of it is explained. */
class SurfaceTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/armoire");
    private static final Pattern PUBLIC = Pattern.compile("(?m)^(?:    )?public [^;{]*[;{]");

    private static List<Class<?>> publicClasses() throws IOException, ClassNotFoundException {
        List<Class<?>> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString().replace(".java", "");
                if (!name.equals("package-info")) {
                    Class<?> type = Class.forName("dev.armoire." + name);
                    if (Modifier.isPublic(type.getModifiers())) {
                        all.add(type);
                        all.addAll(Arrays.asList(type.getClasses()));
                    }
                }
            }
        }
        return all;
    }

    @Test
    void namesNothingOfTheEngine() throws Exception {
        List<String> leaks = new ArrayList<>();
        List<Class<?>> classes = publicClasses();
        for (Class<?> type : classes) {
            List<AnnotatedElement> members = new ArrayList<>(Arrays.asList(type.getMethods()));
            members.addAll(Arrays.asList(type.getConstructors()));
            for (AnnotatedElement member : members) {
                for (Class<?> named : named((Executable) member)) {
                    boolean isOurs = named.getPackageName().equals("dev.armoire");
                    boolean isFine = named.isPrimitive()
                            || named.getPackageName().startsWith("java.")
                            || isOurs && Modifier.isPublic(named.getModifiers());
                    if (!isFine) {
                        leaks.add(member.toString());
                    }
                }
            }
        }
        assertThat(classes).hasSizeGreaterThan(20);
        assertThat(leaks).isEmpty();
    }

    private static List<Class<?>> named(Executable member) {
        List<Class<?>> named = new ArrayList<>(Arrays.asList(member.getParameterTypes()));
        named.addAll(Arrays.asList(member.getExceptionTypes()));
        if (member instanceof Method method) {
            named.add(method.getReturnType());
        } else if (member instanceof Constructor<?> constructor) {
            named.add(constructor.getDeclaringClass());
        }
        return named.stream()
                .<Class<?>>map(type -> type.isArray() ? type.getComponentType() : type)
                .toList();
    }

    @Test
    void isExplained() throws Exception {
        List<String> missing = new ArrayList<>();
        for (Class<?> type : publicClasses()) {
            if (type.isMemberClass()) {
                continue;
            }
            String source = Files.readString(SOURCES.resolve(type.getSimpleName() + ".java"));
            Matcher member = PUBLIC.matcher(source);
            while (member.find()) {
                String before = source.substring(0, member.start()).stripTrailing();
                if (!before.endsWith("*/") && !before.endsWith("@Override")) {
                    missing.add(type.getSimpleName() + ": " + member.group());
                }
            }
        }
        assertThat(missing).isEmpty();
    }
}
