// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.compare.Comparison.Settings;
import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;

/**
 * Stores in a bucket that is far away: an S3 server in this process, on the loopback, whose answers come 50 ms late. Armoire and
 * restic with as many connections, in turns; a first backup, one of the same, and the restore of one folder of about a hundred
 * files; beside them Armoire's first backup on the local disk, and with one connection and with 64.
 */
public final class Far {
    private static final long LATENCY_MILLIS = 50;
    private static final double MIB = 1 << 20;
    private static final double GB = 1e9;
    private static final int WANTED_FILES = 100;

    // What AWS asks in us-east-1, in dollars, at the end of 2026.
    private static final double STORED_GB = 0.023;
    private static final double DEAR_REQUEST = 0.005 / 1000;
    private static final double CHEAP_REQUEST = 0.0004 / 1000;
    private static final double RECEIVED_GB = 0.09;

    private static final String FIRST = "first backup";
    private static final String UNCHANGED = "unchanged";
    private static final String RESTORE = "restore of a folder";

    private final Path root;
    private final Settings settings;
    private final int connections;
    private final SequencedMap<String, List<Step>> steps = new LinkedHashMap<>();
    private final SequencedMap<String, Long> stored = new LinkedHashMap<>();

    /** One step of one program in one round. */
    private record Step(Measured measured, LatencyLink.Traffic traffic) {}

    /**
     * A benchmark that can be run.
     *
     * @param settings of which the data is one set
     * @param connections of each program at most
     */
    public Far(Path root, Settings settings, int connections) {
        this.root = root;
        this.settings = settings;
        this.connections = connections;
    }

    /**
     * Runs everything and writes the report, anew after each round.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        if (!Measured.isAvailable()) {
            throw new IOException("GNU time is needed as /usr/bin/time (Debian: apt install time)");
        }
        Files.createDirectories(folder);
        String program = root.resolve("armoire").toString();
        String version = Machine.output(root, program, "version"); // builds it, if that is needed
        Path restic = Peer.RESTIC.find(root).orElse(null);
        DataSet data = DataSet.valueOf(settings.data().getFirst().toUpperCase(Locale.ROOT));
        try (var workspace = new Workspace(settings.work())) {
            Path source = workspace.resolve("source");
            data.make(source, settings.scale(), settings.tree());
            Path wanted = folderOfAbout(source);
            List<String> facts = new ArrayList<>(Machine.facts(root, command));
            facts.add("* " + version
                    + (restic == null ? "; no restic" : "; " + Machine.output(root, restic.toString(), "version")));
            facts.add("* " + data.description(settings.scale()) + "; the folder that is restored: "
                    + source.relativize(wanted) + ", "
                    + Trees.extent(wanted).files() + " files; cores " + settings.cores() + "; connections "
                    + connections
                    + "; " + LATENCY_MILLIS + " ms more for each answer; rounds " + settings.rounds());
            // The server is compiled while it works, which would count for whoever comes first.
            new Program("warm-up", Path.of(program), connections).first(workspace, source);
            steps.clear();
            stored.clear();
            for (int round = 1; round <= settings.rounds(); round++) {
                List<Program> programs =
                        new ArrayList<>(List.of(new Program("armoire", Path.of(program), connections)));
                if (restic != null) {
                    programs.add(round % 2, new Program("restic", restic, connections));
                }
                System.out.println("round " + round);
                for (Program one : programs) {
                    one.all(workspace, source, wanted);
                }
                new Program("armoire, local disk", Path.of(program), 0).local(workspace, source);
                if (round == 1) {
                    for (int other : new int[] {1, 64}) {
                        new Program("armoire, " + other + " connections", Path.of(program), other)
                                .first(workspace, source);
                    }
                }
                write(folder, facts);
            }
        }
    }

    /** The folder whose number of files is closest to what is wanted. */
    private static Path folderOfAbout(Path source) throws IOException {
        SequencedMap<Path, Integer> counts = new LinkedHashMap<>();
        try (Stream<Path> files = Files.walk(source)) {
            files.filter(Files::isRegularFile)
                    .sorted()
                    .forEach(file -> counts.merge(Objects.requireNonNull(file.getParent()), 1, Integer::sum));
        }
        return counts.sequencedEntrySet().stream()
                .min((a, b) ->
                        Integer.compare(Math.abs(a.getValue() - WANTED_FILES), Math.abs(b.getValue() - WANTED_FILES)))
                .orElseThrow(() -> new IOException("no files in " + source))
                .getKey();
    }

    /** One of those that are measured. */
    private final class Program {
        private final String name;
        private final Path program;
        private final int connections;

        Program(String name, Path program, int connections) {
            this.name = name;
            this.program = program;
            this.connections = connections;
        }

