// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Collectors;

/** Answers as format 3 §B says of Plakar's server without -allow-delete, and no better. */
final class PlainServer {
    private PlainServer() {}

    static void answer(HttpExchange exchange, Storage storage) throws IOException {
        String[] path = exchange.getRequestURI().getPath().split("/", -1);
        if (path.length < 3 || !path[1].equals("resources")) {
            try (Arena arena = Arena.ofConfined()) {
                send(exchange, 200, storage.readConfig(arena).toArray(ValueLayout.JAVA_BYTE));
            }
            return;
        }
        ObjectKind kind = List.of(ObjectKind.values()).stream()
                .filter(candidate -> candidate.folder().equals(path[2]))
                .findFirst()
                .orElseThrow();
        if (path.length == 3) {
            List<Mac> names = storage.list(kind);
            String list =
                    names.stream().map(name -> '"' + name.hex() + '"').collect(Collectors.joining(",", "[", "]\n"));
            send(exchange, 200, (names.isEmpty() ? "null\n" : list).getBytes(UTF_8));
            return;
        }
        Mac name = Mac.parse(path[3]);
        switch (exchange.getRequestMethod()) {
            case "PUT" -> {
                storage.write(
                        kind,
                        name,
                        List.of(MemorySegment.ofArray(exchange.getRequestBody().readAllBytes())));
                send(exchange, 200, new byte[0]);
            }
            case "DELETE" -> send(exchange, 403, "not allowed to delete\n".getBytes(UTF_8));
            default -> get(exchange, storage, kind, name);
        }
    }

    private static void get(HttpExchange exchange, Storage storage, ObjectKind kind, Mac name) throws IOException {
        byte[] all;
        try {
            all = new byte[(int) storage.size(kind, name)];
            storage.read(kind, name, 0, MemorySegment.ofArray(all));
        } catch (IOException e) {
            send(
                    exchange,
                    500,
                    (kind == ObjectKind.PACKFILE ? "packfile not found\n" : "open x: no such file or directory\n")
                            .getBytes(UTF_8));
            return;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        if (range != null && kind == ObjectKind.PACKFILE) {
            String[] numbers = range.substring("bytes=".length()).split("-", -1);
            int from = (int) Math.min(all.length, Long.parseLong(numbers[0]));
            int to = (int) Math.min(all.length, Long.parseLong(numbers[1]));
            all = java.util.Arrays.copyOfRange(all, from, to);
        }
        send(exchange, 200, all);
    }

    private static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        exchange.sendResponseHeaders(status, 0); // in chunks, as Go does from 2048 bytes on
        exchange.getResponseBody().write(content);
        exchange.getResponseBody().close();
    }
}
