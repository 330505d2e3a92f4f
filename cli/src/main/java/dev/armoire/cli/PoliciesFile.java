// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.query.GroupKey;
import dev.armoire.engine.query.Period;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Named filters, windows and caps, as {@code policies.yml} has them, of Plakar or of ours. What is not understood of a file is
 * an error, never left out: a policy that lost a rule would keep less than its author thinks.
 */
final class PoliciesFile {
    /** Where ids stand among the values of a policy: they are no flag. */
    static final String IDS = "ids";

    private static final String FILE = "policies.yml";
    private static final String IGNORED_TAGS = "ignore_tags";

    /** Filters of one value, by their name in flags and in the file. */
    private static final List<String> TEXTS =
            List.of("before", "since", "name", "category", "environment", "perimeter", "job", "dataset");

    /** Filters with lists: the flag, and the name in the file. */
    private static final Map<String, String> LISTS = lists();

    private final Path file;
    /** For each policy, values by flag. */
    private final Map<String, Map<String, List<String>>> policies = new TreeMap<>();

    private PoliciesFile(Path file) {
        this.file = file;
    }

    private static Map<String, String> lists() {
        Map<String, String> lists = new LinkedHashMap<>();
        lists.put("tag", "tags");
        lists.put(IDS, "ids");
        lists.put("type", "types");
        lists.put("origin", "origins");
        lists.put("root", "roots");
        lists.put("data-class", "data_classes");
        return lists;
    }

    /** Reads the first of these folders that has the file; what is changed is written to the first folder. */
    static PoliciesFile read(List<Path> folders) throws IOException {
        PoliciesFile policies = new PoliciesFile(folders.getFirst().resolve(FILE));
        for (Path folder : folders) {
            Path at = folder.resolve(FILE);
            String text;
            try {
                text = Files.readString(at);
            } catch (NoSuchFileException e) {
                continue;
            }
            policies.load(at, text);
            break;
        }
        return policies;
    }

    private void load(Path at, String text) {
        Object root;
        try {
            root = new Load(LoadSettings.builder().build()).loadFromString(text);
        } catch (YamlEngineException e) {
            throw new CommandException(ExitCode.ERROR, at + " is not valid YAML: " + e.getMessage(), e);
        }
        Object all = root instanceof Map<?, ?> map ? map.get("policies") : root;
        if (all == null) {
            return;
        }
        for (Map.Entry<?, ?> entry : map(all, at + ": policies").entrySet()) {
            String name = String.valueOf(entry.getKey());
            policies.put(name, policy(entry.getValue(), at + ": policy " + name));
        }
    }

    private static Map<?, ?> map(@Nullable Object value, String where) {
        if (value == null) {
            return Map.of();
        }
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new CommandException(ExitCode.ERROR, where + " is no map of names and values");
    }

    private static Map<String, List<String>> policy(@Nullable Object value, String where) {
        Map<String, List<String>> values = new TreeMap<>();
        for (Map.Entry<?, ?> part : map(value, where).entrySet()) {
            String name = String.valueOf(part.getKey());
            switch (name) {
                case "filters" -> filters(map(part.getValue(), where + ": filters"), values, where);
                case "periods" -> periods(map(part.getValue(), where + ": periods"), values, where);
                case "group_by" -> values.put("group-by", List.of(String.valueOf(part.getValue())));
                default -> throw unknown(where, name);
            }
        }
        return values;
    }

    private static CommandException unknown(String where, String name) {
        return new CommandException(
                ExitCode.ERROR,
                where + ": \"" + name + "\" is not known to this version of Armoire; nothing was decided without it");
    }

    private static void filters(Map<?, ?> filters, Map<String, List<String>> values, String where) {
        for (Map.Entry<?, ?> filter : filters.entrySet()) {
            String name = String.valueOf(filter.getKey());
            Object value = filter.getValue();
            String flag = LISTS.entrySet().stream()
                    .filter(list -> list.getValue().equals(name))
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElse(null);
            if (TEXTS.contains(name) || name.equals("latest")) {
                values.put(name, List.of(String.valueOf(value)));
            } else if (flag != null || name.equals(IGNORED_TAGS)) {
                List<String> words = new ArrayList<>();
                if (value instanceof List<?> list) {
                    list.forEach(word -> words.add((flag == null ? "!" : "") + word));
                }
                values.computeIfAbsent(flag == null ? "tag" : flag, key -> new ArrayList<>())
                        .addAll(words);
            } else {
                throw unknown(where, name);
            }
        }
    }

    private static void periods(Map<?, ?> periods, Map<String, List<String>> values, String where) {
        for (Map.Entry<?, ?> entry : periods.entrySet()) {
            String name = String.valueOf(entry.getKey());
            if (period(name) == null) {
                throw unknown(where, name);
            }
            for (Map.Entry<?, ?> rule :
                    map(entry.getValue(), where + ": " + name).entrySet()) {
                switch (String.valueOf(rule.getKey())) {
                    case "keep" -> values.put(name + 's', List.of(String.valueOf(rule.getValue())));
                    case "cap" -> values.put("per-" + name, List.of(String.valueOf(rule.getValue())));
                    default -> throw unknown(where, name + "." + rule.getKey());
                }
            }
        }
    }

    private static @Nullable Period period(String label) {
        for (Period period : Period.values()) {
            if (period.label().equals(label)) {
                return period;
            }
        }
        return null;
    }

