// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.mount.FuseServer;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.cli.web.WebServer;
import dev.armoire.cli.web.WebText;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** {@code ui}: shows the store to a browser until it is stopped. */
final class UiCommand implements Command {
    private static final String USUAL_ADDRESS = "127.0.0.1:0";
    private static final String TOKEN_VARIABLE = "UI_TOKEN";
    /** Each file that cannot be read is named once; of so many. */
    private static final int MOST_TROUBLES = 10_000;

    @Override
    public String usage() {
        return "ui [-addr [HOST]:PORT] [-no-auth] [-no-spawn] [-no-refresh] [-cors] [-cert PEM -key PEM]";
    }

    @Override
    public String description() {
        return """
            Shows the store in a browser, which it opens, until it is stopped (Ctrl-C):
            snapshots, their folders and files, downloads, a search over all of them, the
            versions of a file, differences, and how the store has grown. It changes nothing.

            It listens to this machine only, on a free port, and lets in who has the token in
            the address that it prints. ARMOIRE_UI_TOKEN sets the token. With -cert and -key
            browsers are answered by TLS.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("addr", "[HOST]:PORT", "where to listen (default " + USUAL_ADDRESS + "); port 0 is any free one")
                .flag("no-auth", "let everybody in without a token")
                .flag("no-spawn", "open no browser")
                .flag("no-refresh", "do not look for what is new in the store meanwhile")
                .flag("cors", "let scripts of other sites read what they have the token for")
                .value("cert", "PEM", "the chain of certificates to answer with by TLS")
                .value("key", "PEM", "the private key of the first one")
                .flag("insecure", "allow -no-auth for other machines, or with -cors");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("ui takes no arguments: it is about the whole store");
        }
        String given = arguments.get("addr", USUAL_ADDRESS);
        InetSocketAddress address = ServerCommand.address("addr", given);
        boolean isOnlyHere = address.getAddress().isLoopbackAddress();
        byte[] token = arguments.is("no-auth") ? null : token(session);
        if (token == null && !arguments.is("insecure") && (!isOnlyHere || arguments.is("cors"))) {
            throw CommandException.usage(
                    (isOnlyHere ? "with -cors any page in any browser here" : "anybody who reaches " + given)
                            + " could read this store: leave -no-auth out, or say -insecure");
        }
        SSLContext tls = ServerCommand.tls(arguments);
        Report report = session.report();
        if (tls == null && !isOnlyHere) {
            report.warn(
                    "without TLS the token and what is shown can be read on the way: use -cert and -key, or a proxy that"
                            + " has TLS");
        }
        try (Repository repository = session.openForReading()) {
            Set<String> told = ConcurrentHashMap.newKeySet();
            FuseServer.Troubles troubles = (snapshot, path, reason) -> {
                String id = snapshot.identifier().shortHex();
                if (told.size() < MOST_TROUBLES && told.add(id + ':' + SnapshotPath.display(path))) {
                    report.ko(id, path, reason);
                }
            };
            UiSnapshots snapshots = new UiSnapshots(repository, session, !arguments.is("no-refresh"));
            try (SnapshotFiles files = new SnapshotFiles(repository)) {
                UiSite site = new UiSite(
                        repository,
                        snapshots,
                        files,
                        new UiAccess(token, tls != null),
                        arguments.is("cors"),
                        session,
                        troubles);
                try (WebServer server = WebServer.start(address, host(address, given), tls, site)) {
                    serve(session, server, token, !arguments.is("no-spawn"));
                }
            } catch (SocketException e) {
                throw new CommandException(
                        ExitCode.IO,
                        "cannot listen on " + ServerCommand.shown(address) + ": " + e.getMessage()
                                + "; name another -addr",
                        e);
            }
            return session.exitCode(told.isEmpty() && !snapshots.isDamaged() ? ExitCode.OK : ExitCode.DAMAGE);
        }
    }

    private static byte[] token(Session session) {
        String given = session.surroundings().variable(TOKEN_VARIABLE);
        return ServerCommand.checked(given == null ? UiAccess.random() : given);
    }

    /** The name to come under: that of this machine where it listens to all that it has. */
    private static String host(InetSocketAddress address, String given) {
        return address.getAddress().isAnyLocalAddress()
                ? Repository.thisHost()
                : given.substring(0, given.lastIndexOf(':'));
    }

    private static void serve(Session session, WebServer server, byte @Nullable [] token, boolean opensBrowser)
            throws IOException {
        Report report = session.report();
        String url = server.address()
                + '/'
                + (token == null ? "" : "#token=" + new String(token, StandardCharsets.US_ASCII));
        report.result("launching webUI at " + url, "ui", "url", url);
        report.finish(); // who waits for this line must see it
        Path doorway = null;
        try {
            if (opensBrowser) {
                doorway = doorway(session.scratch(), url);
                openBrowser(doorway.toUri().toString(), session);
            }
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            report.info("stopped"); // the usual end: the interrupt has done what it is for
        } finally {
            if (doorway != null) {
                Files.deleteIfExists(doorway);
            }
        }
    }

    /** A page that only this user can read, and that leads on: all can see what a browser is called with. */
    private static Path doorway(Path folder, String url) throws IOException {
        Path page = Files.createTempFile(
                folder,
                "ui-",
                ".html",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(
                page,
                "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url="
                        + WebText.escape(url) + "\"><title>Armoire</title><a href=\"" + WebText.escape(url)
                        + "\">Armoire</a>\n");
    }

    private static void openBrowser(String url, Session session) {
        Report report = session.report();
        String system = System.getProperty("os.name");
        Surroundings surroundings = session.surroundings();
        if (system.equals("Linux")
                && surroundings.plain("DISPLAY") == null
                && surroundings.plain("WAYLAND_DISPLAY") == null) {
            report.notice("no browser was opened, as there is no screen here: open that address yourself");
            return;
        }
        List<String> command = system.startsWith("Mac")
                ? List.of("open", url)
                : system.startsWith("Windows")
                        ? List.of("rundll32", "url.dll,FileProtocolHandler", url)
                        : List.of("xdg-open", url);
        try {
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            report.warn("failed to launch browser: " + e.getMessage() + "; open that address yourself");
        }
    }
}
