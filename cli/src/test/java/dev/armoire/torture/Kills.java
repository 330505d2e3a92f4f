// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceEvents;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Kills the real process ({@code kill -9}) at random moments of its commands, and looks at the store after each: it opens,
 * {@code check} finds nothing, no snapshot is gone or has come that should not, what is there restores as it was, and the
 * next backup works.
 */
final class Kills {
    private static final int SNAPSHOTS = 8;
    private static final int SIGKILL_EXIT = 137;

    private final Path work;
    private final List<String> program;
    private final Random random;
    private final Tally tally;
    private final TestedStore store;
    private final TestedStore peer;
    private final SourceTree tree;
    /** What each snapshot must give back. */
    private final Map<Mac, Map<String, String>> known = new HashMap<>();
    /** What backups were to save that were killed before a snapshot of theirs was listed. */
    private final List<Map<String, String>> unfinished = new ArrayList<>();

    /** How long each command takes when nobody kills it. */
    private final Map<String, Double> usualMillis = new HashMap<>();

    /** @param program the words that start it */
    Kills(Path work, List<String> program, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.work = work;
        this.program = program;
        this.random = new Random(seed);
        this.tally = tally;
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache/armoire"));
        this.peer = TestedStore.create(work.resolve("peer"), isEncrypted, work.resolve("cache/armoire"));
        this.tree = new SourceTree(work.resolve("tree"), seed, 40, 120_000);
    }

    /** Goes on until so many processes were killed alive. */
    void run(int kills) throws IOException, InterruptedException {
        nextBackup();
        try (Repository repository = store.openRefreshed()) {
            Parity.update(repository, null, false, true, new Heals.Told(new ArrayList<>()));
        }
        tally.begin(kills);
        int done = 0;
        while (done < kills) {
            List<String> command = draw();
            String name = name(command);
            Set<Mac> before = Set.copyOf(known.keySet());
            tree.change(20);
            if (name.equals("check")) {
                StorageErrors.damageCovered(store, random, random.nextBoolean());
            }
            boolean wasKilled = start(name, command, momentMillis(name));
            if (wasKilled) {
                done++;
                tally.count("processes killed");
                tally.count("killed: " + name);
                tally.progress();
            } else {
                tally.count("commands that ended before their kill");
            }
            try {
                judge(name, command, before);
            } catch (IOException | RuntimeException | AssertionError e) {
                tally.failed("kill " + done + ", " + String.join(" ", command) + ": " + e);
                return; // what comes after it says nothing
            }
        }
    }

    private List<String> draw() {
        List<Mac> ids = List.copyOf(known.keySet());
        return switch (random.nextInt(14)) {
            case 0 ->
                ids.size() > 1 // or else there would be nothing left to restore
                        ? List.of(
                                "rm",
                                "-apply",
                                ids.get(random.nextInt(ids.size())).hex())
                        : draw();
            case 1, 2 -> List.of("maintenance");
            case 3, 4 -> List.of("maintenance", "-repack", "1");
            case 5 -> List.of("repair", "-apply");
            case 6 -> List.of("sync", "to", peer.folder().toString());
            case 7 -> List.of("parity", "-apply");
            case 8 -> List.of("check", "-heal");
            default -> List.of("backup", tree.folder().toString());
        };
    }

    private static String name(List<String> command) {
        return command.contains("-repack") ? "maintenance -repack" : command.getFirst();
    }

    private long momentMillis(String name) {
        Double usual = usualMillis.get(name);
        if (usual == null) {
            return Long.MAX_VALUE;
        }
        // Any moment, but more often one of the later ones: a process that still starts has done nothing yet.
        double from = random.nextInt(5) == 0 ? 0 : 0.4;
        return (long) ((from + random.nextDouble() * (1 - from)) * usual);
    }

