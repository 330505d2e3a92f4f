// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code diff}: compares what two snapshots have, or a snapshot and this disk. */
final class DiffCommand implements Command {
    private static final int COMPARED_BYTES = 64 << 10;

    private boolean isRecursive;
    private boolean comparesMetadata;
    private boolean isColoured;
    private boolean hasDifference;
    private boolean isDamaged;
    private boolean isIncomplete;

    /** Folders that both have and that are being compared, the innermost first. */
    private final Deque<Folders> open = new ArrayDeque<>();

    /** What is in two folders, by name, and how far the comparison is. */
    private static final class Folders {
        final DiffItem a;
        final DiffItem b;
        final List<DiffItem> left;
        final List<DiffItem> right;
        int i;
        int j;

        Folders(DiffItem a, DiffItem b) throws IOException {
            this.a = a;
            this.b = b;
            this.left = a.children();
            this.right = b.children();
        }
    }

    @Override
    public String usage() {
        return "diff [-recursive] [-metadata] [-exit-code] [-highlight] ID[:PATH] [ID[:PATH]]";
    }

    @Override
    public String description() {
        return """
            Compares files or folders of two snapshots, or of one with what lies at the same
            path on this disk. Texts are shown as a unified diff; of all else it is said that
            it differs. Nothing is printed of what is equal.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("recursive", "also what is in folders of both")
                .flag("metadata", "compare mode, owner, group and time of change, too")
                .flag("exit-code", "return 4 when there is a difference")
                .flag("highlight", "colours, on a terminal");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        List<String> words = arguments.words();
        if (words.isEmpty() || words.size() > 2) {
            throw CommandException.usage("diff needs one or two ID[:PATH]");
        }
        isRecursive = arguments.is("recursive");
        comparesMetadata = arguments.is("metadata");
        Report report = session.report();
        isColoured = arguments.is("highlight") && session.showsColours();
        try (Repository repository = session.openForReading();
                BlobReader firstReader = repository.newReader();
                BlobReader secondReader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            DiffItem first = stored(snapshots, words.getFirst(), firstReader);
            DiffItem second;
            if (words.size() == 2) {
                second = stored(snapshots, words.get(1), secondReader);
            } else {
                second = DiffItem.Local.at(first.path());
                if (second == null) {
                    throw new CommandException(
                            ExitCode.ERROR, "diff: " + first.display() + ": no such file on this disk");
                }
            }
            if (isOtherType(first, second)) {
                throw new CommandException(
                        ExitCode.ERROR,
                        "diff: could not diff pathnames: can't diff different file types: " + first.label() + " and "
                                + second.label());
            }
            compare(first, second, true, report);
            while (!open.isEmpty()) {
                step(open.element(), report);
            }
        }
        if (isDamaged) {
            report.failure("damaged data could not be compared", ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        if (isIncomplete) {
            report.failure("not everything could be compared", ExitCode.PARTIAL);
            return ExitCode.PARTIAL;
        }
        return session.exitCode(arguments.is("exit-code") && hasDifference ? ExitCode.DIFFERENCE : ExitCode.OK);
    }

    private static DiffItem stored(Snapshots snapshots, String word, BlobReader reader) {
        Snapshots.Name name = Snapshots.Name.parse(word);
        Snapshot snapshot = Snapshot.of(snapshots.find(name), reader);
        return new DiffItem.Stored(snapshot, FileWalk.start(snapshot, name));
    }

    private static boolean isOtherType(DiffItem a, DiffItem b) {
        return (a.mode() & FileMode.TYPE) != (b.mode() & FileMode.TYPE);
    }

    /** Two items of the same type. */
    private void compare(DiffItem a, DiffItem b, boolean isTop, Report report) throws IOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("interrupted");
        }
        try {
            if (comparesMetadata) {
                compareMetadata(a, b, report);
            }
            if (a.isDirectory()) {
                if (isTop || isRecursive) {
                    open.push(new Folders(a, b));
                }
            } else if (FileMode.isRegular(a.mode())) {
                compareFiles(a, b, isTop || isRecursive, report);
            } else if (FileMode.isSymlink(a.mode()) && !Arrays.equals(a.target(), b.target())) {
                differ(
                        "Symbolic links " + a.label() + " and " + b.label() + " differ: "
                                + SnapshotPath.display(a.target()) + " and " + SnapshotPath.display(b.target()),
                        "link",
                        a,
                        b,
                        report);
            }
        } catch (CorruptDataException e) {
            isDamaged = true;
            report.error("diff: " + a.display() + ": " + e.getMessage());
        } catch (IOException e) {
            if (e instanceof InterruptedIOException) {
                throw e;
            }
            isIncomplete = true;
            report.error("diff: " + Failures.message(e));
        }
    }

    private void differ(String line, String what, @Nullable DiffItem a, @Nullable DiffItem b, Report report) {
        hasDifference = true;
        report.result(
                line,
                "diff",
                "difference",
                what,
                "first",
                a == null ? null : a.path(),
                "second",
                b == null ? null : b.path());
    }

    /** Compares what comes next in two folders; what is below it is on top of the stack then. */
    private void step(Folders in, Report report) throws IOException {
        boolean leftEnds = in.i == in.left.size();
        boolean rightEnds = in.j == in.right.size();
        if (leftEnds && rightEnds) {
            open.remove();
            return;
        }
        int order = leftEnds
                ? 1
                : rightEnds
                        ? -1
                        : Arrays.compareUnsigned(
                                in.left.get(in.i).name(), in.right.get(in.j).name());
        DiffItem left = order <= 0 ? in.left.get(in.i++) : null;
        DiffItem right = order >= 0 ? in.right.get(in.j++) : null;
        if (in.i == in.left.size() && in.j == in.right.size()) {
            open.remove(); // before what is below is opened: folders may be nested deeply, and each has its whole path
        }
        if (left != null && right != null) {
            compareChildren(left, right, report);
        } else {
            onlyIn(left != null ? in.a : in.b, left, right, report);
        }
    }

    private void onlyIn(DiffItem folder, @Nullable DiffItem left, @Nullable DiffItem right, Report report) {
        DiffItem item = left != null ? left : right;
        if (item != null) {
            String what = left != null ? "only in first" : "only in second";
            differ("Only in " + folder.label() + ": " + SnapshotPath.display(item.name()), what, left, right, report);
        }
    }

    private void compareChildren(DiffItem left, DiffItem right, Report report) throws IOException {
        if (isOtherType(left, right)) {
            differ(
                    "File type mismatch: " + left.label() + " (" + GoFormat.mode(left.mode()) + ") vs " + right.label()
                            + " (" + GoFormat.mode(right.mode()) + ")",
                    "type",
                    left,
                    right,
                    report);
            return;
        }
        if (left.isDirectory() && !isRecursive && !report.isJson()) {
            report.result(
                    "Common subdirectories: " + left.label() + " and " + right.label(), "diff", "difference", "common");
        }
        compare(left, right, false, report);
    }

    private void compareMetadata(DiffItem a, DiffItem b, Report report) {
        List<String> changes = new ArrayList<>();
        if (a.mode() != b.mode()) {
            changes.add("mode " + GoFormat.mode(a.mode()) + " and " + GoFormat.mode(b.mode()));
        }
        if (a.uid() != b.uid() || a.gid() != b.gid()) {
            changes.add("owner " + a.uid() + ":" + a.gid() + " and " + b.uid() + ":" + b.gid());
        }
        if (!a.changed().equals(b.changed())) {
            changes.add("time " + a.changed() + " and " + b.changed());
        }
        if (!changes.isEmpty()) {
            differ(
                    "Metadata of " + a.label() + " and " + b.label() + " differ: " + String.join(", ", changes),
                    "metadata",
                    a,
                    b,
                    report);
        }
    }

    private void compareFiles(DiffItem a, DiffItem b, boolean showsText, Report report) throws IOException {
        if (DiffItem.isSameObject(a, b) || a.size() == b.size() && isSameContent(a, b)) {
            return;
        }
        if (!showsText) {
            differ("Files " + a.label() + " and " + b.label() + " differ", "content", a, b, report);
            return;
        }
        if (a.size() > TextDiff.MAX_BYTES || b.size() > TextDiff.MAX_BYTES) {
            differ(
                    "Files " + a.label() + " and " + b.label() + " differ (too long to be shown)",
                    "content",
                    a,
                    b,
                    report);
            return;
        }
        byte[] left = content(a);
        byte[] right = content(b);
        if (TextDiff.isBinary(left) || TextDiff.isBinary(right)) {
            differ("Binary files " + a.label() + " and " + b.label() + " differ", "content", a, b, report);
            return;
        }
        unified(a, b, left, right, report);
    }

    private static boolean isSameContent(DiffItem a, DiffItem b) throws IOException {
        try (InputStream left = a.open();
                InputStream right = b.open()) {
            byte[] leftBytes = new byte[COMPARED_BYTES];
            byte[] rightBytes = new byte[COMPARED_BYTES];
            while (true) {
                int leftCount = left.readNBytes(leftBytes, 0, COMPARED_BYTES);
                int rightCount = right.readNBytes(rightBytes, 0, COMPARED_BYTES);
                if (!Arrays.equals(leftBytes, 0, leftCount, rightBytes, 0, rightCount)) {
                    return false;
                }
                if (leftCount < COMPARED_BYTES) {
                    return true;
                }
            }
        }
    }

    /** At most so many bytes as may be shown, and one more: a file on the disk may have grown. */
    private static byte[] content(DiffItem item) throws IOException {
        try (InputStream in = item.open()) {
            return in.readNBytes(TextDiff.MAX_BYTES + 1);
        }
    }

    private void unified(DiffItem a, DiffItem b, byte[] left, byte[] right, Report report) throws IOException {
        List<String> shown = TextDiff.unified(a.label(), left, b.label(), right);
        if (shown == null) {
            differ(
                    "Files " + a.label() + " and " + b.label() + " differ (too many lines to be shown)",
                    "content",
                    a,
                    b,
                    report);
            return;
        }
        hasDifference = true;
        if (report.isJson()) {
            byte[] text = (String.join("\n", shown) + "\n").getBytes(StandardCharsets.ISO_8859_1);
            report.result("", "diff", "difference", "content", "first", a.path(), "second", b.path(), "unified", text);
            return;
        }
        OutputStream out = report.contents();
        for (int i = 0; i < shown.size(); i++) {
            // The first two lines are names, which are UTF-8.
            byte[] line = shown.get(i).getBytes(i < 2 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
            String colour = i < 2 ? "\u001b[1m" : colour(line);
            if (isColoured && !colour.isEmpty()) {
                out.write(colour.getBytes(StandardCharsets.US_ASCII));
                out.write(line);
                out.write("\u001b[0m".getBytes(StandardCharsets.US_ASCII));
            } else {
                out.write(line);
            }
            out.write('\n');
        }
    }

    private static String colour(byte[] line) {
        return switch (line.length == 0 ? ' ' : line[0]) {
            case '+' -> "\u001b[32m";
            case '-' -> "\u001b[31m";
            case '@' -> "\u001b[36m";
            default -> "";
        };
    }
}
