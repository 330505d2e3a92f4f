// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.server.StoreServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code cat}, {@code restore} and {@code sync} over a network that fails, as seeds say: each run ends right, or with an error that
 * says why, and the store it was about is whole. {@code -Darmoire.faults=200} makes 200 runs of it instead of a few.
 */
final class FaultyNetworkTest {
    private static final int RUNS = Integer.getInteger("armoire.faults", 9);
    private static final double[] SHARES = {0.05, 0.2, 0.5, 0.9};

    @TempDir
    static Path folder;

    private static ArmoireRun run;
    private static String snapshot;
    private static byte[] large;
    private static HttpServer files;
    private static StoreServer store;
    private static Storage storage;

    private final Map<FaultProxy.Fault, Integer> faults = new EnumMap<>(FaultProxy.Fault.class);
    private int right;

    @BeforeAll
    static void makeStores() throws IOException {
        System.setProperty("armoire.http.pause", "2");
        run = new ArmoireRun(folder).withStoreAndSource();
        large = new byte[3_000_000];
        new Random(1).nextBytes(large);
        Files.write(folder.resolve("source/large"), large);
        for (int i = 0; i < 40; i++) {
            Files.writeString(folder.resolve("source/sub/" + i), "file " + i);
        }
        snapshot = run.backup();
        assertThat(run.run("ptar", "-plaintext", "-o", run.path("a.ptar"), run.path("source"))
                        .exitCode())
                .isZero();
        files = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        files.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        byte[] archive = Files.readAllBytes(folder.resolve("a.ptar"));
        files.createContext("/a.ptar", exchange -> {
            try (exchange) {
                sendPart(exchange, archive);
            }
        });
        files.start();
        Location place = Location.parse(run.path("store"));
        storage = StorageFactory.find(place).open(place);
        store = serve(storage);
    }

    @AfterAll
    static void stopServers() {
        System.clearProperty("armoire.http.pause");
        files.stop(0);
        store.close();
        storage.close();
    }

