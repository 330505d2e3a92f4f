// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * Commands on stores that are far away, through a network and a service that fail as seeds say, by clocks that are an hour apart, or
 * that nothing gets through to any more from some moment on; and real processes that are killed when a request arrives. Each command
 * ends right, or with an error that says why; then the store is whole, and the next run completes it. Owns the server. For one thread.
 */
public final class FarFaults implements AutoCloseable {
    private static final int FILE_BYTES = 300 << 10;
    /** Every so many-th backup has a file for which packfiles go up in parts. */
    private static final int LARGE_EVERY = 10;

    private static final int LARGE_BYTES = 17 << 20;

    /** Those that are killed have this to store, in packfiles so small that most are durable by then. */
    private static final int KILLED_BYTES = 3 << 20;

    private static final int KILLED_PACKFILE_BYTES = 128 << 10;
    /** Two packfiles of each lane, and what is lost to padding and to listings that are stored anew. */
    private static final int STORED_AGAIN_BYTES = 1 << 20;

    private static final String PASSPHRASE = "of all stores of this test";
    private static final int SIGKILL_EXIT = 137;

    /** What is tried. */
    private enum Command {
        BACKUP,
        SYNC_TO,
        SYNC_FROM,
        RESTORE,
        CHECK;

        boolean writes() {
            return this == BACKUP || this == SYNC_TO;
        }

        String words() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /**
     * A command, and what has become of it.
     *
     * @param isRight whether it ended as if nothing had happened
     * @param faults how often what has happened on its way
     */
    public record Ended(String command, boolean isRight, Map<String, Integer> faults) {}

    /** A server of stores. */
    private interface Server extends AutoCloseable {
        /** Gives a store that is reached through a port of this machine a name. */
        void name(ArmoireRun run, String name, int through, String store);

        /** The store without anything in between. */
        Location direct(String store);

        /** What commands call the store without anything in between. */
        String direct(ArmoireRun run, String store);

        Map<String, String> settings();

        Way way(long seed, double share) throws IOException;

        /** Shares of what is under way that are worth spoiling. */
        double[] shares();

        /** After how much a way is cut off for good. */
        int life(Random random);

        /** After how much of {@link #KILLED_BYTES} a process is killed. */
        int lifeOfKilled(Random random);

        /** Makes a store with small packfiles; without encryption if there is no passphrase. */
        void createWithPackfilesOf(long bytes, String store, String passphrase) throws IOException;

        @Override
        void close();
    }

    /** A way to a server, on which things happen. */
    private interface Way extends AutoCloseable {
        int port();

        void dieAfter(int life);

        void killAfter(int life, Runnable kill);

        /** Sets the server's clock, if it has one that matters. */
        void setClock(Duration ahead) throws IOException;

        Map<String, Integer> faults();

        @Override
        void close() throws IOException;
    }

    private final Path folder;
    private final Server server;
    private final boolean isEncrypted;
    /** The words that start the real program. */
    private final List<String> program;

    private final ArmoireRun run;
    private final String snapshot;

    private FarFaults(Path folder, Server server, boolean isEncrypted, List<String> program) throws IOException {
        this.folder = folder;
        this.server = server;
        this.isEncrypted = isEncrypted;
        this.program = program;
        this.run = user(folder).withStoreAndSource();
        writeRandom(folder.resolve("source/some"), FILE_BYTES, 1);
        for (int i = 0; i < 20; i++) {
            Files.writeString(folder.resolve("source/sub/" + i), "file " + i);
        }
        snapshot = run.backup();
        String good = server.direct(run, "good");
        succeeds("create", create(run, good));
        succeeds("sync", run.onStore("sync", "to", good));
    }

    private static ArmoireRun user(Path folder) {
        return new ArmoireRun(folder)
                .with("ARMOIRE_PASSPHRASE", PASSPHRASE)
                .with("ARMOIRE_PEER_PASSPHRASE", PASSPHRASE);
    }

    private ArmoireRun.Outcome create(ArmoireRun run, String place) {
        return isEncrypted ? run.run("at", place, "create") : run.run("at", place, "create", "-plaintext");
    }

    /**
     * Stores in buckets, as {@code s3://} has them.
     *
     * @param program the words that start the real program
     */
    public static FarFaults ofBuckets(Path folder, boolean isEncrypted, List<String> program) throws Exception {
        System.setProperty("armoire.s3.pause", "1");
        System.setProperty("armoire.s3.whole", Integer.toString(LARGE_BYTES - (1 << 20)));
        return new FarFaults(
                folder, new BucketServer(Buckets.start(folder), FaultProxy.Fault.OF_BUCKETS), isEncrypted, program);
    }

