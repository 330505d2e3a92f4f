// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.parity.ParityEvents;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Damages packfiles that parity covers, and heals them. Within what parity promises they must be the same bytes again; beyond it
 * what cannot be healed must be told and be left as it is.
 */
final class Heals {
    /** So many places of a group may be hit, wherever they lie. */
    private static final int PLACES = 8;

    private final TestedStore store;
    private final Random random;
    private final Tally tally;
    private final Mac snapshot;
    private final Map<String, String> content;
    /** All packfiles and all parity as they are when they are well. */
    private final Map<Path, byte[]> good;

    private final KeptFolder kept;

    private final List<Path> packfiles;
    private final List<Path> parity;

    Heals(Path work, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.random = new Random(seed);
        this.tally = tally;
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache"));
        SourceTree tree = new SourceTree(work.resolve("tree"), seed, 24, 90_000);
        for (int i = 0; i < 3; i++) {
            store.backUp(tree.folder());
            tree.change(8);
        }
        this.snapshot = store.backUp(tree.folder());
        this.content = store.restore(snapshot);
        try (Repository repository = store.openRefreshed()) {
            Parity.update(repository, null, true, true, new Told(new ArrayList<>()));
        }
        Path packfilesFolder = store.folder().resolve("packfiles");
        this.kept = KeptFolder.of(packfilesFolder, store.folder().resolve("parity"));
        this.good = kept.files();
        this.packfiles = good.keySet().stream()
                .filter(file -> file.startsWith(packfilesFolder))
                .toList();
        this.parity = good.keySet().stream()
                .filter(file -> !file.startsWith(packfilesFolder))
                .toList();
    }

    void run(int times) throws IOException {
        tally.begin(times);
        for (int i = 1; i <= times; i++) {
            boolean isPromised = i % 4 != 0;
            String what = isPromised ? damageWithin((i - i / 4) % 5) : damageBeyond();
            Map<Path, byte[]> damaged = now();
            Set<Path> hit = new HashSet<>();
            good.forEach((file, bytes) -> {
                if (!Arrays.equals(bytes, damaged.get(file))) {
                    hit.add(file);
                }
            });
            if (!hit.isEmpty()) {
                judge(what, isPromised, damaged, hit);
            }
            kept.bringBack();
            tally.progress();
        }
    }

    /** One of the ways that are promised to heal. */
    private String damageWithin(int way) throws IOException {
        List<Path> drawn = new ArrayList<>(packfiles);
        Collections.shuffle(drawn, random);
        Path one = drawn.getFirst();
        byte[] bytes = good.get(one);
        return switch (way) {
            case 0 -> {
                Files.delete(one);
                tally.count("packfiles deleted");
                yield "packfile deleted";
            }
            case 1 -> {
                Files.write(one, Arrays.copyOf(bytes, random.nextInt(bytes.length)));
                tally.count("packfiles cut");
                yield "packfile cut";
            }
            case 2 -> {
                byte[] changed = bytes.clone();
                int from = random.nextInt(changed.length);
                int to = from + 1 + random.nextInt(changed.length - from);
                for (int at = from; at < to; at++) {
                    changed[at] = (byte) random.nextInt();
                }
                Files.write(one, changed);
                tally.count("packfiles overwritten in part, or as a whole");
                yield "packfile overwritten from " + from + " to " + to;
            }
            case 3 -> {
                for (int i = 0; i < PLACES; i++) {
                    flip(packfiles.get(random.nextInt(packfiles.size())), 1);
                }
                tally.count("times that 8 bits were flipped");
                yield PLACES + " bits flipped";
            }
            default -> {
                flip(parity.get(random.nextInt(parity.size())), 1);
                for (int i = 0; i < PLACES - 1; i++) {
                    flip(packfiles.get(random.nextInt(packfiles.size())), 1);
                }
                tally.count("times that 7 bits were flipped, and one of parity");
                yield "7 bits and one of parity flipped";
            }
        };
    }

