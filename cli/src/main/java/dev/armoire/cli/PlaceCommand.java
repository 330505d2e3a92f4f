// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** {@code store}, {@code source}, {@code destination}: names places, and keeps what is to be known of each. */
final class PlaceCommand implements Command {
    private final PlacesFile.Kind kind;

    PlaceCommand(PlacesFile.Kind kind) {
        this.kind = kind;
    }

    @Override
    public String usage() {
        String word = kind.word();
        return (word + " add NAME LOCATION [KEY=VALUE...]\n")
                + (word + " set NAME KEY=VALUE...\n")
                + (word + " unset NAME KEY...\n")
                + (word + " rm NAME\n")
                + (word + " show [-secrets] [-yaml|-json|-ini] [NAME...]\n")
                + (word + " check NAME\n")
                + (word + " ping NAME\n")
                + word + " import [-config FILE|URL] [-overwrite] [-rclone] [SECTION[:NEW]...]";
    }

    @Override
    public String description() {
        String use = switch (kind) {
            case STORE -> "`armoire at @NAME COMMAND` then works on it, and `sync to @NAME`.";
            case SOURCE -> "`armoire backup @NAME` then backs it up.";
            case DESTINATION -> "`armoire restore -to @NAME` then restores to it.";
        };
        return String.format(Locale.ROOT, """
            Gives a place a name, and keeps what its connector is to know, in
            %s of the configuration folder, where Plakar finds it, too.
            %s @NAME:PATH is
            another path at that place.

            check looks at what is written there; ping goes to the place. import takes YAML,
            JSON or INI from standard input, a file or an address.

            A secret need not stand in the file: KEY_cmd=COMMAND takes what a command prints,
            and KEY_env=VARIABLE what an environment variable holds. show hides secrets.""", kind.fileName(), use);
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("secrets", "show secrets, too")
                .flag("yaml", "show as YAML (the default)")
                .flag("ini", "show as INI")
                .value("config", "FILE", "import from a file or an address")
                .flag("overwrite", "import over what has the same name")
                .flag("rclone", "import what rclone's configuration has");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        List<String> words = arguments.words();
        if (words.isEmpty()) {
            throw CommandException.usage(
                    "no action specified: " + kind.word() + " add, set, unset, rm, show, check, ping or import");
        }
        String action = words.getFirst();
        List<String> rest = words.subList(1, words.size());
        allowOnly(arguments, action);
        return switch (action) {
            case "show" -> show(session, arguments, rest);
            case "check" -> check(session, one(action, rest));
            case "ping" -> ping(session, one(action, rest));
            case "add", "set", "unset", "rm", "import" -> change(session, arguments, action, rest);
            default ->
                throw CommandException.usage(
                        "usage: armoire " + kind.word() + " [add|check|import|ping|rm|set|show|unset]");
        };
    }

    private void allowOnly(Flags.Arguments arguments, String action) {
        for (String flag : List.of("secrets", "yaml", "ini", "config", "overwrite", "rclone")) {
            boolean isOfShow = List.of("secrets", "yaml", "ini").contains(flag);
            if (arguments.has(flag) && !action.equals(isOfShow ? "show" : "import")) {
                throw CommandException.usage("-" + flag + " is for " + kind.word() + (isOfShow ? " show" : " import")
                        + ", not for " + action);
            }
        }
        boolean isJson = arguments.is("json");
        if ((isJson ? 1 : 0) + (arguments.is("yaml") ? 1 : 0) + (arguments.is("ini") ? 1 : 0) > 1) {
            throw CommandException.usage("-yaml, -json and -ini: only one of them");
        }
    }

    private String one(String action, List<String> rest) {
        if (rest.size() != 1) {
            throw CommandException.usage("usage: armoire " + kind.word() + ' ' + action + " NAME");
        }
        return PlacesFile.withoutAt(rest.getFirst());
    }

