// SPDX-License-Identifier: ISC

import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Generates the class that Chronicle Map would otherwise generate and compile whenever a map is opened. Run by the build
 * with the folder of class files as its argument.
 */
public final class GenerateChronicleClasses {
    private static final String INTERFACE = "net.openhft.chronicle.hash.VanillaGlobalMutableState";
    private static final String SUFFIX = "$$Native";

    private GenerateChronicleClasses() {}

    public static void main(String[] arguments) throws ReflectiveOperationException {
        Path classes = Path.of(arguments[0]);
        if (Files.exists(classes.resolve(INTERFACE.replace('.', '/') + SUFFIX + ".class"))) {
            return;
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<String> options =
                List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-nowarn", "-proc:none");
        if (!compiler.getTask(null, null, null, options, null, List.of(source())).call()) {
            throw new IllegalStateException("the class that Chronicle Values generated cannot be compiled");
        }
    }

    private static JavaFileObject source() throws ReflectiveOperationException {
        Class<?> model = Class.forName("net.openhft.chronicle.values.ValueModel");
        Method acquire = model.getMethod("acquire", Class.class);
        Method generate = Class.forName("net.openhft.chronicle.values.Generators")
                .getDeclaredMethod("generateNativeClass", model, String.class);
        acquire.setAccessible(true);
        generate.setAccessible(true);
        String name = INTERFACE + SUFFIX;
        Class<?> type = Class.forName(INTERFACE);
        String text = (String) generate.invoke(null, acquire.invoke(null, type), type.getSimpleName() + SUFFIX);
        return new SimpleJavaFileObject(
                URI.create("string:///" + name.replace('.', '/') + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return text;
            }
        };
    }
}
