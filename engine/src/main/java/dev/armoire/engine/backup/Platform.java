// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;
import java.util.UUID;

/** This machine and this program in the words that snapshots use for them: Go's. */
public final class Platform {
    private static final String VERSION = readVersion();

    private Platform() {}

    /** Version of Armoire. */
    public static String version() {
        return VERSION;
    }

    static String operatingSystem() {
        String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (name.startsWith("mac")) {
            return "darwin";
        }
        return name.startsWith("windows") ? "windows" : name;
    }

    static String architecture() {
        String name = System.getProperty("os.arch", "");
        return switch (name) {
            case "x86_64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> name;
        };
    }

    /** The machine's own identifier, else one made of its name. */
    static String machineId(String hostname) {
        for (String file : new String[] {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
            try {
                String id = Files.readString(Path.of(file)).strip();
                if (!id.isEmpty()) {
                    return id.toLowerCase(Locale.ROOT);
                }
            } catch (IOException e) {
                // Not every system has it.
            }
        }
        return UUID.nameUUIDFromBytes(hostname.getBytes(StandardCharsets.UTF_8)).toString();
    }

    private static String readVersion() {
        Properties properties = new Properties();
        try (var in = Platform.class.getResourceAsStream("version.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return properties.getProperty("version", "unknown");
    }
}
