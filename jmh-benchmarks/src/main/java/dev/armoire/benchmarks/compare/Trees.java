// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Looks at whole trees of files: how much there is, and whether two of them are the same. */
final class Trees {
    private static final int DIFFERENCES_TOLD = 3;
    private static final int BUFFER_BYTES = 1 << 20;

    private Trees() {}

    /**
     * What a tree holds.
     *
     * @param files regular files
     * @param bytes of their contents
     */
    record Extent(long files, long bytes) {}

    /** Counts a tree and, on the way, brings the contents of its files into the page cache. */
    static Extent readAll(Path tree) throws IOException {
        var buffer = new byte[BUFFER_BYTES];
        return walk(tree, file -> {
            try (var in = Files.newInputStream(file)) {
                while (in.read(buffer) >= 0) {
                    // the page cache is all that is wanted
                }
            }
        });
    }

    /** Counts a tree. */
    static Extent extent(Path tree) throws IOException {
        return walk(tree, file -> {});
    }

    /** Gives all regular files a new time of modification, one second later than they had. */
    static void touch(Path tree) throws IOException {
        walk(tree, file -> {
            FileTime time = Files.getLastModifiedTime(file);
            Files.setLastModifiedTime(file, FileTime.from(time.toInstant().plusSeconds(1)));
        });
    }

    private interface FileAction {
        void accept(Path file) throws IOException;
    }

    private static Extent walk(Path tree, FileAction action) throws IOException {
        var counter = new long[2];
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile()) {
                    counter[0]++;
                    counter[1] += attributes.size();
                    action.accept(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return new Extent(counter[0], counter[1]);
    }

    /** Content and metadata of two trees, in one sentence each for people. */
    record Comparison(String content, String metadata) {
        static final String SAME = "same";

        boolean hasSameContent() {
            return content.equals(SAME);
        }
    }

    /**
     * Compares names, types, contents and targets of links; then modes, owners and times of modification to the second, which
     * is as much as all programs keep.
     */
    static Comparison compare(Path expected, Path found) throws IOException {
        Map<String, Path> left = entries(expected);
        Map<String, Path> right = entries(found);
        var content = new ArrayList<String>();
        var metadata = new ArrayList<String>();
        var names = new TreeSet<>(left.keySet());
        names.addAll(right.keySet());
        for (String name : names) {
            Path a = left.get(name);
            Path b = right.get(name);
            if (a == null || b == null) {
                content.add(name + (a == null ? " was not there" : " is missing"));
            } else if (!hasSameContent(a, b)) {
                content.add(name);
            } else {
                List<String> attributes = differingAttributes(a, b);
                if (!attributes.isEmpty()) {
                    metadata.add(name + " (" + String.join(", ", attributes) + ")");
                }
            }
        }
        return new Comparison(told(content), told(metadata));
    }

    private static String told(List<String> differences) {
        if (differences.isEmpty()) {
            return Comparison.SAME;
        }
        return differences.size() + " differ: "
                + String.join(", ", differences.subList(0, Math.min(DIFFERENCES_TOLD, differences.size())));
    }

    private static Map<String, Path> entries(Path tree) throws IOException {
        var entries = new HashMap<String, Path>();
        try (var paths = Files.walk(tree)) {
            paths.forEach(path -> entries.put(tree.relativize(path).toString(), path));
        }
        return entries;
    }

    private static boolean hasSameContent(Path a, Path b) throws IOException {
        if (Files.isSymbolicLink(a) || Files.isSymbolicLink(b)) {
            return Files.isSymbolicLink(a)
                    && Files.isSymbolicLink(b)
                    && Files.readSymbolicLink(a).equals(Files.readSymbolicLink(b));
        }
        if (Files.isRegularFile(a) && Files.isRegularFile(b)) {
            return Files.mismatch(a, b) < 0;
        }
        return Files.isDirectory(a) == Files.isDirectory(b) && Files.isRegularFile(a) == Files.isRegularFile(b);
    }

    private static List<String> differingAttributes(Path a, Path b) throws IOException {
        Map<String, Object> right = attributes(b);
        return attributes(a).entrySet().stream()
                .filter(entry -> !entry.getValue().equals(right.get(entry.getKey())))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    private static Map<String, Object> attributes(Path path) throws IOException {
        var attributes = new HashMap<>(Files.readAttributes(path, "unix:mode,uid,gid", LinkOption.NOFOLLOW_LINKS));
        attributes.put(
                "mtime",
                Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).to(TimeUnit.SECONDS));
        return attributes;
    }
}
