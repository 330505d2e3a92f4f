// SPDX-License-Identifier: ISC
package dev.armoire.engine.exclude;

import dev.armoire.connectors.spi.ImportOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a backup leaves out. Patterns are tried from the last to the first and the first that matches decides:
 * the path is left out, or stays if the pattern starts with {@code !}. {@code /} always stays. Immutable but for the
 * note of which patterns ever matched; any thread may ask.
 *
 * <p>Patterns mean what they mean to git in a {@code .gitignore} in the root of the tree. One with a slash before its end is
 * compared with the path below each source root and, as in Plakar, with the whole path from {@code /}; one that starts with
 * {@code ./} only with the former. Unlike git, {@code ?} and classes take characters, not bytes.
 */
public final class ExcludeRules implements ImportOptions.Excludes {
    private static final ExcludeRules NONE = new Builder().build();

    private final CompiledPattern[] patterns;
    private final byte[][] roots;
    private final List<ExcludePattern.Broken> broken;

    private ExcludeRules(Builder builder) {
        List<ExcludePattern.Broken> bad = new ArrayList<>(builder.brokenInFiles);
        bad.addAll(builder.brokenGiven);
        List<CompiledPattern> good = new ArrayList<>(builder.fromFiles);
        good.addAll(builder.given);
        broken = List.copyOf(bad);
        patterns = good.toArray(CompiledPattern[]::new);
        roots = builder.roots.toArray(byte[][]::new);
    }

