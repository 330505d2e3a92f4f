// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import com.github.difflib.algorithm.myers.MyersDiffWithLinearSpace;
import com.github.difflib.patch.AbstractDelta;
import com.github.difflib.patch.ChangeDelta;
import com.github.difflib.patch.Chunk;
import com.github.difflib.patch.Patch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What two texts differ in. */
final class TextDiff {
    /** Longer texts, and those of more lines, are only said to differ: nobody reads such a difference. */
    static final int MAX_BYTES = 8 << 20;

    private static final int MAX_LINES = 100_000;
    private static final int CONTEXT_LINES = 3;

    private TextDiff() {}

    static boolean isBinary(byte[] content) {
        for (byte b : content) {
            if (b == 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * The difference in the unified form, line by line: first the two names, then texts whose characters are the bytes of the
     * contents. Null when there are too many lines.
     */
    static @Nullable List<String> unified(String leftName, byte[] left, String rightName, byte[] right) {
        List<String> leftLines = lines(left);
        List<String> rightLines = lines(right);
        if (leftLines.size() > MAX_LINES || rightLines.size() > MAX_LINES) {
            return null;
        }
        Patch<String> patch = joined(DiffUtils.diff(leftLines, rightLines, new MyersDiffWithLinearSpace<>()));
        return UnifiedDiffUtils.generateUnifiedDiff(leftName, rightName, leftLines, patch, CONTEXT_LINES);
    }

    /** Lines as texts whose characters are the bytes, so that they come out as they were whatever their charset. */
    private static List<String> lines(byte[] content) {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        List<String> lines = new ArrayList<>(Arrays.asList(text.split("\n", -1)));
        if (lines.getLast().isEmpty()) {
            lines.removeLast();
        } else {
            lines.set(lines.size() - 1, lines.getLast() + "\n\\ No newline at end of file");
        }
        return lines;
    }

    /** What is inserted where something is deleted is one change, which shows the old lines first. */
    private static Patch<String> joined(Patch<String> patch) {
        Patch<String> joined = new Patch<>();
        AbstractDelta<String> last = null;
        for (AbstractDelta<String> delta : patch.getDeltas()) {
            if (last != null
                    && last.getSource().last() + 1 == delta.getSource().getPosition()
                    && last.getTarget().last() + 1 == delta.getTarget().getPosition()) {
                last = new ChangeDelta<>(
                        joined(last.getSource(), delta.getSource()), joined(last.getTarget(), delta.getTarget()));
            } else {
                if (last != null) {
                    joined.addDelta(last);
                }
                last = delta;
            }
        }
        if (last != null) {
            joined.addDelta(last);
        }
        return joined;
    }

    private static Chunk<String> joined(Chunk<String> first, Chunk<String> second) {
        List<String> lines = new ArrayList<>(first.getLines());
        lines.addAll(second.getLines());
        return new Chunk<>(first.getPosition(), lines);
    }
}