    /** The same with another server, which overwrites what it is told to overwrite, and does not see that an upload was spoilt. */
    public static FarFaults ofOtherBuckets(Path folder, boolean isEncrypted, List<String> program) throws Exception {
        System.setProperty("armoire.s3.pause", "1");
        System.setProperty("armoire.s3.whole", Integer.toString(LARGE_BYTES - (1 << 20)));
        Set<FaultProxy.Fault> possible = EnumSet.copyOf(FaultProxy.Fault.OF_BUCKETS);
        possible.remove(FaultProxy.Fault.SPOILT_UPLOAD);
        return new FarFaults(folder, new BucketServer(Buckets.startOther(folder), possible), isEncrypted, program);
    }

    /** Stores on a real sshd. A JUnit assumption fails where there is none. */
    public static FarFaults ofSftp(Path folder, boolean isEncrypted, List<String> program) throws Exception {
        return new FarFaults(folder, new SftpServer(Sshd.start(folder), folder), isEncrypted, program);
    }

    @Override
    public void close() {
        System.clearProperty("armoire.s3.pause");
        System.clearProperty("armoire.s3.whole");
        server.close();
    }

    /**
     * One command.
     *
     * @throws AssertionError when something is not as it must be
     */
    public Ended run(long seed) throws IOException {
        Command command = Command.values()[Math.floorMod(seed, Command.values().length)];
        Random random = new Random(seed * 0x9E3779B97F4A7C15L);
        if (command == Command.BACKUP && random.nextInt(3) == 0) {
            return runKilled(seed, server.lifeOfKilled(random), false);
        }
        boolean dies = command.writes() && random.nextInt(3) == 0;
        Duration ahead =
                dies || random.nextInt(4) > 0 ? Duration.ZERO : Duration.ofHours(random.nextBoolean() ? 1 : -1);
        double share = dies ? 0 : server.shares()[random.nextInt(server.shares().length)];
        int life = dies ? server.life(random) : Integer.MAX_VALUE;
        String what = "seed " + seed + ", " + command.words()
                + (dies
                        ? ", cut off after " + life
                        : ", " + share + " of what is under way spoilt, clock ahead by " + ahead);
        ArmoireRun far = user(folder.resolve("far" + seed));
        Path back = folder.resolve("back" + seed);
        boolean isRight;
        Map<String, Integer> faults;
        if (command == Command.BACKUP && random.nextInt(LARGE_EVERY) == 0) {
            writeRandom(folder.resolve("source/large"), LARGE_BYTES, seed);
        }
        String store = command.writes() ? "s" + seed : "good";
        ArmoireRun direct = user(folder.resolve("direct" + seed));
        String place = server.direct(direct, store);
        if (command.writes()) {
            succeeds(what, create(direct, place));
        }
        try (Way way = server.way(seed, share)) {
            way.setClock(ahead);
            server.name(far, "s", way.port(), store);
            if (dies) {
                way.dieAfter(life);
            }
            isRight = wentWell(what, far, command, back);
            faults = new TreeMap<>(way.faults());
        }
        if (dies) {
            faults.merge("CUT_OFF", 1, Integer::sum);
        }
        assertThat(isRight || !faults.isEmpty())
                .as(what + ": failed without a fault")
                .isTrue();
        if (command.writes()) {
            completes(what, direct, store, place, command, back);
        }
        cleanUp(seed);
        return new Ended(command.words(), isRight, faults);
    }

    private void cleanUp(long seed) throws IOException {
        Files.deleteIfExists(folder.resolve("source/large"));
        for (String name : new String[] {"far", "direct", "back"}) {
            delete(folder.resolve(name + seed));
        }
    }

