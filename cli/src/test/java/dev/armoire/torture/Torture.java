// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.cli.FarFaults;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** {@code armoire-torture}: runs the faults that are asked for, prints what was tried and what went wrong. */
public final class Torture {
    private static final String USAGE = """
            usage: armoire-torture [-quick] [-n TIMES] [-seed N] [-share K/N] [-work FOLDER]
                                   [-plaintext|-encrypted] [PART...]

            Faults on purpose, into stores of its own; what is promised and was counted stands in
            docs/reliability.md. Parts, by default all of them:

              kill    kill -9 of the real process at random moments of backup, rm, maintenance,
                      repair, parity, check -heal and sync (full: 1000)
              flip    one bit anywhere in a store, checked and restored from (full: 1000)
              files   files truncated, deleted, swapped, duplicated, mixed up (full: 400)
              heal    packfiles damaged within what parity promises to heal, and beyond (full: 1000)
              fuzz    forged CONFIGs, envelopes, states, footers, records, trees with cycles, parity and
                      archives (full: 600 seconds; stores without encryption only, where anybody can forge)
              errors  EIO, ENOSPC, EACCES, short reads, stale handles at each call of a storage, in
                      backup, rm, maintenance, repair, parity, healing, sync, check and restore
                      (full: every call)
              power   the power goes at each call of a storage: what is under way is lost, or not
              disk    the power goes below everything: what the real process asks of the system is watched
                      with strace (which must be there), and store and cache folder are made of what a
                      disk may hold after each call (full: every call of 15 operations)
              large   a store of small blobs, 30 % of them garbage, and how long maintenance takes over
                      it (full: 1,000,000 blobs; only when it is named)
              s3      backup, sync both ways, restore and check on stores in buckets, through latency,
                      resets, 500, 503, SlowDown, cut and slow answers, wrong checksums, too many
                      connections and clocks an hour apart, or cut off for good, or the real process
                      killed at some request, and resumed (full: 200)
              s3-other  the same with another server, which heeds no conditions and compares no checksums
                      of uploads, so that none is spoilt (full: 200)
              s3-kills  the real process killed at the first request of a backup, the second one and so on, with
                      both servers, packfiles in one request each and in parts, and resumed (full: every request)
              sftp    the same on a real sshd (which must be there), through connections that are slow,
                      stall, break, spoil a bit or are refused (full: 200)
              writers eight writers, maintenance, check, removals at once (full: 600 seconds)

            -share 3/20 runs the third of twenty shares, which together are all that there is to try:
            what takes hours can be run a piece at a time. A -work folder in memory is faster. How far
            it is it says every ten seconds, and what was counted also when it is stopped.

            -quick runs some of each in a minute or two. Half of the times the store is encrypted, unless
            -plaintext or -encrypted says that all are of one kind. The exit code is 1 when anything failed.""";

    private static final List<String> PARTS = List.of(
            "flip",
            "files",
            "heal",
            "fuzz",
            "power",
            "errors",
            "disk",
            "s3",
            "s3-other",
            "s3-kills",
            "sftp",
            "writers",
            "kill");

    /** These make stores of one kind only. */
    private static final Set<String> PLAINTEXT_PARTS = Set.of("fuzz");

    private static final int EVERY_CALL = Integer.MAX_VALUE;
    private static final int WORKERS = 2;

    private static final List<StorageErrors.Fault> ERRORS = List.of(
            StorageErrors.Fault.EIO,
            StorageErrors.Fault.ENOSPC,
            StorageErrors.Fault.EACCES,
            StorageErrors.Fault.STALE_HANDLE,
            StorageErrors.Fault.SHORT_READ);

    /** Plain text first, then encrypted. */
    static final List<Boolean> BOTH = List.of(false, true);

    private final PrintStream out;
    private final Path work;
    private final long seed;
    private final List<String> program;
    private final List<String> failures = new ArrayList<>();
    /** Which of how many shares this run tries, from 0 on. */
    private int share;

    private int shares = 1;

    /**
     * @param work a folder that is or will be there, for stores and sources
     * @param program the words that start Armoire
     */
    Torture(PrintStream out, Path work, long seed, List<String> program) {
        this.out = out;
        this.work = work;
        this.seed = seed;
        this.program = program;
    }

