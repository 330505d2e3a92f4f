// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Damages the files of a store one at a time, and mends them again. Each time {@code check} must find it, and a restore must
 * give back nothing that differs from what was backed up.
 */
final class Damage {
    private static final long SECONDS = 120;
    /** Beyond the heap, which is bounded by the JVM: nothing may be allocated because a damaged number says so. */
    private static final long MAX_RESIDENT_MIB = 1200;

    private final TestedStore store;
    private final Path root;
    private final Random random;
    private final Tally tally;
    private final Map<Mac, Map<String, String>> known = new HashMap<>();
    private final List<Path> files;
    private final ExecutorService runner = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("damage-case").daemon().factory());

    Damage(Path work, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.random = new Random(seed);
        this.tally = tally;
        // No cache: what is in it needs no state to be read, and the states are what is damaged here.
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache"));
        this.root = store.folder();
        SourceTree tree = new SourceTree(work.resolve("tree"), seed, 12, 60_000);
        List<Mac> ids = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            ids.add(store.backUp(tree.folder()));
            tree.change(5);
        }
        try (Repository repository = store.openRefreshed()) {
            repository.removeSnapshot(ids.removeFirst());
        }
        try (Repository repository = store.open()) {
            Maintenance.run(
                    repository,
                    new MaintenanceOptions(Instant.now(), Duration.ofDays(7), Duration.ZERO, false, false, false, 0),
                    new Kills.QuietMaintenance());
        }
        for (Mac id : ids) {
            known.put(id, store.restore(id));
        }
        try (Stream<Path> all = Files.walk(root)) {
            this.files = all.filter(Files::isRegularFile).sorted().toList();
        }
        TestedStore.Verdict verdict = store.check();
        if (!verdict.isSound() || !verdict.notices().isEmpty()) {
            throw new IllegalStateException("unsound before it is damaged: " + verdict);
        }
    }

    /** One bit, anywhere: half of the times in any byte, half of the times in any file, so that small ones get their share. */
    void flips(int times) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        tally.begin(times);
        for (int i = 1; i <= times; i++) {
            Path file;
            long at;
            if (random.nextBoolean()) {
                at = random.nextLong(bytes);
                int number = 0;
                while (at >= Files.size(files.get(number))) {
                    at -= Files.size(files.get(number));
                    number++;
                }
                file = files.get(number);
            } else {
                file = files.get(random.nextInt(files.size()));
                at = random.nextLong(Files.size(file));
            }
            byte[] whole = Files.readAllBytes(file);
            byte[] changed = whole.clone();
            int bit = random.nextInt(8);
            changed[(int) at] ^= (byte) (1 << bit);
            replace(file, changed);
            judge(
                    "bit " + bit + " of byte " + at + " of " + root.relativize(file) + " (" + whole.length + " bytes)",
                    false);
            replace(file, whole);
            tally.count("bits flipped");
            tally.count("bits flipped in " + kind(file));
            tally.progress();
        }
    }

    private String kind(Path file) {
        return root.relativize(file).getName(0).toString();
    }

    /** Truncates, deletes, swaps, duplicates, empties, lengthens, overwrites, mixes up. */
    void files(int times) throws IOException {
        tally.begin(times);
        for (int i = 1; i <= times; i++) {
            tally.progress();
            Path file = files.get(random.nextInt(files.size()));
            byte[] whole = Files.readAllBytes(file);
            String what = root.relativize(file).toString();
            switch (i % 8) {
                case 0 -> {
                    int length = random.nextInt(whole.length);
                    replace(file, Arrays.copyOf(whole, length));
                    judge(what + " truncated to " + length, false);
                    tally.count("files truncated");
                }
                case 1 -> {
                    Files.delete(file);
                    judge(what + " deleted", true);
                    tally.count("files deleted");
                }
                case 2 -> {
                    Path other = files.get(random.nextInt(files.size()));
                    byte[] its = Files.readAllBytes(other);
                    if (other.equals(file)) {
                        continue;
                    }
                    replace(file, its);
                    replace(other, whole);
                    judge(what + " swapped with " + root.relativize(other), false);
                    replace(other, its);
                    tally.count("files swapped");
                }
                case 3 -> {
                    if (file.endsWith("CONFIG")) {
                        continue;
                    }
                    byte[] name = new byte[32];
                    random.nextBytes(name);
                    String hex = java.util.HexFormat.of().formatHex(name);
                    Path copy = root.resolve(kind(file))
                            .resolve(hex.substring(0, 2))
                            .resolve(hex);
                    Files.createDirectories(copy.getParent());
                    Files.write(copy, whole);
                    judge(what + " duplicated under another name", true);
                    Files.delete(copy);
                    tally.count("files duplicated");
                }
                case 4 -> {
                    replace(file, new byte[0]);
                    judge(what + " emptied", false);
                    tally.count("files emptied");
                }
                case 5 -> {
                    byte[] longer = Arrays.copyOf(whole, whole.length + 1 + random.nextInt(5000));
                    replace(file, longer);
                    judge(what + " lengthened to " + longer.length, false);
                    tally.count("files lengthened");
                }
                case 6 -> {
                    byte[] changed = whole.clone();
                    int from = random.nextInt(changed.length);
                    int to = Math.min(changed.length, from + 1 + random.nextInt(4096));
                    for (int at = from; at < to; at++) {
                        changed[at] = (byte) ~changed[at];
                    }
                    replace(file, changed);
                    judge(what + " overwritten from " + from + " to " + to, false);
                    tally.count("files overwritten in part");
                }
                default -> {
                    Path other = files.get(random.nextInt(files.size()));
                    if (other.equals(file)) {
                        continue;
                    }
                    replace(file, Files.readAllBytes(other));
                    // A state that only takes snapshots away does not tell its name, and may as well be deleted.
                    boolean areStates =
                            kind(file).equals("states") && kind(other).equals("states");
                    judge(what + " replaced by a copy of " + root.relativize(other), areStates);
                    tally.count("files replaced by others");
                }
            }
            replace(file, whole);
            tally.count("files damaged");
        }
    }

    private static void replace(Path file, byte[] content) throws IOException {
        if (!Files.exists(file)) {
            Files.createDirectories(file.getParent());
        } else {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        }
        Files.write(file, content);
    }

    /** @param isPresence whether no byte is wrong, so that what check tells may be a notice */
    private void judge(String what, boolean isPresence) {
        Found found = bounded(what + ": check", () -> {
            TestedStore.Verdict verdict = store.check();
            return new Found(!verdict.isSound(), !verdict.notices().isEmpty());
        });
        if (found == null || found.isProblem) {
            tally.count("found by check");
        } else if (isPresence && found.isNotice) {
            tally.count("told by check, as no damage");
        } else if (isPresence) {
            tally.count("without a trace");
            tally.count("without a trace: " + what.replaceAll("/[/0-9a-f]{20,}", " X"));
        } else {
            tally.failed(what + ": not found by check");
        }
        for (Map.Entry<Mac, Map<String, String>> snapshot : known.entrySet()) {
            Map<String, String> given = bounded(what + ": restore", () -> store.restore(snapshot.getKey()));
            if (given == null) {
                tally.count("restores refused");
                continue;
            }
            tally.count(given.equals(snapshot.getValue()) ? "restores that were whole" : "restores of a part");
            given.forEach((path, content) -> {
                if (!content.equals(snapshot.getValue().get(path))) {
                    tally.failed(what + ": a restore gave " + path + " as " + content);
                }
            });
        }
        long resident = residentMiB();
        if (resident > MAX_RESIDENT_MIB) {
            tally.failed(what + ": " + resident + " MiB of memory used");
        }
    }

    private record Found(boolean isProblem, boolean isNotice) {}

    /** What a case gives, or null when it was refused with an explanation. Anything else it throws is a failure, as is time. */
    private <T> T bounded(String what, Callable<T> work) {
        Future<T> running = runner.submit(work);
        try {
            return running.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (!TestedStore.isExplained(e.getCause())) {
                tally.failed(what + ": " + e.getCause());
                e.getCause().printStackTrace();
            }
            return null;
        } catch (TimeoutException e) {
            tally.failed(what + ": no end after " + SECONDS + " s");
            throw new IllegalStateException("cannot go on", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Makes {@link #residentMiB} begin anew, where the system lets us. */
    static void forgetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            // Then it is the peak since the start of the process.
        }
    }

    /** The most memory that this process ever had, or 0 where the system does not tell. */
    static long residentMiB() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) >> 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