        private List<String> command(int port, String... words) {
            var command = new ArrayList<String>();
            if (name.equals("restic")) {
                command.addAll(List.of(
                        "env",
                        "AWS_ACCESS_KEY_ID=anybody",
                        "AWS_SECRET_ACCESS_KEY=anything",
                        program.toString(),
                        "-r",
                        "s3:http://127.0.0.1:" + port + "/bucket/restic",
                        "-o",
                        "s3.connections=" + connections));
            } else {
                command.addAll(List.of(program.toString(), "-quiet", "at", "@far"));
            }
            command.addAll(List.of(words));
            return command;
        }

        void all(Workspace workspace, Path source, Path wanted) throws IOException, InterruptedException {
            try (var bucket = new Bucket(workspace)) {
                first(bucket, workspace, source);
                step(bucket, UNCHANGED, command(bucket.port(), "backup", source.toString()), workspace, source);
                Path target = Files.createDirectory(workspace.resolve("restored"));
                boolean isRestic = name.equals("restic");
                String what = (isRestic ? "latest:" : ":") + wanted;
                List<String> restore =
                        command(bucket.port(), "restore", isRestic ? "--target" : "-to", target.toString(), what);
                step(bucket, RESTORE, restore, workspace, source);
                Trees.Comparison restored = Trees.compare(wanted, target);
                if (!restored.hasSameContent()) {
                    throw new IOException(name + " restores other contents: " + restored.content());
                }
                Workspace.delete(target);
            }
        }

        void first(Workspace workspace, Path source) throws IOException, InterruptedException {
            try (var bucket = new Bucket(workspace)) {
                first(bucket, workspace, source);
            }
        }

        private void first(Bucket bucket, Workspace workspace, Path source) throws IOException, InterruptedException {
            workspace.emptyHome();
            if (name.equals("restic")) {
                unmeasured(workspace, command(bucket.port(), "init"));
            } else {
                unmeasured(
                        workspace,
                        List.of(
                                program.toString(),
                                "store",
                                "add",
                                "far",
                                "s3://127.0.0.1:" + bucket.port() + "/bucket/armoire",
                                "use_tls=false",
                                "access_key=anybody",
                                "secret_access_key=anything",
                                "connections=" + connections));
                unmeasured(workspace, command(bucket.port(), "create"));
            }
            step(bucket, FIRST, command(bucket.port(), "backup", source.toString()), workspace, source);
            stored.put(name, bucket.bytes());
        }

        void local(Workspace workspace, Path source) throws IOException, InterruptedException {
            workspace.emptyHome();
            Path store = workspace.resolve("store");
            unmeasured(workspace, List.of(program.toString(), "at", store.toString(), "create"));
            List<String> backup =
                    List.of(program.toString(), "-quiet", "at", store.toString(), "backup", source.toString());
            Trees.readAll(source);
            new ProcessBuilder("sync").start().waitFor();
            note(FIRST, Measured.run(backup, settings.cores(), source, workspace), new LatencyLink.Traffic(0, 0, 0, 0));
            Workspace.delete(store);
        }

        private void unmeasured(Workspace workspace, List<String> command) throws IOException, InterruptedException {
            Measured.run(command, "", workspace.resolve("."), workspace);
        }

        private void step(Bucket bucket, String step, List<String> command, Workspace workspace, Path source)
                throws IOException, InterruptedException {
            Trees.readAll(source);
            new ProcessBuilder("sync").start().waitFor();
            LatencyLink.Traffic before = bucket.link.traffic();
            Measured measured = Measured.run(command, settings.cores(), workspace.resolve("."), workspace);
            note(step, measured, bucket.link.traffic().minus(before));
        }

        private void note(String step, Measured measured, LatencyLink.Traffic traffic) {
            System.out.printf(Locale.ROOT, "%s, %s: %.2f s%n", name, step, measured.seconds());
            steps.computeIfAbsent(name + ", " + step, key -> new ArrayList<>()).add(new Step(measured, traffic));
        }
    }

    /** A server with an empty bucket, and the long way to it. */
    private static final class Bucket implements AutoCloseable {
        private final Path folder;
        private final S3Proxy server;
        final LatencyLink link;

        Bucket(Workspace workspace) throws IOException {
            folder = workspace.resolve("buckets");
            Files.createDirectories(folder.resolve("bucket"));
            var properties = new Properties();
            properties.setProperty("jclouds.filesystem.basedir", folder.toString());
            try {
                server = S3Proxy.builder()
                        .blobStore(BlobStores.create("filesystem-nio2", properties))
                        .awsAuthentication(AuthenticationType.NONE, null, null)
                        .endpoint(URI.create("http://127.0.0.1:0"))
                        .stopTimeout(0)
                        .build();
                server.start();
            } catch (Exception e) {
                throw new IOException("the S3 server does not start", e);
            }
            link = new LatencyLink(server.getPort(), LATENCY_MILLIS);
        }

