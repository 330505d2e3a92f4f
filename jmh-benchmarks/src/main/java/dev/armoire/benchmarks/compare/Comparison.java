// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.report.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs every program on every data set, in rounds: in each round every program has its turn, starting with another one each
 * time, with a new store and empty caches. Before each step the source is read once, so that it is in the page cache, and
 * what was written is on disk; but for one step, for which the page cache is emptied where that is allowed.
 */
public final class Comparison {
    static final String FIRST = "first backup";
    /** All later generations together. */
    static final String CHANGED = "changed";

    static final String UNCHANGED = "unchanged";
    /** New times of modification, old contents. */
    static final String TOUCHED = "touched";
    /** Reads and verifies every stored byte. */
    static final String CHECK = "check";

    static final String RESTORE = "restore";
    /** The source, and all else but the program, is to be read from the disk. */
    static final String COLD = "first backup, cold";

    private static final Path DROP_CACHES = Path.of("/proc/sys/vm/drop_caches");

    private final Path root;
    private final Settings settings;
    private final SequencedMap<Peer, Path> programs = new LinkedHashMap<>();

    /**
     * What to run.
     *
     * @param data names of data sets: random, tree, small, generations
     * @param scale of the made data sets, 1 for the full size
     * @param rounds how often everything is done
     * @param cores which are used, as taskset takes them; empty for all
     * @param tree the source tree, or null for the Linux sources
     * @param work the folder, on the file system that is measured, in which all happens
     */
    public record Settings(
            List<String> data,
            double scale,
            int rounds,
            String cores,
            @Nullable Path tree,
            Path work) {}

    /**
     * A comparison of the programs that are there.
     *
     * @param root the checkout
     */
    public Comparison(Path root, Settings settings) {
        this.root = root;
        this.settings = settings;
        for (Peer peer : Peer.values()) {
            peer.find(root).ifPresent(program -> programs.put(peer, program));
        }
    }

    /**
     * Runs everything and writes the report, anew after each data set.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        if (!Measured.isAvailable()) {
            throw new IOException("GNU time is needed as /usr/bin/time (Debian: apt install time)");
        }
        Files.createDirectories(folder);
        List<String> facts = new ArrayList<>(Machine.facts(root, command));
        facts.add("* File system of sources, stores and restored files: "
                + Files.getFileStore(settings.work()).type() + "; cores " + settings.cores() + "; scale "
                + settings.scale() + "; rounds " + settings.rounds());
        Machine.output(root, root.resolve("armoire").toString(), "version"); // builds it, if that is needed
        for (var entry : programs.sequencedEntrySet()) {
            List<String> version = entry.getKey().version(entry.getValue());
            facts.add("* " + entry.getKey().label() + ": " + Machine.output(root, version.toArray(String[]::new)));
        }
        var report = new CompareReport(folder, settings.scale(), facts, List.copyOf(programs.sequencedKeySet()));
        var runs = new ArrayList<Run>();
        for (String name : settings.data()) {
            DataSet data = DataSet.valueOf(name.toUpperCase(Locale.ROOT));
            try (var workspace = new Workspace(settings.work())) {
                for (int round = 1; round <= settings.rounds(); round++) {
                    List<Peer> order = new ArrayList<>(programs.sequencedKeySet());
                    Collections.rotate(order, 1 - round);
                    if (data.generations() == 1) {
                        round(data, round, order, runs, workspace);
                    } else {
                        for (Peer peer : order) { // each changes the data, so each gets its own
                            round(data, round, List.of(peer), runs, workspace);
                        }
                    }
                }
            }
            report.write(runs);
        }
    }

    private void round(DataSet data, int round, List<Peer> order, List<Run> runs, Workspace workspace)
            throws IOException, InterruptedException {
        Path source = workspace.resolve("source");
        data.make(source, settings.scale(), settings.tree());
        for (Peer peer : order) {
            System.out.println(data + ", round " + round + ": " + peer.label());
            runs.add(new Turn(data, round, peer, source, workspace).run());
        }
        workspace.putAside(source);
    }

    /** One program on one data set. */
    private final class Turn {
        private final DataSet data;
        private final int round;
        private final Peer peer;
        private final Path program;
        private final Path source;
        private final Path store;
        private final Path coldStore;
        private final Path target;
        private final Workspace workspace;
        private final SequencedMap<String, Measured> steps = new LinkedHashMap<>();
        private int backups;
        private long logicalBytes;

        Turn(DataSet data, int round, Peer peer, Path source, Workspace workspace) {
            this.data = data;
            this.round = round;
            this.peer = peer;
            this.program = Objects.requireNonNull(programs.get(peer));
            this.source = source;
            this.workspace = workspace;
            this.store = workspace.resolve("store");
            this.coldStore = workspace.resolve("cold-store");
            this.target = workspace.resolve("restored");
        }

        Run run() throws IOException, InterruptedException {
            Trees.Comparison restored = null;
            String failure = null;
            workspace.emptyHome();
            try {
                Measured.run(peer.create(program, store), settings.cores(), source, workspace);
                backup(FIRST);
                for (int generation = 1; generation < data.generations(); generation++) {
                    data.change(source, settings.scale(), generation);
                    backup(CHANGED);
                }
                backup(UNCHANGED);
                Trees.touch(source);
                backup(TOUCHED);
                step(CHECK, peer.check(program, store), source);
                Files.createDirectory(target);
                step(RESTORE, peer.restore(program, store, name(), source, target), target);
                if (round == 1) {
                    restored = Trees.compare(source, Peer.restored(source, target));
                }
                if (Files.isWritable(DROP_CACHES)) {
                    coldBackup();
                }
            } catch (IOException e) {
                failure = String.valueOf(e.getMessage());
                System.out.println(failure);
            }
            long stored = Files.exists(store) ? Trees.extent(store).bytes() : 0;
            Workspace.delete(store);
            Workspace.delete(coldStore);
            workspace.putAside(target);
            return new Run(data, peer, round, steps, logicalBytes, stored, restored, failure);
        }

        private void backup(String step) throws IOException, InterruptedException {
            backups++;
            long bytes = step(step, peer.backup(program, store, name(), source), source);
            if (step.equals(FIRST) || step.equals(CHANGED)) {
                logicalBytes += bytes;
            }
        }

        /** Into a store of its own. The program is started once before, so that it comes from memory and its caches are made. */
        private void coldBackup() throws IOException, InterruptedException {
            workspace.emptyHome();
            Measured.run(peer.create(program, coldStore), settings.cores(), source, workspace);
            new ProcessBuilder("sync").start().waitFor();
            Files.writeString(DROP_CACHES, "3");
            Measured.run(peer.version(program), settings.cores(), source, workspace);
            steps.put(
                    COLD,
                    Measured.run(peer.backup(program, coldStore, name(), source), settings.cores(), source, workspace));
        }

        /** Name of the last backup, for programs that want one. */
        private String name() {
            return "backup-" + backups;
        }

        /** Measures a step, adding to an earlier one of the same name; bytes of the source. */
        private long step(String name, List<String> command, Path folder) throws IOException, InterruptedException {
            long bytes = Trees.readAll(source).bytes();
            new ProcessBuilder("sync").start().waitFor();
            Measured measured = Measured.run(command, settings.cores(), folder, workspace);
            steps.merge(name, measured, Measured::plus);
            return bytes;
        }
    }
}