    private String damageBeyond() throws IOException {
        List<Path> drawn = new ArrayList<>(good.keySet());
        Collections.shuffle(drawn, random);
        int count = 2 + random.nextInt(drawn.size() - 1);
        for (Path file : drawn.subList(0, count)) {
            byte[] bytes = good.get(file);
            switch (random.nextInt(4)) {
                case 0 -> Files.delete(file);
                case 1 -> Files.write(file, Arrays.copyOf(bytes, random.nextInt(bytes.length)));
                case 2 -> flip(file, 1 + random.nextInt(200));
                default -> Files.write(file, TestedStore.random(random.nextLong(), bytes.length));
            }
        }
        tally.count("times that more was damaged than is promised to heal");
        return count + " files damaged";
    }

    private void flip(Path file, int bits) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < bits; i++) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        Files.write(file, bytes);
    }

    private Map<Path, byte[]> now() throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        for (Path file : good.keySet()) {
            if (Files.exists(file)) {
                contents.put(file, Files.readAllBytes(file));
            }
        }
        return contents;
    }

    private void judge(String what, boolean isPromised, Map<Path, byte[]> damaged, Set<Path> hit) throws IOException {
        // That a parity object is gone nobody can see: no other object speaks of it.
        boolean isParityBad = parity.stream().anyMatch(file -> hit.contains(file) && damaged.containsKey(file));
        boolean isSound = !isParityBad && Collections.disjoint(hit, packfiles);
        if (store.check().isSound() != isSound) {
            tally.failed(what + ": not found by check");
        }
        List<String> told = new ArrayList<>();
        Heal.Result planned;
        Heal.Result done;
        try (Repository repository = store.openRefreshed()) {
            planned = Heal.run(repository, false, new Told(new ArrayList<>()));
        }
        if (!same(now(), damaged)) {
            tally.failed(what + ": a dry run changed something");
        }
        try (Repository repository = store.openRefreshed()) {
            done = Heal.run(repository, true, new Told(told));
        }
        // What is healed first may help what comes next, so that more comes of it than a dry run can tell.
        if (done.healed() < planned.healed()) {
            tally.failed(what + ": " + done + ", planned " + planned);
        }
        tally.count("packfiles healed", done.healed());
        tally.count("packfiles that could not be healed", done.notHealed());
        Map<Path, byte[]> after = now();
        long bad = 0;
        for (Path file : packfiles) {
            byte[] is = after.get(file);
            if (Arrays.equals(is, good.get(file))) {
                continue;
            }
            bad++;
            if (!Arrays.equals(is, damaged.get(file))) {
                tally.failed(what + ": " + store.folder().relativize(file) + " is neither well nor as it was");
            }
        }
        for (Path file : parity) {
            if (!Arrays.equals(after.get(file), damaged.get(file))) {
                tally.failed(what + ": healing changed " + store.folder().relativize(file));
            }
        }
        if (isPromised && bad > 0) {
            tally.failed(what + ": not healed: " + told);
        }
        TestedStore.Verdict verdict = store.check();
        if (verdict.isSound() != (bad == 0 && !isParityBad)) {
            tally.failed(what + ": " + bad + " packfiles are damaged, and check says " + verdict.problems());
        }
        if (bad == 0) {
            tally.count("times that all was healed");
            if (!store.restore(snapshot).equals(content)) {
                tally.failed(what + ": healed, and does not restore as it was");
            }
        } else {
            tally.count("times that some was not, which was told");
        }
    }

    private static boolean same(Map<Path, byte[]> one, Map<Path, byte[]> other) {
        return one.keySet().equals(other.keySet())
                && one.entrySet().stream().allMatch(file -> Arrays.equals(file.getValue(), other.get(file.getKey())));
    }

    /** Keeps what is told. */
    record Told(List<String> texts) implements ParityEvents {
        @Override
        public void notice(String text) {
            texts.add(text);
        }

        @Override
        public void notHealed(Mac packfile, String reason) {
            texts.add(packfile.shortHex() + " not healed: " + reason);
        }
    }
}
