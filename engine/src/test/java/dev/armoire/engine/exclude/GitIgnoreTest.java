// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What git makes of the same patterns in the root of the same tree. */
class GitIgnoreTest {
    private static final int ROUNDS = 120;
    private static final String[] NAMES = {"a", "b", "ab", "a.log", "b.log", "build", "x y", ".dot"};
    private static final String[] WORDS = {
        "a",
        "b",
        "ab",
        "*.log",
        "build",
        "*",
        "?",
        "a*",
        "[ab]",
        "[^a]*",
        "?b",
        ".*",
        "x\\ y",
        "x y",
        "*.*",
        "\\a",
        "[!a]*",
        "[a-b]",
        "[]a]",
        "[[:alpha:]]",
        "\\!a"
    };

    @TempDir
    Path tree;

    private final List<String> paths = new ArrayList<>();

    @BeforeEach
    void makeTree() throws IOException, InterruptedException {
        assumeTrue(isThere("git"), "git is not installed");
        Random random = new Random(9);
        Set<String> folders = new LinkedHashSet<>(List.of(""));
        for (int i = 0; i < 40; i++) {
            String parent = folders.stream()
                    .skip(random.nextInt(folders.size()))
                    .findFirst()
                    .orElseThrow();
            if (parent.chars().filter(c -> c == '/').count() < 4) {
                folders.add(parent + NAMES[random.nextInt(NAMES.length)] + "/");
            }
        }
        for (String folder : folders) {
            Files.createDirectories(tree.resolve(folder));
        }
        for (String folder : folders) {
            for (String name : NAMES) {
                Path file = tree.resolve(folder + name);
                if (random.nextInt(3) > 0 && !Files.exists(file)) {
                    Files.createFile(file);
                }
            }
        }
        git("", "init", "-q");
        try (Stream<Path> all = Files.walk(tree)) {
            all.map(path -> tree.relativize(path).toString())
                    .filter(text -> !text.isEmpty() && !text.equals(".git") && !text.startsWith(".git/"))
                    .sorted()
                    .forEach(paths::add);
        }
    }

    private static boolean isThere(String program) throws InterruptedException {
        try {
            return new ProcessBuilder(program, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private String git(String input, String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-c", "core.excludesFile=/dev/null"));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command)
                .directory(tree.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        }
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return out;
    }

    /** What git leaves out with these patterns. */
    private Set<String> leftOutByGit(List<String> patterns) throws IOException, InterruptedException {
        Files.writeString(tree.resolve(".git/info/exclude"), String.join("\n", patterns) + "\n");
        Set<String> ignored = new TreeSet<>();
        for (String path : git(String.join("\0", paths), "check-ignore", "-z", "--stdin", "--no-index")
                .split("\0", -1)) {
            if (!path.isEmpty()) {
                ignored.add(path);
            }
        }
        return ignored;
    }

    /** What a walk leaves out: nothing is asked about what lies in a folder that is left out. */
    private Set<String> leftOutByUs(List<String> patterns) {
        ExcludeRules.Builder builder = ExcludeRules.builder().sourceRoot(bytes("/"));
        patterns.forEach(builder::pattern);
        ExcludeRules rules = builder.build();
        Set<String> ignored = new TreeSet<>();
        for (String path : paths) {
            int slash = path.lastIndexOf('/');
            boolean isBelow = slash > 0 && ignored.contains(path.substring(0, slash));
            if (isBelow || rules.isExcluded(bytes("/" + path), Files.isDirectory(tree.resolve(path)))) {
                ignored.add(path);
            }
        }
        return ignored;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void patternsMeanWhatTheyMeanToGit() throws IOException, InterruptedException {
        Random random = new Random(17);
        int left = 0;
        for (int round = 0; round < ROUNDS; round++) {
            List<String> patterns = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                patterns.add(pattern(random));
            }
            Set<String> expected = leftOutByGit(patterns);
            assertThat(leftOutByUs(patterns)).as("%s", patterns).isEqualTo(expected);
            left += expected.size();
        }
        assertThat(left).isGreaterThan(ROUNDS);
    }

    private static String pattern(Random random) {
        StringBuilder text = new StringBuilder(random.nextInt(4) == 0 ? "!" : "");
        text.append(random.nextInt(5) == 0 ? "/" : "");
        int parts = 1 + random.nextInt(3);
        for (int i = 0; i < parts; i++) {
            boolean isMany = random.nextInt(4) == 0 && parts > 1;
            text.append(i == 0 ? "" : "/").append(isMany ? "**" : WORDS[random.nextInt(WORDS.length)]);
        }
        return text.append(random.nextInt(4) == 0 ? "/" : "").toString();
    }
}