        int port() {
            return link.port();
        }

        long bytes() throws IOException {
            return Trees.extent(folder).bytes();
        }

        @Override
        public void close() throws IOException {
            link.close();
            try {
                server.stop();
            } catch (Exception e) {
                throw new IOException("the S3 server does not stop", e);
            }
            Workspace.delete(folder);
        }
    }

    private void write(Path folder, List<String> facts) throws IOException {
        var text = new StringBuilder("# A store that is far away\n\n");
        facts.forEach(fact -> text.append(fact).append('\n'));
        text.append("""

                Whole processes, encrypted stores, the source in the page cache. The S3 server (s3proxy) runs on the same machine and takes
                part of its time; it has taken one such backup before. Medians of the rounds (`runs.csv` has each); "dear" requests store or
                list, "cheap" ones read.

                """);
        var table = new Table(List.of("", "s", "CPU s", "peak MiB", "dear", "cheap", "sent MiB", "received MiB"));
        var csv = new StringBuilder("step,round,seconds,cpu_seconds,peak_kib,dear,cheap,sent,received\n");
        steps.forEach((name, rounds) -> {
            table.add(List.of(
                    name,
                    number(rounds, 2, step -> step.measured.seconds()),
                    number(rounds, 2, step -> step.measured.cpuSeconds()),
                    number(rounds, 0, step -> step.measured.peakKiB() / 1024.0),
                    number(rounds, 0, step -> step.traffic.dear()),
                    number(rounds, 0, step -> step.traffic.cheap()),
                    number(rounds, 1, step -> step.traffic.sent() / MIB),
                    number(rounds, 1, step -> step.traffic.received() / MIB)));
            for (int i = 0; i < rounds.size(); i++) {
                Step step = rounds.get(i);
                csv.append(String.format(
                        Locale.ROOT,
                        "\"%s\",%d,%.2f,%.2f,%d,%d,%d,%d,%d%n",
                        name,
                        i + 1,
                        step.measured.seconds(),
                        step.measured.cpuSeconds(),
                        step.measured.peakKiB(),
                        step.traffic.dear(),
                        step.traffic.cheap(),
                        step.traffic.sent(),
                        step.traffic.received()));
            }
        });
        text.append(table.markdown());
        text.append(String.format(
                Locale.ROOT,
                "%nA month of it, with a first backup, thirty unchanged ones and one such restore, at what AWS asks: %.3f $ for"
                        + " a stored GB, %.3f $ for 1,000 dear requests, %.4f $ for 1,000 cheap ones, %.2f $ for a received GB.%n%n",
                STORED_GB,
                1000 * DEAR_REQUEST,
                1000 * CHEAP_REQUEST,
                RECEIVED_GB));
        var costs = new Table(List.of("", "stored MB", "$ stored", "$ requests", "$ received", "$ a month"));
        for (String name : List.of("armoire", "restic")) {
            Long bytes = stored.get(name);
            if (bytes != null) {
                double kept = bytes / GB * STORED_GB;
                double requests = requests(name, FIRST) + 30 * requests(name, UNCHANGED) + requests(name, RESTORE);
                double received = received(name, FIRST) + 30 * received(name, UNCHANGED) + received(name, RESTORE);
                costs.add(List.of(
                        name,
                        text(bytes / 1e6, 1),
                        text(kept, 4),
                        text(requests, 4),
                        text(received, 4),
                        text(kept + requests + received, 4)));
            }
        }
        text.append(costs.markdown());
        Files.writeString(folder.resolve("README.md"), text);
        Files.writeString(folder.resolve("runs.csv"), csv);
    }

    private double requests(String name, String step) {
        return median(
                steps.getOrDefault(name + ", " + step, List.of()),
                one -> one.traffic.dear() * DEAR_REQUEST + one.traffic.cheap() * CHEAP_REQUEST);
    }

    private double received(String name, String step) {
        return median(
                steps.getOrDefault(name + ", " + step, List.of()), one -> one.traffic.received() / GB * RECEIVED_GB);
    }

    private static String number(List<Step> rounds, int decimals, ToDoubleFunction<Step> value) {
        return text(median(rounds, value), decimals);
    }

    private static double median(List<Step> rounds, ToDoubleFunction<Step> value) {
        double[] sorted = rounds.stream().mapToDouble(value).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length == 0
                ? 0
                : DoubleStream.of(sorted[(sorted.length - 1) / 2], sorted[half])
                        .average()
                        .orElse(0);
    }

    private static String text(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