    /** Rules that leave nothing out. */
    public static ExcludeRules none() {
        return NONE;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** True if there is nothing to match, so that nothing is ever left out. */
    public boolean isEmpty() {
        return patterns.length == 0;
    }

    /** What the last pattern that matches says of a path. */
    public enum Verdict {
        /** No pattern matches. */
        NONE,
        /** It is meant. */
        MATCHED,
        /** It is taken back with {@code !}. */
        TAKEN_BACK
    }

    /**
     * Whether the path is left out; takes note of the patterns that match. A folder that is left out is not to be
     * entered: a later {@code !} pattern does not bring back what lies in it. So whoever asks has asked before about the
     * folder that it lies in.
     *
     * @param absolutePath cleaned, separated by {@code /}; borrowed for the call
     */
    @Override
    public boolean isExcluded(byte[] absolutePath, boolean isDirectory) {
        return verdict(absolutePath, isDirectory) == Verdict.MATCHED;
    }

    /** Like {@link #isExcluded}, for rules that mean something else than to leave out. */
    public Verdict verdict(byte[] absolutePath, boolean isDirectory) {
        if (patterns.length == 0 || isTop(absolutePath)) {
            return Verdict.NONE;
        }
        int start = absolutePath[0] == '/' ? 1 : 0;
        CompiledPattern deciding = null;
        for (int i = patterns.length - 1; i >= 0; i--) {
            CompiledPattern pattern = patterns[i];
            // Behind the deciding one only those are asked that would otherwise be reported as never matched.
            if ((deciding == null || !pattern.hasMatched())
                    && pattern.matches(absolutePath, start, isDirectory, roots)) {
                pattern.noteMatch();
                deciding = deciding == null ? pattern : deciding;
            }
        }
        return deciding == null ? Verdict.NONE : deciding.negated() ? Verdict.TAKEN_BACK : Verdict.MATCHED;
    }

    /**
     * The pattern that leaves the path out, or one of the folders that it lies in, if one does. Takes no note: asking
     * changes nothing.
     */
    public Optional<ExcludePattern> patternExcluding(byte[] absolutePath, boolean isDirectory) {
        for (int end = 1; end <= absolutePath.length; end++) {
            if (end == absolutePath.length || absolutePath[end] == '/') {
                byte[] path = Arrays.copyOf(absolutePath, end);
                Optional<ExcludePattern> pattern = deciding(path, isDirectory || end < absolutePath.length);
                if (pattern.isPresent()) {
                    return pattern;
                }
            }
        }
        return Optional.empty();
    }

    private Optional<ExcludePattern> deciding(byte[] path, boolean isDirectory) {
        if (isTop(path)) {
            return Optional.empty();
        }
        int start = path[0] == '/' ? 1 : 0;
        for (int i = patterns.length - 1; i >= 0; i--) {
            if (patterns[i].matches(path, start, isDirectory, roots)) {
                return patterns[i].negated() ? Optional.empty() : Optional.of(patterns[i].source());
            }
        }
        return Optional.empty();
    }

    /**
     * Whether the folder at the root of a source would itself be left out, and with it everything. True also if one of
     * its parents is: a pattern {@code t} hits {@code /data/t} and all below. {@link #patternExcluding} names the pattern.
     */
    public boolean excludesRoot(byte[] root) {
        return patternExcluding(root, true).isPresent();
    }

    private static boolean isTop(byte[] path) {
        return path.length == 0 || (path.length == 1 && path[0] == '/');
    }

    /** Patterns that can never match, in the order given. They are otherwise ignored. */
    public List<ExcludePattern.Broken> brokenPatterns() {
        return broken;
    }

    /** Patterns that have matched no path so far, in the order of matching. Ask at the end of a backup. */
    public List<ExcludePattern> unmatchedPatterns() {
        return Arrays.stream(patterns)
                .filter(pattern -> !pattern.hasMatched())
                .map(CompiledPattern::source)
                .toList();
    }

    /** Collects patterns. Those of ignore files come before those given one by one, whatever the order of calls. */
    public static final class Builder {
        private final List<CompiledPattern> fromFiles = new ArrayList<>();
        private final List<CompiledPattern> given = new ArrayList<>();
        private final List<ExcludePattern.Broken> brokenInFiles = new ArrayList<>();
        private final List<ExcludePattern.Broken> brokenGiven = new ArrayList<>();
        private final List<byte[]> roots = new ArrayList<>();

        private Builder() {}

        /** Adds the patterns of an ignore file, one a line; blank lines and those that start with {@code #} are skipped. */
        public Builder ignoreFile(String name, byte[] content) {
            int line = 1;
            int from = 0;
            while (from < content.length) {
                int to = from;
                while (to < content.length && content[to] != '\n') {
                    to++;
                }
                add(Arrays.copyOfRange(content, from, to), name + ":" + line, fromFiles, brokenInFiles);
                line++;
                from = to + 1;
            }
            return this;
        }

        /** Adds one pattern, as given with {@code -ignore}. */
        public Builder pattern(String pattern) {
            return pattern(pattern, "-ignore");
        }

        /** Adds one pattern; {@code origin} tells in messages where it came from. */
        public Builder pattern(String pattern, String origin) {
            add(pattern.getBytes(StandardCharsets.UTF_8), origin, given, brokenGiven);
            return this;
        }

        /** Adds the root of a source, an absolute path, to which patterns with a slash are relative as well. */
        public Builder sourceRoot(byte[] absolutePath) {
            int length = absolutePath.length;
            while (length > 1 && absolutePath[length - 1] == '/') {
                length--;
            }
            if (length > 0) {
                roots.add(Arrays.copyOf(absolutePath, length));
            }
            return this;
        }

        public ExcludeRules build() {
            return new ExcludeRules(this);
        }

        private static void add(
                byte[] line, String origin, List<CompiledPattern> good, List<ExcludePattern.Broken> bad) {
            byte[] pattern = significantPart(line);
            if (pattern == null) {
                return;
            }
            ExcludePattern source =
                    new ExcludePattern(new String(withoutReturns(line), StandardCharsets.UTF_8), origin);
            try {
                good.add(CompiledPattern.parse(pattern, source));
            } catch (NameGlob.SyntaxException e) {
                bad.add(new ExcludePattern.Broken(source, e.reason()));
            }
        }

        private static byte[] withoutReturns(byte[] line) {
            int length = line.length;
            while (length > 0 && line[length - 1] == '\r') {
                length--;
            }
            return Arrays.copyOf(line, length);
        }

        private static boolean isEscaped(byte[] text, int at) {
            int backslashes = 0;
            while (backslashes < at && text[at - 1 - backslashes] == '\\') {
                backslashes++;
            }
            return backslashes % 2 == 1;
        }

        /** The line without what never counts; null for a comment or a blank line. */
        private static byte @Nullable [] significantPart(byte[] line) {
            byte[] text = withoutReturns(line);
            int length = text.length;
            while (length > 0 && text[length - 1] == ' ' && !isEscaped(text, length - 1)) {
                length--;
            }
            if (length == 0 || text[0] == '#') {
                return null;
            }
            int from = length >= 2 && text[0] == '\\' && text[1] == '#' ? 1 : 0;
            return Arrays.copyOfRange(text, from, length);
        }
    }
}
