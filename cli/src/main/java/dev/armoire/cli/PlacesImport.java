// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads places with their settings out of what another program wrote: YAML, JSON or INI. */
final class PlacesImport {
    /** A configuration is a few kilobytes; what is more than this is none. */
    private static final int MAX_BYTES = 4 << 20;

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private PlacesImport() {}

    /**
     * The text of a configuration.
     *
     * @param from a file or an address; standard input when it is null
     */
    static String read(@Nullable String from) throws IOException {
        String shown = from == null ? "standard input" : from;
        try (InputStream in =
                from == null ? System.in : isAddress(from) ? fetch(from) : Files.newInputStream(Path.of(from))) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new CommandException(ExitCode.ERROR, shown + " is too large for a configuration");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new CommandException(ExitCode.ERROR, "cannot read " + shown + ": " + Failures.message(e), e);
        }
    }

    private static boolean isAddress(String from) {
        String lower = from.toLowerCase(Locale.ROOT);
        return lower.startsWith("http://") || lower.startsWith("https://");
    }

    private static InputStream fetch(String address) throws IOException {
        try (HttpClient client = HttpClient.newBuilder()
                .connectTimeout(PATIENCE)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(address))
                    .timeout(PATIENCE)
                    .build();
            HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                if (response.statusCode() != 200) {
                    throw new IOException("the server answers " + response.statusCode());
                }
                return new java.io.ByteArrayInputStream(body.readNBytes(MAX_BYTES + 1));
            }
        } catch (IllegalArgumentException e) {
            throw new IOException("no proper address", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException(ExitCode.INTERRUPTED, "interrupted", e);
        }
    }

    /** The places that a text has, by name, in this order: without the settings that are empty. */
    static Map<String, Map<String, String>> parse(String text, PlacesFile.Kind kind) {
        Map<String, Map<String, String>> places = yaml(text, kind);
        if (places == null) {
            places = jsonLines(text, kind);
        }
        if (places == null) {
            places = Ini.parse(text);
        }
        if (places == null || places.isEmpty()) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "no valid " + kind.plural() + " found in what was given: YAML, JSON or INI with a name and then its"
                            + " settings is wanted");
        }
        places.values().forEach(settings -> settings.values().removeIf(String::isEmpty));
        return places;
    }

    private static @Nullable Map<String, Map<String, String>> yaml(String text, PlacesFile.Kind kind) {
        Object root;
        try {
            root = YamlFiles.parse(text);
        } catch (YamlEngineException e) {
            return null;
        }
        return root instanceof Map<?, ?> map ? places(map, kind) : null;
    }

    /** As {@code show -json} prints them, ours and Plakar's. */
    private static @Nullable Map<String, Map<String, String>> jsonLines(String text, PlacesFile.Kind kind) {
        Map<String, Map<String, String>> all = new TreeMap<>();
        for (String line : text.lines().filter(line -> !line.isBlank()).toList()) {
            Map<String, Map<String, String>> places = line.stripLeading().startsWith("{") ? yaml(line, kind) : null;
            if (places == null) {
                return null;
            }
            all.putAll(places);
        }
        return all;
    }

    private static Map<String, Map<String, String>> places(Map<?, ?> root, PlacesFile.Kind kind) {
        if (root.get("name") instanceof String name && root.get("settings") instanceof Map<?, ?> settings) {
            return new TreeMap<>(Map.of(name, PlacesFile.settings(settings, "\"" + name + '"')));
        }
        Map<?, ?> entries = PlacesFile.entries(root, kind);
        Map<String, Map<String, String>> places = new TreeMap<>();
        (entries == null ? root : entries).forEach((key, value) -> {
            if (value instanceof Map) {
                String name = String.valueOf(key);
                places.put(name, PlacesFile.settings(value, "\"" + name + '"'));
            }
        });
        return places;
    }

    /** What rclone's configuration says of a place, as Plakar's connector for rclone wants it. */
    static Map<String, String> ofRclone(Map<String, String> settings) {
        Map<String, String> renamed = new TreeMap<>();
        settings.forEach((key, value) -> renamed.put("rclone_" + key, value));
        renamed.put(PlacesFile.LOCATION, "rclone://");
        return renamed;
    }
}