    private int show(Session session, Flags.Arguments arguments, List<String> named) throws IOException {
        Report report = session.report();
        PlacesFile places = PlacesFile.read(kind, session.configurations());
        boolean isMissing = false;
        for (String word : named.isEmpty() ? places.names() : named) {
            String name = PlacesFile.withoutAt(word);
            if (!places.has(name)) {
                report.error(Failures.said(places.doesNotExist(name)));
                isMissing = true;
                continue;
            }
            Map<String, String> settings = places.get(name);
            Map<String, String> shown = arguments.is("secrets") ? settings : Secrets.hidden(settings);
            String text = arguments.is("ini")
                    ? Ini.text(name, shown)
                    : YamlFiles.text(Map.of(name, shown)).stripTrailing();
            report.result(text, kind.word(), "name", name, "settings", shown);
        }
        if (isMissing) {
            report.failure("one or more " + kind.plural() + " do not exist", ExitCode.ERROR);
            return ExitCode.ERROR;
        }
        return ExitCode.OK;
    }

    // What goes there

    private int check(Session session, String name) throws IOException {
        PlacesFile places = PlacesFile.read(kind, session.configurations());
        places.get(name); // it must be there, and not only what stands before a colon
        PlacesFile.Place place = session.find(kind, name);
        try {
            switch (kind) {
                case STORE -> {
                    Map<String, String> settings =
                            new Session.StorePlace(place.location(), place.settings(), false).storageSettings();
                    Session.factory(place.location()).check(place.location(), settings);
                }
                case SOURCE ->
                    Sources.factory(place.location())
                            .open(place.location(), options(place))
                            .close();
                case DESTINATION -> RestoreCommand.factory(place.location()).check(place.location(), place.settings());
            }
        } catch (IOException e) {
            throw bad(name, e);
        }
        return ExitCode.OK;
    }

    private int ping(Session session, String name) throws IOException {
        PlacesFile.read(kind, session.configurations()).get(name);
        if (kind == PlacesFile.Kind.STORE) {
            session.openPeer('@' + name).close();
        } else {
            PlacesFile.Place place = session.find(kind, name);
            try {
                if (kind == PlacesFile.Kind.SOURCE) {
                    new FirstItems(place).read();
                } else {
                    look(place);
                }
            } catch (IOException e) {
                throw bad(name, e);
            }
        }
        session.report().summary("configuration OK", "ping", "kind", kind.word(), "name", name);
        return ExitCode.OK;
    }

    private CommandException bad(String name, IOException e) {
        return new CommandException(ExitCode.ERROR, kind.word() + " \"" + name + "\": " + Failures.message(e), e);
    }

    private static ImportOptions options(PlacesFile.Place place) {
        return new ImportOptions((path, isDirectory) -> false, true, place.settings(), List.of());
    }

    /** Looks into a destination without making anything there. */
    private static void look(PlacesFile.Place place) throws IOException {
        Location location = place.location();
        ExporterFactory factory = RestoreCommand.factory(location);
        try (ExistingFiles files = factory.look(location, place.settings())) {
            files.list(new byte[0]);
        }
        if (location.scheme().equals("fs") || location.scheme().equals("ptar")) {
            Path folder = Path.of(location.path()).toAbsolutePath();
            while (folder != null && Files.notExists(folder)) {
                folder = folder.getParent(); // a restore makes what is missing
            }
            if (folder != null && !(Files.isDirectory(folder) && Files.isWritable(folder))) {
                throw new IOException(folder + ": nothing can be written there");
            }
        }
    }

    /** Reads a source until something of it is there. */
    private static final class FirstItems implements ImportSink {
        private final PlacesFile.Place place;
        private byte[] root = new byte[0];
        private volatile boolean isFound;
        private volatile @Nullable String problem;

        FirstItems(PlacesFile.Place place) {
            this.place = place;
        }

        void read() throws IOException {
            try (Importer importer = Sources.factory(place.location()).open(place.location(), options(place))) {
                root = importer.root();
                importer.scan(this);
                importer.threadEnds();
            }
            String said = problem;
            if (said != null && !isFound) {
                throw new IOException(said);
            }
        }

