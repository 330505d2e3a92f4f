// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.server.PemKeys;
import dev.armoire.connectors.server.StoreServer;
import dev.armoire.connectors.spi.Storage;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** {@code server}: gives the store out over HTTP until it is stopped. */
final class ServerCommand implements Command {
    private static final String USUAL_ADDRESS = "localhost:9876";
    private static final String TOKEN_VARIABLE = "SERVER_TOKEN";
    private static final int SHORTEST_TOKEN = 16;

    @Override
    public String usage() {
        return "server [-listen [HOST]:PORT] [-allow-delete] [-token FILE] [-cert PEM -key PEM]";
    }

    @Override
    public String description() {
        return """
            Gives the store out over HTTP, to `armoire at http://HOST:PORT` and to Plakar,
            until it is stopped. It needs no passphrase, and learns nothing of what is in the
            store. Clients may read and add to it; what is there is never overwritten, and
            only with -allow-delete removed.

            With -token, or ARMOIRE_SERVER_TOKEN, clients must show a token, which they have
            as auth_token in their stores.yml. With -cert and -key they are answered by TLS.
            Without a token it listens to this machine only, unless -insecure is given.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("listen", "[HOST]:PORT", "where to listen (default " + USUAL_ADDRESS + "); port 0 is any free one")
                .flag("allow-delete", "let clients delete packfiles and states, as maintenance does")
                .value("token", "FILE", "clients must show the token that is the first line of FILE")
                .value("cert", "PEM", "the chain of certificates to answer with by TLS")
                .value("key", "PEM", "the private key of the first one")
                .flag("insecure", "let other machines in without a token");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("server takes no arguments: it is about the whole store");
        }
        InetSocketAddress address = address("listen", arguments.get("listen", USUAL_ADDRESS));
        byte[] token = token(session, arguments);
        if (token == null && !address.getAddress().isLoopbackAddress() && !arguments.is("insecure")) {
            throw CommandException.usage("anybody who reaches " + arguments.get("listen", USUAL_ADDRESS)
                    + " could read and fill this store: name a token with -token FILE, or say -insecure");
        }
        SSLContext tls = tls(arguments);
        Report report = session.report();
        if (token != null && tls == null && !address.getAddress().isLoopbackAddress()) {
            report.warn(
                    "without TLS the token can be read on the way here: use -cert and -key, or a proxy that has TLS");
        }
        try (Storage storage = session.openStorage();
                StoreServer server = StoreServer.start(
                        storage,
                        new StoreServer.Options(address, arguments.is("allow-delete"), token, tls, session.scratch()),
                        report::error)) {
            String url = (tls == null ? "http" : "https") + "://" + shown(server.address());
            report.result("listening on " + url, "server.listening", "url", url);
            report.finish(); // who waits for this line must see it
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                report.info("stopped");
            }
            return ExitCode.OK;
        } catch (BindException e) {
            throw new CommandException(
                    ExitCode.IO,
                    "cannot listen on " + shown(address) + ": " + e.getMessage() + "; name another -listen",
                    e);
        } catch (SocketException e) {
            throw new CommandException(ExitCode.IO, "cannot listen on " + shown(address) + ": " + e.getMessage(), e);
        }
    }

    static String shown(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? '[' + host + ']' : host) + ':' + address.getPort();
    }

    /** Where a flag says that should be listened. */
    static InetSocketAddress address(String flag, String text) {
        int colon = text.lastIndexOf(':');
        String port = text.substring(colon + 1);
        if (colon < 0 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
            throw CommandException.usage("invalid -" + flag + " value " + text + ": [HOST]:PORT is wanted");
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        InetSocketAddress address = host.isEmpty()
                ? new InetSocketAddress(Integer.parseInt(port))
                : new InetSocketAddress(host, Integer.parseInt(port));
        if (address.isUnresolved()) {
            throw CommandException.usage("invalid -" + flag + " value " + text + ": there is no host " + host);
        }
        return address;
    }

    private static byte @Nullable [] token(Session session, Flags.Arguments arguments) throws IOException {
        String file = arguments.get("token");
        String token = session.surroundings().variable(TOKEN_VARIABLE);
        if (file != null) {
            try {
                token = Files.readString(Path.of(file))
                        .lines()
                        .findFirst()
                        .orElse("")
                        .strip();
            } catch (NoSuchFileException e) {
                throw new CommandException(ExitCode.ERROR, "-token " + file + ": no such file", e);
            }
        }
        return token == null ? null : checked(token);
    }

    /** A token as bytes, if it is hard to guess and can stand in a header. */
    static byte[] checked(String token) {
        if (token.length() < SHORTEST_TOKEN || !token.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "the token is no good: " + SHORTEST_TOKEN + " or more letters, digits and signs are wanted;"
                            + " `openssl rand -hex 32` makes one");
        }
        return token.getBytes(StandardCharsets.US_ASCII);
    }

    /** What the flags -cert and -key name, or null without them. */
    static @Nullable SSLContext tls(Flags.Arguments arguments) throws IOException {
        String certificates = arguments.get("cert");
        String key = arguments.get("key");
        if (certificates == null && key == null) {
            return null;
        }
        if (certificates == null || key == null) {
            throw CommandException.usage("-cert and -key go together");
        }
        return PemKeys.load(Path.of(certificates), Path.of(key));
    }
}