    List<String> names() {
        return List.copyOf(policies.keySet());
    }

    boolean has(String name) {
        return policies.containsKey(name);
    }

    private Map<String, List<String>> get(String name) {
        Map<String, List<String>> policy = policies.get(name);
        if (policy == null) {
            String known = policies.isEmpty() ? "there is none yet" : "there are " + String.join(", ", names());
            throw new CommandException(ExitCode.ERROR, "policy \"" + name + "\" does not exist; " + known);
        }
        return policy;
    }

    /** What a policy says, as if it had been given as flags. */
    Flags.Arguments arguments(String name) {
        return new Flags.Arguments(new LinkedHashMap<>(get(name)), List.of());
    }

    void add(String name) {
        policies.put(name, new TreeMap<>());
    }

    void remove(String name) {
        get(name);
        policies.remove(name);
    }

    /** Sets a value under the name of a flag, or Plakar's plural of it. */
    void set(String policy, String key, String value, Report report) {
        Map<String, List<String>> values = get(policy);
        String flag = flag(key);
        if (flag.equals("before") || flag.equals("since")) {
            // As Plakar does: the file holds a moment, and not how long ago.
            values.put(
                    flag, List.of(FilterFlags.time(value, Instant.now(), report).toString()));
        } else if (LISTS.containsKey(flag)) {
            values.put(flag, List.of(value.split(",", -1)));
        } else if (flag.equals("latest")) {
            if (!value.equals("true") && !value.equals("false")) {
                throw CommandException.usage("failed to set key \"" + key + "\": true or false is wanted");
            }
            values.put(flag, List.of(value));
        } else if (flag.equals("group-by")) {
            values.put(flag, List.of(FilterFlags.groupKey(value).label()));
        } else if (TEXTS.contains(flag)) {
            values.put(flag, List.of(value));
        } else {
            new Flags.Arguments(Map.of(flag, List.of(value)), List.of()).number(flag, 0, 0);
            values.put(flag, List.of(value));
        }
    }

    void unset(String policy, String key) {
        get(policy).remove(flag(key));
    }

    private static String flag(String key) {
        for (Map.Entry<String, String> list : LISTS.entrySet()) {
            if (key.equals(list.getKey()) || key.equals(list.getValue())) {
                return list.getKey();
            }
        }
        List<String> known = new ArrayList<>(TEXTS);
        known.addAll(LISTS.keySet());
        known.add("latest");
        known.add("group-by");
        for (Period period : Period.values()) {
            known.add(period.label() + 's');
            known.add("per-" + period.label());
        }
        if (!known.contains(key)) {
            throw CommandException.usage(
                    "failed to set key \"" + key + "\": invalid key; there are " + String.join(", ", known));
        }
        return key;
    }

    /** A policy as the file has it: {@code filters}, {@code periods}, {@code group_by}, each only if there is something. */
    Map<String, Object> tree(String name) {
        Map<String, List<String>> values = get(name);
        Map<String, Object> filters = new LinkedHashMap<>();
        for (String text : TEXTS) {
            put(filters, text, first(values, text));
        }
        List<String> tags = values.getOrDefault("tag", List.of());
        put(
                filters,
                "tags",
                listOrNull(tags.stream().filter(tag -> !tag.startsWith("!")).toList()));
        put(
                filters,
                IGNORED_TAGS,
                listOrNull(tags.stream()
                        .filter(tag -> tag.startsWith("!"))
                        .map(tag -> tag.substring(1))
                        .toList()));
        if ("true".equals(first(values, "latest"))) {
            filters.put("latest", true);
        }
        LISTS.forEach((flag, key) -> {
            if (!flag.equals("tag")) {
                put(filters, key, listOrNull(values.getOrDefault(flag, List.of())));
            }
        });
        Map<String, Object> periods = new LinkedHashMap<>();
        for (Period period : Period.values()) {
            Map<String, Object> rule = new LinkedHashMap<>();
            put(rule, "keep", number(values, period.label() + 's'));
            put(rule, "cap", number(values, "per-" + period.label()));
            put(periods, period.label(), rule.isEmpty() ? null : rule);
        }
        Map<String, Object> tree = new LinkedHashMap<>();
        put(tree, "filters", filters.isEmpty() ? null : filters);
        put(tree, "periods", periods.isEmpty() ? null : periods);
        String group = first(values, "group-by");
        put(
                tree,
                "group_by",
                group == null ? null : GroupKey.of(group).map(GroupKey::label).orElse(group));
        return tree;
    }

    private static @Nullable List<String> listOrNull(List<String> list) {
        return list.isEmpty() ? null : list;
    }

    private static @Nullable Integer number(Map<String, List<String>> values, String key) {
        String text = first(values, key);
        int number = text == null ? 0 : new Flags.Arguments(Map.of(key, List.of(text)), List.of()).number(key, 0, 0);
        return number == 0 ? null : number;
    }

    private static @Nullable String first(Map<String, List<String>> values, String key) {
        List<String> all = values.get(key);
        return all == null || all.isEmpty() ? null : all.getFirst();
    }

    private static void put(Map<String, Object> map, String key, @Nullable Object value) {
        if (value != null) {
            map.put(key, value);
        }
    }

    /** Writes the file as a whole or not at all. */
    void save() throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        names().forEach(name -> all.put(name, tree(name)));
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("version", "v1.0.0");
        root.put("policies", all);
        YamlFiles.write(file, root);
    }
}