    private static StoreServer serve(Storage served) throws IOException {
        return StoreServer.start(
                served,
                new StoreServer.Options(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), false, null, null, folder),
                line -> {});
    }

    private static void sendPart(HttpExchange exchange, byte[] file) throws IOException {
        String[] range = exchange.getRequestHeaders()
                .getFirst("Range")
                .substring("bytes=".length())
                .split("-", -1);
        int from =
                range[0].isEmpty() ? Math.max(0, file.length - Integer.parseInt(range[1])) : Integer.parseInt(range[0]);
        int to = range[0].isEmpty() ? file.length : Math.min(file.length, Integer.parseInt(range[1]) + 1);
        exchange.getResponseHeaders().set("ETag", "\"1\"");
        exchange.getResponseHeaders().set("Content-Range", "bytes " + from + '-' + (to - 1) + '/' + file.length);
        exchange.sendResponseHeaders(206, to - from);
        exchange.getResponseBody().write(file, from, to - from);
    }

    /** True if it went well; else it must have said why. */
    private boolean wentWell(String what, ArmoireRun.Outcome outcome) {
        if (outcome.exitCode() == ExitCode.OK) {
            right++;
            return true;
        }
        assertThat(outcome.err())
                .as(what)
                .isNotBlank()
                .doesNotContain("internal error")
                .contains("127.0.0.1:");
        assertThat(outcome.exitCode()).as(what + ": " + outcome.err()).isIn(1, 3, 65, 66, 74);
        return false;
    }

    private static ArmoireRun apart(String name) {
        return new ArmoireRun(folder.resolve(name)); // with a cache of its own, so that all is read
    }

    @Test
    void eachRunEndsRightOrWithAnErrorAndAWholeStore() throws Exception {
        for (int seed = 0; seed < RUNS; seed++) {
            double share = SHARES[seed / 3 % SHARES.length];
            String what = "seed " + seed + ", " + share + " of the requests spoilt";
            switch (seed % 3) {
                case 0 -> cat(what, seed, share);
                case 1 -> restore(what, seed, share);
                default -> sync(what, seed, share);
            }
        }
        System.out.println(RUNS + " runs, " + right + " commands went well, faults " + new TreeMap<>(faults));
        assertThat(right).isPositive();
    }

    private void note(FaultProxy proxy) {
        proxy.faults().forEach((fault, count) -> faults.merge(fault, count, Integer::sum));
    }

    private void cat(String what, int seed, double share) throws IOException {
        try (FaultProxy proxy =
                new FaultProxy(files.getAddress().getPort(), seed, share, FaultProxy.Fault.OF_THE_WEB)) {
            ArmoireRun apart = apart("cat" + seed);
            ArmoireRun.Outcome listed = apart.run("at", proxy.url() + "/a.ptar", "ls");
            if (wentWell(what, listed)) {
                String id =
                        listed.out().replaceFirst("^\\S+ +(\\S+).*\\n", "$1").strip();
                ArmoireRun.Outcome outcome =
                        apart.run("at", proxy.url() + "/a.ptar", "cat", id + ":" + run.path("source") + "/sub/7");
                if (wentWell(what, outcome)) {
                    assertThat(outcome.out()).as(what).isEqualTo("file 7");
                }
            }
            note(proxy);
        }
    }

    private void restore(String what, int seed, double share) throws IOException {
        try (FaultProxy proxy = new FaultProxy(store.address().getPort(), seed, share, FaultProxy.Fault.OF_THE_WEB)) {
            String target = run.path("restored" + seed);
            ArmoireRun.Outcome outcome =
                    apart("restore" + seed).run("at", proxy.url(), "-quiet", "restore", "-to", target, snapshot);
            boolean isRight = wentWell(what, outcome);
            Path restored = Path.of(target, "large");
            if (isRight || Files.exists(restored)) {
                // A file has its name only when it is whole, also where others are missing.
                assertThat(Files.readAllBytes(restored)).as(what).isEqualTo(large);
            }
            if (isRight) {
                assertThat(run.tree("restored" + seed)).as(what).isEqualTo(run.tree("source"));
            }
            note(proxy);
        }
    }

    private void sync(String what, int seed, double share) throws IOException {
        String copy = run.path("copy" + seed);
        assertThat(run.run("at", copy, "create", "-plaintext").exitCode()).isZero();
        Location place = Location.parse(copy);
        try (Storage target = StorageFactory.find(place).open(place);
                StoreServer served = serve(target);
                FaultProxy proxy =
                        new FaultProxy(served.address().getPort(), seed, share, FaultProxy.Fault.OF_THE_WEB)) {
            ArmoireRun.Outcome outcome = apart("sync" + seed).run("at", run.path("store"), "sync", "to", proxy.url());
            boolean isRight = wentWell(what, outcome);
            note(proxy);
            // Whole, however it ended; and what was not brought is brought when the network is well again.
            assertThat(apart("check" + seed).run("at", copy, "check").exitCode())
                    .as(what)
                    .isZero();
            if (!isRight) {
                try (Stream<Path> locks = Files.list(Path.of(copy, "locks"))) {
                    for (Path lock : locks.toList()) {
                        Files.delete(lock); // may be left, and would expire
                    }
                }
                String url = "http://127.0.0.1:" + served.address().getPort();
                assertThat(apart("again" + seed)
                                .run("at", run.path("store"), "sync", "to", url)
                                .exitCode())
                        .as(what)
                        .isZero();
                assertThat(apart("check-again" + seed).run("at", copy, "check").exitCode())
                        .as(what)
                        .isZero();
            }
            assertThat(run.run("at", copy, "ls").out()).as(what).contains(snapshot);
            List<String> objects;
            try (Stream<Path> all = Files.walk(Path.of(copy))) {
                objects = all.filter(Files::isRegularFile).map(Path::toString).toList();
            }
            assertThat(objects).noneMatch(file -> file.endsWith(".tmp") || file.contains("/tmp."));
        }
    }
}