    /** Runs a command, and kills it after a time if it still lives. */
    private boolean start(String name, List<String> command, long millis) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(program);
        words.addAll(List.of("at", store.folder().toString(), "-quiet"));
        words.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(words);
        Path log = work.resolve("log");
        builder.redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        Map<String, String> environment = builder.environment();
        environment.put("HOME", work.toString());
        environment.put("XDG_CACHE_HOME", work.resolve("cache").toString());
        environment.put("XDG_CONFIG_HOME", work.resolve("config").toString());
        environment.put("ARMOIRE_PASSPHRASE", TestedStore.PASSPHRASE);
        environment.put("ARMOIRE_GRACEPERIOD", "0s");
        long begun = System.nanoTime();
        Process process = builder.start();
        boolean ended = process.waitFor(Math.min(millis, 300_000), TimeUnit.MILLISECONDS);
        if (!ended) {
            process.destroyForcibly();
            process.waitFor();
            if (process.exitValue() == SIGKILL_EXIT) {
                if (millis > 300_000) {
                    tally.failed(name + " did not end within five minutes");
                }
                return true;
            }
        }
        if (process.exitValue() != 0) {
            tally.failed(name + " ended with " + process.exitValue() + ": " + Files.readString(log));
        }
        double took = (System.nanoTime() - begun) / 1e6;
        usualMillis.merge(name, took, (old, now) -> 0.8 * old + 0.2 * now);
        return false;
    }

    private void judge(String name, List<String> command, Set<Mac> before) throws IOException {
        tally.count("locks left by the dead, removed", store.removeLocks() + peer.removeLocks());
        if (name.equals("check")) {
            try (Repository repository = store.openRefreshed()) {
                Heal.run(repository, true, new Heals.Told(new ArrayList<>()));
            }
        }
        TestedStore.Verdict verdict = sound(store, "the store");
        Set<Mac> listed = new HashSet<>(verdict.snapshots());
        List<Mac> gone = before.stream().filter(id -> !listed.contains(id)).toList();
        List<Mac> come = listed.stream().filter(id -> !before.contains(id)).toList();
        Map<Mac, Map<String, String>> lost = new HashMap<>();
        gone.forEach(id -> lost.put(id, known.remove(id)));
        switch (name) {
            case "backup" -> {
                expect(gone.isEmpty() && come.size() <= 1, gone + " gone, " + come + " come");
                for (Mac id : come) {
                    known.put(id, store.restore(id));
                    expect(known.get(id).equals(nowInTree()), id.shortHex() + " is not what was in the source");
                    tally.count("backups that were whole when their process died, or ended");
                }
                if (come.isEmpty()) {
                    unfinished.add(nowInTree());
                }
            }
            case "repair" -> {
                expect(gone.isEmpty(), gone + " gone");
                for (Mac id : come) { // of a backup that had stored everything but the state that says so
                    known.put(id, store.restore(id));
                    expect(
                            unfinished.remove(known.get(id)),
                            id.shortHex() + " is not what a killed backup was to save");
                    tally.count("snapshots of killed backups that repair has found");
                }
            }
            case "rm" ->
                expect(
                        come.isEmpty() && gone.stream().allMatch(id -> id.hex().equals(command.getLast())),
                        gone + " gone, " + come + " come");
            case "maintenance -repack" -> {
                expect(gone.size() == come.size(), gone + " gone, " + come + " come");
                for (Mac id : come) {
                    Map<String, String> content = store.restore(id);
                    expect(lost.values().remove(content), id.shortHex() + " is none of those that were renamed");
                    known.put(id, content);
                }
            }
            default -> expect(gone.isEmpty() && come.isEmpty(), gone + " gone, " + come + " come");
        }
        List<Mac> ids = List.copyOf(known.keySet());
        Mac older = ids.get(random.nextInt(ids.size()));
        expect(store.restore(older).equals(known.get(older)), older.shortHex() + " does not restore as it was");
        tally.count("older snapshots restored");
        if (name.equals("sync")) {
            for (Mac id : sound(peer, "the other store").snapshots()) {
                Map<String, String> content = known.get(id);
                if (content != null) {
                    expect(peer.restore(id).equals(content), id.shortHex() + " differs in the other store");
                }
            }
        }
        nextBackup();
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private TestedStore.Verdict sound(TestedStore which, String what) throws IOException {
        TestedStore.Verdict verdict = which.check();
        expect(verdict.isSound(), "check of " + what + ": " + verdict.problems());
        tally.count("checks without a finding");
        return verdict;
    }

    private Map<String, String> nowInTree() throws IOException {
        return TreeDigests.of(tree.folder());
    }

    private void nextBackup() throws IOException {
        Mac id = store.backUp(tree.folder());
        Map<String, String> content = store.restore(id);
        expect(content.equals(nowInTree()), "the next backup, " + id.shortHex() + ", is not what is in the source");
        known.put(id, content);
        tally.count("next backups");
        while (known.size() > SNAPSHOTS) { // as rm seldom gets through
            Mac victim = known.keySet().iterator().next();
            try (Repository repository = store.openRefreshed()) {
                repository.removeSnapshot(victim);
            }
            known.remove(victim);
        }
        if (random.nextInt(40) == 0) { // or else the store would only grow
            try (Repository repository = store.open()) {
                Maintenance.run(
                        repository,
                        new MaintenanceOptions(Instant.now(), Duration.ZERO, Duration.ZERO, false, false, false, 0),
                        new QuietMaintenance());
            }
        }
    }

    /** Says nothing. */
    static class QuietMaintenance implements MaintenanceEvents {
        @Override
        public void notice(String text) {}

        @Override
        public void rewritten(Mac from, Mac to) {}

        @Override
        public void waiting(String why) {}
    }

    /** The words that start the program out of the classes of this very process. */
    static List<String> ownProgram() {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(Arrays.asList(
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                "--add-modules=jdk.incubator.vector",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx192m",
                "-Darmoire.cache.eager=true",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.armoire.cli.Main"));
        return words;
    }
}