        @Override
        public void record(ImportRecord record) {
            boolean isRoot = Arrays.equals(record.path(), root);
            if (SnapshotPath.isWithin(record.path(), root)
                    && !(isRoot && FileMode.isDirectory(record.info().mode()))) {
                isFound = true;
            }
        }

        @Override
        public void error(byte[] path, String message) {
            if (SnapshotPath.isWithin(path, root) && problem == null) {
                problem = message;
            }
        }

        @Override
        public boolean isStopped() {
            return isFound || Thread.currentThread().isInterrupted();
        }
    }

    // What changes the file

    private int change(Session session, Flags.Arguments arguments, String action, List<String> rest)
            throws IOException {
        // Read before others wait for us: it may be typed.
        Map<String, Map<String, String>> imported = Map.of();
        if (action.equals("import")) {
            imported = PlacesImport.parse(PlacesImport.read(arguments.get("config")), kind);
        }
        Path folder = session.configurations().getFirst();
        YamlFiles.makeFolder(folder);
        try (FileChannel channel =
                        FileChannel.open(folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            assert lock.isValid();
            PlacesFile places = PlacesFile.read(kind, session.configurations());
            int code = ExitCode.OK;
            Map<String, Map<String, String>> changed = new TreeMap<>();
            switch (action) {
                case "add" -> add(places, rest, changed);
                case "set" -> set(places, rest, changed);
                case "unset" -> unset(places, rest);
                case "rm" -> places.remove(one(action, rest));
                default -> code = take(places, imported, rest, arguments, changed, session.report());
            }
            changed.forEach(places::put);
            Path from = places.save();
            if (from != null) {
                session.report()
                        .notice(folder.resolve(kind.fileName()) + " now has what " + from
                                + " says, and is read in its stead; that stays as it is");
            }
            changed.forEach((name, settings) -> advise(name, settings, session.report()));
            return code;
        }
    }

    private void add(PlacesFile places, List<String> rest, Map<String, Map<String, String>> changed) {
        String usage = "usage: armoire " + kind.word() + " add NAME LOCATION [KEY=VALUE...]";
        if (rest.size() < 2) {
            throw CommandException.usage(usage);
        }
        String name = PlacesFile.withoutAt(rest.getFirst());
        requireName(name);
        if (places.has(name)) {
            throw new CommandException(ExitCode.ERROR, kind.word() + " \"" + name + "\" already exists");
        }
        Map<String, String> settings = settings(rest.subList(2, rest.size()), usage);
        String location = rest.get(1);
        settings.put(PlacesFile.LOCATION, location.startsWith("location=") ? location.substring(9) : location);
        requireLocation(name, settings);
        changed.put(name, settings);
    }

    private void set(PlacesFile places, List<String> rest, Map<String, Map<String, String>> changed) {
        String usage = "usage: armoire " + kind.word() + " set NAME KEY=VALUE...";
        if (rest.size() < 2) {
            throw CommandException.usage(usage);
        }
        String name = PlacesFile.withoutAt(rest.getFirst());
        Map<String, String> settings = new TreeMap<>(places.get(name));
        settings.putAll(settings(rest.subList(1, rest.size()), usage));
        requireLocation(name, settings);
        changed.put(name, settings);
    }

    private void unset(PlacesFile places, List<String> rest) {
        if (rest.size() < 2) {
            throw CommandException.usage("usage: armoire " + kind.word() + " unset NAME KEY...");
        }
        Map<String, String> settings = places.get(PlacesFile.withoutAt(rest.getFirst()));
        List<String> keys = rest.subList(1, rest.size());
        if (keys.contains(PlacesFile.LOCATION)) {
            throw new CommandException(ExitCode.ERROR, "cannot unset location");
        }
        keys.forEach(settings::remove);
    }

    private int take(
            PlacesFile places,
            Map<String, Map<String, String>> imported,
            List<String> wanted,
            Flags.Arguments arguments,
            Map<String, Map<String, String>> changed,
            Report report) {
        int skipped = 0;
        for (String word : wanted.isEmpty() ? new ArrayList<>(imported.keySet()) : wanted) {
            int colon = wanted.isEmpty() ? -1 : word.indexOf(':');
            String section = colon < 0 ? word : word.substring(0, colon);
            String name = colon < 0 ? PlacesFile.withoutAt(word) : word.substring(colon + 1);
            Map<String, String> settings = imported.get(section);
            String problem;
            if (settings == null) {
                problem = kind.word() + " \"" + section + "\" does not exist in config";
            } else {
                settings = arguments.is("rclone") ? PlacesImport.ofRclone(settings) : settings;
                problem = problem(places, name, settings, arguments.is("overwrite"));
            }
            if (problem != null || settings == null) {
                report.error(String.valueOf(problem));
                skipped++;
            } else {
                changed.put(name, settings);
            }
        }
        if (skipped == 0) {
            return ExitCode.OK;
        }
        if (changed.isEmpty()) {
            throw new CommandException(ExitCode.ERROR, "nothing was imported");
        }
        report.failure(skipped + " of what was to be imported was not", ExitCode.PARTIAL);
        return ExitCode.PARTIAL;
    }

    /** Why something cannot be imported, or null. */
    private @Nullable String problem(PlacesFile places, String name, Map<String, String> settings, boolean overwrites) {
        try {
            requireName(name);
            requireLocation(name, settings);
        } catch (CommandException e) {
            return Failures.said(e) + ", skipping";
        }
        boolean isNews = !places.has(name) || !places.get(name).equals(settings);
        return places.has(name) && isNews && !overwrites
                ? kind.word() + " \"" + name + "\" already exists, skipping; -overwrite replaces it"
                : null;
    }

    private static Map<String, String> settings(List<String> words, String usage) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals < 1) { // the word may be a secret
                throw CommandException.usage("a setting is not KEY=VALUE; " + usage);
            }
            settings.put(word.substring(0, equals), word.substring(equals + 1));
        }
        return settings;
    }

    private void requireName(String name) {
        if (name.isEmpty() || name.chars().anyMatch(c -> c < 0x20 || c == 0x7f || c == ':')) {
            throw CommandException.usage("\"" + name + "\" is no name for a " + kind.word()
                    + ": it is empty, or has a colon or control character");
        }
    }

    private void requireLocation(String name, Map<String, String> settings) {
        String location = settings.get(PlacesFile.LOCATION);
        if (location == null || location.isEmpty()) {
            throw CommandException.usage(kind.word() + " \"" + name + "\" has no location");
        }
    }

    /** Says what will make trouble later. */
    private void advise(String name, Map<String, String> settings, Report report) {
        Location location = kind.parse(settings.getOrDefault(PlacesFile.LOCATION, ""));
        boolean isKnown = switch (kind) {
            case STORE -> StorageFactory.find(location) != null;
            case SOURCE -> ImporterFactory.find(location) != null;
            case DESTINATION -> ExporterFactory.find(location) != null;
        };
        if (!isKnown) {
            report.warn("this version of Armoire knows no kind of " + kind.word() + " called \"" + location.scheme()
                    + "\"; " + kind.word() + " \"" + name + "\" was written all the same");
        }
        if ((location.scheme().equals("fs") || location.scheme().equals("ptar"))
                && !location.path().startsWith("/")
                && !Path.of(location.path()).isAbsolute()) {
            report.warn(kind.word() + " \"" + name + "\": " + location.path()
                    + " is not absolute, and means another place in each folder that a command runs in");
        }
        List<String> clear = settings.entrySet().stream()
                .filter(setting -> Secrets.isSecret(setting.getKey())
                        && !setting.getValue().isEmpty())
                .map(Map.Entry::getKey)
                .toList();
        if (!clear.isEmpty()) {
            String key = clear.contains("passphrase") ? "passphrase" : clear.getFirst();
            report.notice(kind.word() + " \"" + name + "\": " + String.join(", ", clear)
                    + (clear.size() == 1 ? " stands" : " stand") + " in the file in clear; " + key + Secrets.COMMAND
                    + "='secret-tool lookup armoire " + name + "' would ask a key ring, and " + key + Secrets.VARIABLE
                    + "=VARIABLE the environment");
        }
    }
}