    /**
     * A backup by a process that is killed with {@code kill -9}.
     *
     * @param life how many requests get through before (to sshd: bytes); half of the times the one that kills it does, too
     * @param inParts whether packfiles go up in parts, as only large ones do elsewhere
     * @return that went well when the process ended before
     */
    public Ended runKilled(long seed, int life, boolean inParts) throws IOException {
        String what = "seed " + seed + ", backup, killed after " + life + (inParts ? ", in parts" : "");
        String store = "s" + seed;
        ArmoireRun far = user(folder.resolve("far" + seed));
        ArmoireRun direct = user(folder.resolve("direct" + seed));
        Path back = folder.resolve("back" + seed);
        String place = server.direct(direct, store);
        writeRandom(folder.resolve("source/large"), KILLED_BYTES, seed);
        server.createWithPackfilesOf(KILLED_PACKFILE_BYTES, store, isEncrypted ? PASSPHRASE : "");
        boolean wasKilled;
        try (Way way = server.way(seed, 0)) {
            server.name(far, "s", way.port(), store);
            wasKilled = startAndKill(what, far, way, life, inParts);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        completes(what, direct, store, place, Command.BACKUP, back);
        assertThat(packfileBytes(store)).as(what).isLessThan(KILLED_BYTES + FILE_BYTES + STORED_AGAIN_BYTES);
        cleanUp(seed);
        return new Ended("backup by a process that is killed", !wasKilled, wasKilled ? Map.of("KILLED", 1) : Map.of());
    }

    private boolean startAndKill(String what, ArmoireRun far, Way way, int life, boolean inParts)
            throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(program);
        words.addAll(List.of("at", "@s", "-quiet", "backup", run.path("source")));
        Path log = folder.resolve("killed.log");
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeIf(name -> name.startsWith("XDG_"));
        environment.put("HOME", far.home().toString());
        environment.put("ARMOIRE_PASSPHRASE", PASSPHRASE);
        if (inParts) {
            environment.put("JDK_JAVA_OPTIONS", "-Darmoire.s3.whole=" + KILLED_PACKFILE_BYTES / 2);
        }
        // Neither before there is a process to kill, nor never.
        CompletableFuture<Process> process = new CompletableFuture<>();
        way.killAfter(life, () -> process.join().destroyForcibly());
        Process started = builder.start();
        process.complete(started);
        int exitCode = started.waitFor();
        assertThat(exitCode).as(what + ": " + Files.readString(log)).isIn(0, SIGKILL_EXIT);
        return exitCode == SIGKILL_EXIT;
    }

    private long packfileBytes(String store) throws IOException {
        Location location = server.direct(store);
        try (Storage storage =
                Objects.requireNonNull(StorageFactory.find(location)).open(location, server.settings())) {
            long bytes = 0;
            for (Mac packfile : storage.list(ObjectKind.PACKFILE)) {
                bytes += storage.size(ObjectKind.PACKFILE, packfile);
            }
            return bytes;
        }
    }

    private boolean wentWell(String what, ArmoireRun far, Command command, Path back) throws IOException {
        ArmoireRun.Outcome outcome = switch (command) {
            case BACKUP -> far.run("at", "@s", "backup", run.path("source"));
            case SYNC_TO -> far.run("at", run.path("store"), "sync", "to", "@s");
            case SYNC_FROM -> {
                succeeds(what, run.run("at", back.toString(), "create", "-plaintext"));
                yield far.run("at", "@s", "sync", "to", back.toString());
            }
            case RESTORE -> far.run("at", "@s", "-quiet", "restore", "-to", back.toString(), snapshot);
            case CHECK -> far.run("at", "@s", "-quiet", "check");
        };
        boolean isRight = outcome.exitCode() == ExitCode.OK;
        if (!isRight) {
            assertThat(outcome.err()).as(what).isNotBlank().doesNotContain("internal error", "no secret");
            assertThat(outcome.exitCode()).as(what + ": " + outcome.err()).isIn(1, 3, 65, 66, 74);
        }
        if (command == Command.RESTORE) {
            Path file = back.resolve("some");
            if (isRight || Files.exists(file)) {
                // A file has its name only when it is whole, also where others are missing.
                assertThat(file).as(what).hasSameBinaryContentAs(folder.resolve("source/some"));
            }
            if (isRight) {
                assertSame(what, back);
            }
        }
        if (command == Command.SYNC_FROM) {
            succeeds(what, run.run("at", back.toString(), "check"));
        }
        return isRight;
    }

    /** Whether a store that was written into is whole, and the next run completes it. */
    private void completes(String what, ArmoireRun direct, String store, String place, Command command, Path back)
            throws IOException {
        succeeds(what, direct.run("at", place, "check"));
        Location location = server.direct(store);
        try (Storage storage =
                Objects.requireNonNull(StorageFactory.find(location)).open(location, server.settings())) {
            for (Mac lock : storage.list(ObjectKind.LOCK)) {
                storage.delete(ObjectKind.LOCK, lock); // may be left, and would expire
            }
            // As maintenance does when the writer is long dead.
            Instant later = Instant.now().plusSeconds(60);
            storage.discardUnfinished(later, false);
            assertThat(storage.discardUnfinished(later, true)).as(what).isZero();
        }
        String id = snapshot;
        if (command == Command.BACKUP) {
            ArmoireRun.Outcome again = direct.run("at", place, "backup", run.path("source"));
            succeeds(what, again);
            id = again.outLines().getLast().substring(0, 8);
        } else {
            succeeds(what, direct.run("at", run.path("store"), "sync", "to", place));
        }
        succeeds(what, direct.run("at", place, "check"));
        succeeds(what, direct.run("at", place, "-quiet", "restore", "-to", back.toString(), id));
        assertSame(what, back);
    }

    private void assertSame(String what, Path back) throws IOException {
        Path source = folder.resolve("source");
        assertThat(run.tree(back.getFileName().toString())).as(what).isEqualTo(run.tree("source"));
        for (String name : run.tree("source")) {
            if (Files.isRegularFile(source.resolve(name))) {
                assertThat(Files.mismatch(source.resolve(name), back.resolve(name)))
                        .as(what + ": " + name)
                        .isNegative();
            }
        }
    }

