// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.random.RandomGenerator;

/**
 * What commands take in stores whose history is ever longer: the same work is done in stores that know nothing, and millions of
 * blobs. What states say is made up ({@link ManyLocations}); the commands, the index that they make, and how they ask it are not.
 */
public final class LargeIndex {
    private static final double MIB = 1 << 20;
    private static final int FILES_IN_FOLDER = 1000;
    private static final int FILE_BYTES = 1024;

    private final Path root;
    private final Settings settings;
    /** Rows of the table: what each step took, for each size. */
    private final SequencedMap<String, List<String>> rows = new LinkedHashMap<>();

    /**
     * What to measure.
     *
     * @param blobs how many the stores know before, in a column each
     * @param files that are backed up by each step
     * @param work an existing folder; needs some 150 bytes a blob
     */
    public record Settings(List<Long> blobs, int files, Path work) {}

    /** A measurement with the program of this checkout. */
    public LargeIndex(Path root, Settings settings) {
        this.root = root;
        this.settings = settings;
    }

    /**
     * Measures, prints, and writes the report.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        if (!Measured.isAvailable()) {
            throw new IOException("GNU time is needed as /usr/bin/time (Debian: apt install time)");
        }
        List<String> facts = Machine.facts(root, command);
        Machine.output(root, root.resolve("armoire").toString(), "version"); // builds it, if that is needed
        var head = new ArrayList<>(List.of("s (CPU s; peak MiB)"));
        try (Workspace workspace = new Workspace(settings.work)) {
            for (String source : List.of("one", "two", "three")) {
                makeFiles(workspace.resolve(source));
            }
            for (long blobs : settings.blobs) {
                head.add(String.format(Locale.ROOT, "%,d blobs", blobs));
                measure(workspace, blobs);
                workspace.emptyHome();
            }
        }
        var table = new Table(head);
        rows.forEach((step, cells) -> {
            var row = new ArrayList<>(List.of(step));
            row.addAll(cells);
            table.add(row);
        });
        String report =
                String.format(Locale.ROOT, """
                # The same work in stores that know ever more blobs

                %s
                * Stores without passphrase. Their states are as Armoire writes them, of %,d locations each at the most, with names at
                  random; the packfiles that these name are empty.
                * Each backup is of %,d other files of 1 KiB. One run each; whole processes; what is read is in the page cache.

                """, String.join("\n", facts), ManyLocations.IN_STATE, settings.files)
                        + table.markdown();
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("README.md"), report);
        System.out.print(report);
    }

    private void measure(Workspace workspace, long blobs) throws IOException, InterruptedException {
        Path store = workspace.resolve("store");
        armoire(workspace, store, "create", "-plaintext");
        ManyLocations.addTo(store, blobs);
        step("`ls`, no cache", armoire(workspace, store, "ls"));
        step("backup, no cache: states are read, the index is made", backup(workspace, store, "one"));
        Path index = workspace.resolve("home/.cache/armoire/index-3");
        long indexed = Files.exists(index) ? Trees.extent(index).bytes() : 0; // little is not worth one
        cell("index, MiB", String.format(Locale.ROOT, "%.1f", indexed / MIB));
        cell("index, bytes a blob", blobs == 0 ? "" : String.format(Locale.ROOT, "%.1f", (double) indexed / blobs));
        step("`ls`", armoire(workspace, store, "ls"));
        step("backup of other files", backup(workspace, store, "two"));
        step("backup of other files again", backup(workspace, store, "three"));
        step("the same, unchanged", backup(workspace, store, "three"));
        step("the same, all of it read", backup(workspace, store, "three", "-cache", "no"));
        Workspace.delete(store);
    }

    private Measured backup(Workspace workspace, Path store, String source, String... options)
            throws IOException, InterruptedException {
        var words = new ArrayList<>(List.of("backup"));
        words.addAll(List.of(options));
        words.add(workspace.resolve(source).toString());
        return armoire(workspace, store, words.toArray(String[]::new));
    }

    private Measured armoire(Workspace workspace, Path store, String... words)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(root.resolve("armoire").toString(), "at", store.toString()));
        command.addAll(List.of(words));
        return Measured.run(command, "", workspace.resolve("."), workspace);
    }

    private void step(String name, Measured took) {
        cell(
                name,
                String.format(
                        Locale.ROOT, "%.2f (%.2f; %.0f)", took.seconds(), took.cpuSeconds(), took.peakKiB() / 1024.0));
    }

    private void cell(String row, String text) {
        rows.computeIfAbsent(row, key -> new ArrayList<>()).add(text);
        System.out.println(row + ": " + text);
    }

    private void makeFiles(Path folder) throws IOException {
        var random = RandomGenerator.getDefault();
        byte[] content = new byte[FILE_BYTES];
        for (int i = 0; i < settings.files; i++) {
            Path parent = folder.resolve("folder-" + i / FILES_IN_FOLDER);
            if (i % FILES_IN_FOLDER == 0) {
                Files.createDirectories(parent);
            }
            random.nextBytes(content);
            Files.write(parent.resolve("file-" + i), content);
        }
    }
}
