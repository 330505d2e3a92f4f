// SPDX-License-Identifier: ISC
package dev.armoire.connectors.server;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Makes servers of the JDK's kind that do not let strangers keep connections, threads or memory for ever. */
public final class HttpListeners {
    private static final int CONNECTIONS = 512;
    private static final int REQUEST_SECONDS = 1800;
    private static final int MAX_HEADER_BYTES = 32 << 10;

    private HttpListeners() {}

    /**
     * Binds an address. The caller adds contexts and threads, starts the server, and stops it.
     *
     * @param tls what to prove oneself with, or null to serve without TLS
     * @param answerSeconds how long an answer may take until it is broken off, or 0 for ever. Of all servers of a process that of
     *     the first one counts
     */
    public static HttpServer bind(InetSocketAddress address, @Nullable SSLContext tls, int answerSeconds)
            throws IOException {
        limit("jdk.httpserver.maxConnections", CONNECTIONS);
        limit("sun.net.httpserver.maxReqTime", REQUEST_SECONDS);
        if (answerSeconds > 0) {
            limit("sun.net.httpserver.maxRspTime", answerSeconds);
        }
        limit("sun.net.httpserver.maxReqHeaderSize", MAX_HEADER_BYTES);
        if (tls == null) {
            return HttpServer.create(address, 0);
        }
        HttpsServer server = HttpsServer.create(address, 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        return server;
    }

    /** The JDK's server takes limits as properties of the whole process, once. */
    private static void limit(String property, int value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, String.valueOf(value));
        }
    }
}