    List<String> failures() {
        return failures;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        boolean quick = false;
        int times = 0;
        List<Boolean> kinds = BOTH;
        long seed = 1;
        int share = 1;
        int shares = 1;
        Path work = null;
        List<String> parts = new ArrayList<>();
        try {
            for (int i = 0; i < args.length; i++) {
                switch (args[i]) {
                    case "-quick", "--quick" -> quick = true;
                    case "-n" -> times = Integer.parseInt(args[++i]);
                    case "-seed", "--seed" -> seed = Long.parseLong(args[++i]);
                    case "-share", "--share" -> {
                        String[] numbers = args[++i].split("/", 2);
                        share = Integer.parseInt(numbers[0]);
                        shares = Integer.parseInt(numbers[1]);
                        if (share < 1 || share > shares) {
                            throw new IllegalArgumentException(args[i]);
                        }
                    }
                    case "-work", "--work" -> work = Path.of(args[++i]).toAbsolutePath();
                    case "-plaintext", "--plaintext" -> kinds = List.of(false);
                    case "-encrypted", "--encrypted" -> kinds = List.of(true);
                    default -> {
                        if (!PARTS.contains(args[i]) && !args[i].equals("large")) {
                            throw new IllegalArgumentException(args[i]);
                        }
                        parts.add(args[i]);
                    }
                }
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            System.err.println(USAGE);
            System.exit(args.length == 1 && args[0].matches("-h|-?-help|help") ? 0 : 64);
        }
        // What an earlier run left lies beside it.
        Path folder = work == null
                ? Files.createTempDirectory("armoire-torture")
                : Files.createTempDirectory(Files.createDirectories(work), "run");
        String launcher = System.getProperty("armoire.torture.program");
        Torture torture =
                new Torture(System.out, folder, seed, launcher == null ? Kills.ownProgram() : List.of(launcher));
        torture.share = share - 1;
        torture.shares = shares;
        for (String part : parts.isEmpty() ? PARTS : parts) {
            torture.run(part, times > 0 ? times : quick ? quickTimes(part) : fullTimes(part), kinds);
        }
        if (torture.failures.isEmpty()) {
            deleteTree(folder);
        } else {
            System.out.println("what went wrong lies in " + folder);
        }
        System.exit(torture.failures.isEmpty() ? 0 : 1);
    }

    private static int fullTimes(String part) {
        return switch (part) {
            case "files" -> 400;
            case "s3", "s3-other", "sftp" -> 200;
            case "s3-kills" -> EVERY_CALL;
            case "large" -> 2_000_000; // half of them encrypted
            case "writers", "fuzz" -> 600;
            case "errors", "power", "disk" -> EVERY_CALL;
            default -> 1000;
        };
    }

    static int quickTimes(String part) {
        return switch (part) {
            case "kill", "writers", "fuzz" -> 20;
            case "large" -> 60_000;
            default -> 50;
        };
    }

    /**
     * One part.
     *
     * @param kinds of stores, encrypted or not, which share the times
     */
    void run(String part, int times, List<Boolean> kinds) throws IOException, InterruptedException {
        for (boolean isEncrypted : PLAINTEXT_PARTS.contains(part) ? List.of(false) : kinds) {
            int all = PLAINTEXT_PARTS.contains(part) ? times : times / kinds.size();
            int some = all * (share + 1) / shares - all * share / shares;
            String name = part + (isEncrypted ? ", encrypted" : ", plaintext");
            Path folder = Files.createDirectories(work.resolve(part + (isEncrypted ? "-encrypted" : "-plaintext")));
            Tally tally = new Tally(name, out);
            Thread onEnd = new Thread(tally::print);
            Runtime.getRuntime().addShutdownHook(onEnd); // when it is stopped half way
            long ownSeed = shares == 1 ? seed : seed * 1_000 + share;
            switch (part) {
                case "kill", "flip", "files", "heal" ->
                    sideBySide(tally, worker -> {
                        Path own = Files.createDirectories(folder.resolve("w" + worker));
                        long itsSeed = ownSeed + 500_000L * worker;
                        int its = (some + worker) / WORKERS;
                        switch (part) {
                            case "kill" -> new Kills(own, program, isEncrypted, itsSeed, tally).run(its);
                            case "flip" -> new Damage(own, isEncrypted, itsSeed, tally).flips(its);
                            case "files" -> new Damage(own, isEncrypted, itsSeed, tally).files(its);
                            default -> new Heals(own, isEncrypted, itsSeed, tally).run(its);
                        }
                    });
                case "errors", "power" ->
                    sideBySide(tally, worker -> {
                        Path own = Files.createDirectories(folder.resolve("w" + worker));
                        // The same store for all shares, so that together they try all calls.
                        StorageErrors errors = new StorageErrors(own, isEncrypted, seed, tally);
                        List<StorageErrors.Fault> faults =
                                part.equals("power") ? List.of(StorageErrors.Fault.POWER_LOSS) : ERRORS;
                        int step = times == EVERY_CALL ? 1 : Math.max(1, errors.cases(faults) / all);
                        errors.run(faults, share * WORKERS + worker, step * shares * WORKERS);
                    });
                case "disk" ->
                    sideBySide(tally, worker -> {
                        Path own = Files.createDirectories(folder.resolve("w" + worker));
                        boolean isFew = some < 2 * PowerCuts.STATES_AFTER_CALL; // not worth a second store
                        int its = isFew ? worker == 0 ? some : 0 : some / WORKERS;
                        if (its > 0) { // the first one's cache has all in files of its own, as those of large stores
                            new PowerCuts(own, program, isEncrypted, worker == 0, seed + worker, tally)
                                    .run(times == EVERY_CALL ? EVERY_CALL : its, share, shares);
                        }
                    });
                case "fuzz" -> new HostileInputs(folder, program, ownSeed, tally).run(Duration.ofSeconds(some));
                case "large" -> new LargeStore(folder, isEncrypted, out, tally).run(some);
                case "s3", "s3-other", "sftp" -> farAway(part, folder, isEncrypted, ownSeed, some, tally);
                case "s3-kills" -> {
                    for (String server : List.of("s3", "s3-other")) {
                        atEachRequest(server, folder.resolve(server), isEncrypted, times, tally);
                    }
                }
                case "writers" -> new ManyWriters(folder, isEncrypted, ownSeed, tally).run(Duration.ofSeconds(some));
                default -> throw new IllegalArgumentException(part);
            }
            Runtime.getRuntime().removeShutdownHook(onEnd);
            tally.print();
            tally.failures().forEach(failure -> failures.add(name + ": " + failure));
        }
        out.println("peak memory of this process: " + Damage.residentMiB() + " MiB");
    }

    private FarFaults faultsOf(String part, Path folder, boolean isEncrypted) throws Exception {
        return switch (part) {
            case "s3" -> FarFaults.ofBuckets(folder, isEncrypted, program);
            case "s3-other" -> FarFaults.ofOtherBuckets(folder, isEncrypted, program);
            default -> FarFaults.ofSftp(folder, isEncrypted, program);
        };
    }

    /** Kills a backup at the first request, the second one and so on, until one ends before it is killed. */
    private void atEachRequest(String server, Path folder, boolean isEncrypted, int most, Tally tally) {
        try (FarFaults far = faultsOf(server, Files.createDirectories(folder), isEncrypted)) {
            for (boolean inParts : List.of(false, true)) {
                String what = server + (inParts ? ", in parts" : ", in one");
                long itsSeed = seed * 1_000_000 + (inParts ? 500_000 : 0);
                for (int life = share; life < most; life += shares) {
                    tally.begin(1);
                    boolean wasKilled =
                            !far.runKilled(itsSeed + life, life, inParts).isRight();
                    tally.count(what + (wasKilled ? ": killed, whole, completed" : ": done before it was killed"));
                    tally.progress();
                    if (!wasKilled) {
                        break;
                    }
                }
            }
        } catch (AssertionError | Exception e) {
            tally.failed(server + ": " + e.getMessage());
        }
    }

    private void farAway(String part, Path folder, boolean isEncrypted, long itsSeed, int times, Tally tally) {
        tally.begin(times);
        try (FarFaults far = faultsOf(part, folder, isEncrypted)) {
            for (int i = 0; i < times; i++) {
                try {
                    FarFaults.Ended ended = far.run(itsSeed * 1_000_000 + i);
                    tally.count(ended.command() + (ended.isRight() ? ": went well" : ": ended with an error"));
                    ended.faults().forEach((fault, count) -> tally.count("times " + fault, count));
                } catch (AssertionError | IOException | RuntimeException e) {
                    tally.failed(String.valueOf(e.getMessage()));
                }
                tally.progress();
            }
        } catch (RuntimeException e) {
            throw e; // among them that there is no sshd
        } catch (Exception e) {
            tally.failed("cannot be begun: " + e);
        }
    }

    @FunctionalInterface
    private interface Worker {
        void work(int number) throws IOException, InterruptedException;
    }

    /** As one case mostly waits for one thread after the other. */
    private static void sideBySide(Tally tally, Worker worker) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            int number = i;
            threads.add(Thread.ofPlatform().name("worker-" + i).start(() -> {
                try {
                    worker.work(number);
                } catch (IOException | InterruptedException | RuntimeException | Error e) {
                    tally.failed("cannot go on: " + e);
                    e.printStackTrace();
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void deleteTree(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
