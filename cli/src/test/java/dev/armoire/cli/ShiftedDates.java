// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * Stands in front of a web server and makes its {@code Date} headers tell another time: the JDK's server, which {@link FaultProxy} is
 * made of, writes that of this machine over whatever is set.
 */
final class ShiftedDates implements AutoCloseable {
    private static final byte[] NAME = "\r\nDate: ".getBytes(StandardCharsets.US_ASCII);
    private static final String PATTERN = "EEE, dd MMM yyyy HH:mm:ss zzz";
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(PATTERN, Locale.US);

    private final ServerSocket listening = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    private final int target;
    private final Duration ahead;

    ShiftedDates(int target, Duration ahead) throws IOException {
        this.target = target;
        this.ahead = ahead;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listening.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.ofVirtual().start(() -> carry(client, server, false));
                Thread.ofVirtual().start(() -> carry(server, client, true));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket from, Socket to, boolean isAnswer) {
        try (from;
                to) {
            InputStream in = new BufferedInputStream(from.getInputStream());
            OutputStream out = new BufferedOutputStream(to.getOutputStream());
            int matched = 0;
            for (int next = in.read(); next >= 0; next = in.read()) {
                out.write(next);
                matched = next == NAME[matched] ? matched + 1 : next == NAME[0] ? 1 : 0;
                if (matched == NAME.length) {
                    matched = 0;
                    if (isAnswer) {
                        shift(in, out);
                    }
                }
                if (in.available() == 0) {
                    out.flush();
                }
            }
        } catch (IOException e) {
            // One side is gone, so the other goes.
        }
    }

    private void shift(InputStream in, OutputStream out) throws IOException {
        String date = new String(in.readNBytes(PATTERN.length()), StandardCharsets.US_ASCII);
        out.write(DATE.format(ZonedDateTime.parse(date, DATE).plus(ahead)).getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
