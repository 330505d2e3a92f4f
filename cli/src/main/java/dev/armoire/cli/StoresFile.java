// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** The stores that a configuration knows by name, as {@code stores.yml} has them. */
final class StoresFile {
    private final Map<String, Map<String, String>> stores;
    private final @Nullable String standard;

    private StoresFile(Map<String, Map<String, String>> stores, @Nullable String standard) {
        this.stores = stores;
        this.standard = standard;
    }

    /** Reads the {@code stores.yml} of these folders; where two have a name, the first folder's counts. */
    static StoresFile read(List<Path> folders) throws IOException {
        Map<String, Map<String, String>> stores = new LinkedHashMap<>();
        String standard = null;
        for (Path folder : folders) {
            Path file = folder.resolve("stores.yml");
            String text;
            try {
                text = Files.readString(file);
            } catch (NoSuchFileException e) {
                continue;
            }
            if (text.isBlank()) {
                continue;
            }
            Map<?, ?> root = parse(file, text);
            if (root.get("stores") instanceof Map<?, ?> entries) {
                for (Map.Entry<?, ?> entry : entries.entrySet()) {
                    stores.putIfAbsent(String.valueOf(entry.getKey()), settings(entry.getValue()));
                }
            }
            if (standard == null && root.get("default") instanceof String name && !name.isEmpty()) {
                standard = name.startsWith("@") ? name.substring(1) : name;
            }
        }
        return new StoresFile(stores, standard);
    }

    private static Map<?, ?> parse(Path file, String text) {
        Object root;
        try {
            root = new Load(LoadSettings.builder().build()).loadFromString(text);
        } catch (YamlEngineException e) {
            // The parser's own words quote the text, and secrets stand in it.
            throw new CommandException(ExitCode.ERROR, file + " is not valid YAML", e);
        }
        if (root == null) {
            return Map.of();
        }
        if (root instanceof Map<?, ?> map) {
            return map;
        }
        throw new CommandException(ExitCode.ERROR, file + " holds no stores: a map with `stores:` is expected");
    }

    private static Map<String, String> settings(@Nullable Object value) {
        Map<String, String> settings = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                settings.put(String.valueOf(entry.getKey()), String.valueOf(entry.getValue()));
            }
        }
        return settings;
    }

    /** What is known of a store, or null. */
    @Nullable
    Map<String, String> find(String name) {
        return stores.get(name);
    }

    /** The name of the store to take when none is named, or null. */
    @Nullable
    String standard() {
        return standard;
    }
}
