// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Places of one kind that the configuration knows by name, with their settings: {@code stores.yml}, {@code sources.yml} or
 * {@code destinations.yml}, Plakar's or ours. Plakar's are read while there are none of ours; the first change makes ours,
 * with all that Plakar's say, and leaves Plakar's as they are.
 */
final class PlacesFile {
    /** What a place is for. */
    enum Kind {
        STORE("store"),
        SOURCE("source"),
        DESTINATION("destination");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }

        /** Where a text says that it is. */
        Location parse(String text) {
            return this == SOURCE ? Location.parseSource(text) : Location.parse(text);
        }

        String plural() {
            return word + 's';
        }

        String fileName() {
            return plural() + ".yml";
        }
    }

    static final String LOCATION = "location";
    private static final String VERSION = "version";
    private static final String KNOWN_VERSION = "v1.0.0";
    private static final String DEFAULT = "default";
    /** Of files without a version: marks the default store. */
    private static final String OLD_DEFAULT = ".isDefault";

    private final Kind kind;
    private final List<Path> folders;
    private Path origin;
    private final Map<String, Map<String, String>> places = new TreeMap<>();
    /** What the file says beside the places; it is written back. */
    private final Map<String, Object> rest = new LinkedHashMap<>();

    private PlacesFile(Kind kind, List<Path> folders) {
        this.kind = kind;
        this.folders = folders;
        origin = target();
    }

    /** Reads the first of these folders that has the file; what is changed is written to the first folder. */
    static PlacesFile read(Kind kind, List<Path> folders) throws IOException {
        PlacesFile file = new PlacesFile(kind, folders);
        List<String> names = kind == Kind.STORE ? List.of(kind.fileName(), "klosets.yml") : List.of(kind.fileName());
        for (Path folder : folders) {
            for (String name : names) {
                Path path = folder.resolve(name);
                try {
                    file.load(path, Files.readString(path));
                    return file;
                } catch (NoSuchFileException e) {
                    // the next one
                } catch (MalformedInputException e) {
                    throw new CommandException(ExitCode.ERROR, path + " is not UTF-8", e);
                }
            }
        }
        return file;
    }

    private Path target() {
        return folders.getFirst().resolve(kind.fileName());
    }

    private void load(Path path, String text) {
        origin = path;
        Object root;
        try {
            root = YamlFiles.parse(text);
        } catch (YamlEngineException e) {
            throw new CommandException(ExitCode.ERROR, path + " is not valid YAML" + line(e), e);
        }
        if (root == null) {
            return;
        }
        if (!(root instanceof Map<?, ?> map)) {
            throw new CommandException(
                    ExitCode.ERROR,
                    path + " holds no " + kind.plural() + ": a map with `" + kind.plural() + ":` is expected");
        }
        load(path, map);
    }

    /** Where a YAML file is wrong. The parser's own words quote the text, and secrets stand in it. */
    static String line(YamlEngineException e) {
        return e instanceof org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException marked
                ? marked.getProblemMark()
                        .map(mark -> ", line " + (mark.getLine() + 1))
                        .orElse("")
                : "";
    }

    private void load(Path path, Map<?, ?> root) {
        Object version = root.get(VERSION);
        if (version instanceof String && !version.equals(KNOWN_VERSION)) {
            throw new CommandException(
                    ExitCode.FORMAT, path + " has version " + version + ", and known is " + KNOWN_VERSION);
        }
        Map<?, ?> entries = entries(root, kind);
        if (entries == null) { // from before there were versions: nothing but names
            entries = root;
        } else {
            root.forEach((key, value) -> rest.put(String.valueOf(key), value == null ? "" : value));
            rest.remove(kind.plural());
        }
        for (Map.Entry<?, ?> entry : entries.entrySet()) {
            String name = String.valueOf(entry.getKey());
            Map<String, String> settings = settings(entry.getValue(), path + ": " + kind.word() + " \"" + name + '"');
            if (settings.remove(OLD_DEFAULT) != null) {
                rest.put(DEFAULT, name);
            }
            places.put(name, settings);
        }
    }

    /** What stands below {@code stores:} and the like, or null when there are only names and what belongs to each. */
    static @Nullable Map<?, ?> entries(Map<?, ?> root, Kind kind) {
        Object value = root.get(kind.plural());
        boolean hasVersion = root.get(VERSION) instanceof String;
        if (value instanceof Map<?, ?> map
                && (hasVersion || map.values().stream().noneMatch(String.class::isInstance))) {
            return map;
        }
        if (value == null ? hasVersion : value.equals("")) {
            return Map.of();
        }
        return null;
    }

    /** The settings of a place; an error when they are something else than texts. */
    static Map<String, String> settings(@Nullable Object value, String where) {
        Map<String, String> settings = new TreeMap<>();
        if (value == null || value.equals("")) {
            return settings;
        }
        if (!(value instanceof Map<?, ?> map)) {
            throw new CommandException(ExitCode.ERROR, where + " is no map of settings");
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() instanceof Map || entry.getValue() instanceof List) {
                throw new CommandException(
                        ExitCode.ERROR, where + ": the value of " + entry.getKey() + " is no text but a list or map");
            }
            settings.put(
                    String.valueOf(entry.getKey()),
                    entry.getValue() == null ? "" : entry.getValue().toString());
        }
        return settings;
    }

    List<String> names() {
        return List.copyOf(places.keySet());
    }

    boolean has(String name) {
        return places.containsKey(name);
    }

    /** The settings of a place, its location among them. */
    Map<String, String> get(String name) {
        Map<String, String> settings = places.get(name);
        if (settings == null) {
            throw doesNotExist(name);
        }
        return settings;
    }

    CommandException doesNotExist(String name) {
        String nearest = Words.nearest(name, places.keySet());
        return new CommandException(
                ExitCode.ERROR,
                kind.word() + " \"" + name + "\" does not exist"
                        + (nearest == null ? "" : "; did you mean \"" + nearest + "\"?"));
    }

    void put(String name, Map<String, String> settings) {
        places.put(name, new TreeMap<>(settings));
    }

    /** Forgets a place; if it is the default store, there is none then. */
    void remove(String name) {
        get(name);
        places.remove(name);
        if (name.equals(standard())) {
            rest.remove(DEFAULT);
        }
    }

    /** The name of the store to take when none is named, or null. */
    @Nullable
    String standard() {
        return rest.get(DEFAULT) instanceof String name && !name.isEmpty() ? withoutAt(name) : null;
    }

    static String withoutAt(String name) {
        return name.startsWith("@") ? name.substring(1) : name;
    }

    /**
     * The place that is meant by a name behind {@code @}.
     *
     * @param text {@code NAME}, or {@code NAME:PATH} for another path at that place
     */
    Place find(String text) {
        int colon = places.containsKey(text) ? -1 : text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        Map<String, String> settings = places.get(name);
        String location = settings == null ? null : settings.get(LOCATION);
        if (settings == null || location == null || location.isEmpty()) {
            String word = switch (kind) {
                case STORE -> "repository";
                case SOURCE -> "importer";
                case DESTINATION -> "exporter";
            };
            throw new CommandException(
                    ExitCode.ERROR,
                    "could not resolve " + word + ": @" + text + ": "
                            + (settings == null
                                    ? "no " + kind.fileName() + " names it"
                                    : "its entry in " + origin + " has no location"));
        }
        Map<String, String> others = new LinkedHashMap<>(settings);
        others.remove(LOCATION);
        return new Place(at(kind.parse(location), colon < 0 ? "" : text.substring(colon + 1)), others);
    }

    /** The same place with another path: one that begins with a slash in its stead, any other below it. */
    private Location at(Location location, String path) {
        if (path.isEmpty()) {
            return location;
        }
        String whole = location.path();
        boolean isFile = location.scheme().equals("fs") || location.scheme().equals("ptar");
        int slash = isFile ? 0 : whole.indexOf('/');
        String host = slash < 0 ? whole : whole.substring(0, slash);
        String base = slash < 0 ? "" : whole.substring(slash);
        String below = base.isEmpty() || base.endsWith("/") ? path : base + '/' + path;
        String changed = path.startsWith("/") ? path : !isFile && base.isEmpty() ? '/' + path : below;
        return isFile && kind != Kind.SOURCE
                ? Location.parse("fs:" + changed)
                : new Location(location.scheme(), host + changed);
    }

    /**
     * A place with what its kind of connector is to know.
     *
     * @param settings all but the location
     */
    record Place(Location location, Map<String, String> settings) {}

    /**
     * Writes the file, and the two others where they are missing: without them Plakar takes the folder for one of an old
     * version, and writes empty files over all three.
     *
     * @return the file that the places come from, if it is another one, or null
     */
    @Nullable
    Path save() throws IOException {
        List<PlacesFile> missing = new ArrayList<>();
        for (Kind other : Kind.values()) {
            if (other != kind && Files.notExists(folders.getFirst().resolve(other.fileName()))) {
                missing.add(read(other, folders));
            }
        }
        Path from = Files.exists(origin) && !origin.equals(target()) ? origin : null;
        for (PlacesFile file : missing) {
            file.write();
        }
        write();
        return from;
    }

    private void write() throws IOException {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put(VERSION, KNOWN_VERSION);
        rest.forEach(root::putIfAbsent);
        root.put(kind.plural(), places);
        Path target = target();
        try {
            YamlFiles.write(target, root);
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.CANNOT_CREATE, "cannot write " + target + ": " + Failures.message(e), e);
        }
        origin = target;
    }
}