    private static void succeeds(String what, ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as(what + ": " + outcome).isZero();
    }

    private static void writeRandom(Path file, int bytes, long seed) throws IOException {
        byte[] content = new byte[bytes];
        new Random(seed).nextBytes(content);
        Files.write(file, content);
    }

    private static void delete(Path tree) throws IOException {
        if (Files.exists(tree)) {
            try (Stream<Path> files = Files.walk(tree)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private record BucketServer(Buckets buckets, Set<FaultProxy.Fault> possible) implements Server {
        @Override
        public void name(ArmoireRun run, String name, int through, String store) {
            Buckets.name(run, name, through, store);
        }

        @Override
        public Location direct(String store) {
            return Location.parse(Buckets.location(buckets.port(), store));
        }

        @Override
        public String direct(ArmoireRun run, String store) {
            name(run, "s", buckets.port(), store);
            return "@s";
        }

        @Override
        public Map<String, String> settings() {
            return Buckets.settings();
        }

        /** Of requests. */
        @Override
        public double[] shares() {
            return new double[] {0.05, 0.2, 0.5, 0.9};
        }

        /** In requests. */
        @Override
        public int life(Random random) {
            return random.nextInt(30);
        }

        /** The lock and what else comes first is about ten requests, and then there are as many packfiles. */
        @Override
        public int lifeOfKilled(Random random) {
            return random.nextInt(20);
        }

        @Override
        public void createWithPackfilesOf(long bytes, String store, String passphrase) throws IOException {
            Buckets.createWithPackfilesOf(bytes, direct(store), settings(), passphrase);
        }

        @Override
        public Way way(long seed, double share) throws IOException {
            FaultProxy proxy = new FaultProxy(buckets.port(), seed, share, possible);
            return new Way() {
                @Override
                public int port() {
                    return proxy.port();
                }

                @Override
                public void dieAfter(int life) {
                    proxy.dieAfter(life);
                }

                @Override
                public void killAfter(int life, Runnable kill) {
                    proxy.killAfter(life, kill);
                }

                @Override
                public void setClock(Duration ahead) throws IOException {
                    proxy.setClock(ahead);
                }

                @Override
                public Map<String, Integer> faults() {
                    return byName(proxy.faults());
                }

                @Override
                public void close() throws IOException {
                    proxy.close();
                }
            };
        }

        @Override
        public void close() {
            buckets.close();
        }
    }

    private record SftpServer(Sshd sshd, Path folder) implements Server {
        @Override
        public void name(ArmoireRun run, String name, int through, String store) {
            sshd.name(run, name, through, path(store));
        }

        private Path path(String store) {
            return folder.resolve("stores").resolve(store);
        }

        @Override
        public Location direct(String store) {
            return Location.parse(path(store).toString());
        }

        @Override
        public String direct(ArmoireRun run, String store) {
            return path(store).toString();
        }

        /** Of connections, of which a command has few. */
        @Override
        public double[] shares() {
            return new double[] {0.5, 0.8, 1};
        }

        @Override
        public Map<String, String> settings() {
            return Map.of();
        }

        /** In bytes. */
        @Override
        public int life(Random random) {
            return random.nextInt(2 * FILE_BYTES);
        }

        @Override
        public int lifeOfKilled(Random random) {
            return random.nextInt(KILLED_BYTES + 2 * FILE_BYTES);
        }

        @Override
        public void createWithPackfilesOf(long bytes, String store, String passphrase) throws IOException {
            Buckets.createWithPackfilesOf(bytes, direct(store), settings(), passphrase);
        }

        @Override
        public Way way(long seed, double share) throws IOException {
            Link link = new Link(sshd.port(), Long.MAX_VALUE);
            link.spoil(seed, share);
            return new Way() {
                @Override
                public int port() {
                    return link.port();
                }

                @Override
                public void dieAfter(int life) {
                    link.cutAfter(life);
                }

                @Override
                public void killAfter(int life, Runnable kill) {
                    link.killAfter(life, kill);
                }

                @Override
                public void setClock(Duration ahead) {
                    // requests carry no time
                }

                @Override
                public Map<String, Integer> faults() {
                    return byName(link.faults());
                }

                @Override
                public void close() throws IOException {
                    link.close();
                }
            };
        }

        @Override
        public void close() {
            sshd.close();
        }
    }

    private static Map<String, Integer> byName(Map<? extends Enum<?>, Integer> faults) {
        Map<String, Integer> named = new TreeMap<>();
        faults.forEach((fault, count) -> named.put(fault.name(), count));
        return named;
    }
}
