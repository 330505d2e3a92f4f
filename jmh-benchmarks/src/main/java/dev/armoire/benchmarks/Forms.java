// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.benchmarks.report.Machine;
import dev.armoire.simd.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which forms of the kernels this machine has. Each is asked in a JVM of its own, since a process chooses once. */
final class Forms {
    /** Options of a JVM that runs kernels: those of {@link Suite}. */
    static final List<String> JVM = List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-XX:+UseCompactObjectHeaders");

    private static final List<String> NAMES = List.of("scalar", "vector", "avx2", "native");
    private static final Pattern LAUNCHER_OPTIONS = Pattern.compile("(?m)^jvm_options=\"([^\"]*)\"$");
    private static final String MARK = "kernels: ";

    private Forms() {}

    /** Name of each form that can be had, with what {@link Kernels#describe()} says in it. */
    static SequencedMap<String, String> available() {
        var forms = new LinkedHashMap<String, String>();
        for (String name : NAMES) {
            String said = Machine.lineOf(java(JVM, name, Forms.class, List.of()), MARK);
            if (!said.isEmpty()) {
                forms.put(name, said);
            }
        }
        return forms;
    }

    /** A command that runs a class of this program in a fresh JVM, with kernels of a form. */
    static List<String> java(List<String> options, String form, Class<?> main, List<String> arguments) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.add("-Darmoire.simd=" + form);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        return command;
    }

    /**
     * The options that the program is started with, as its launcher has them: all, and those for machine code or for the
     * rest.
     *
     * @param root the checkout
     * @param form of the kernels
     * @throws IOException also if the launcher does not have them where it used to
     */
    static List<String> ofLauncher(Path root, String form) throws IOException {
        Matcher options = LAUNCHER_OPTIONS.matcher(Files.readString(root.resolve("armoire")));
        if (!options.find()) {
            throw new IOException("the launcher " + root.resolve("armoire") + " has no jvm_options");
        }
        List<String> all = new ArrayList<>(List.of(options.group(1).strip().split("\\s+", -1)));
        boolean isMachineCode = form.equals("native")
                || form.equals("avx2")
                || form.equals("auto") && available().containsKey("native");
        all.add(isMachineCode ? "-XX:TieredStopAtLevel=1" : "--add-modules=jdk.incubator.vector");
        return all;
    }

    /** Prints what the kernels of this process are; fails if the form cannot be had. */
    public static void main(String[] arguments) {
        System.out.println(MARK + Kernels.describe());
    }
}
