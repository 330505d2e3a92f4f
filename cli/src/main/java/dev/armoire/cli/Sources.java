// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.exclude.ExcludePattern;
import dev.armoire.engine.exclude.ExcludeRules;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** The places that a backup reads, opened, and the rules of what it leaves out. Owns the importers. */
final class Sources implements AutoCloseable {
    private final List<Importer> importers;
    private final ExcludeRules rules;
    private final AtomicLong excluded;
    private final SizeLimit limit;

    private Sources(List<Importer> importers, ExcludeRules rules, AtomicLong excluded, SizeLimit limit) {
        this.importers = importers;
        this.rules = rules;
        this.excluded = excluded;
        this.limit = limit;
    }

    /** No places at all. */
    static Sources none() {
        return new Sources(List.of(), ExcludeRules.none(), new AtomicLong(), new SizeLimit("", Long.MAX_VALUE));
    }

    /** Declares the flags that say what is left out. */
    static Flags declareOmissions(Flags flags) {
        return flags.value("ignore", "PATTERN", "leave out what matches; may be repeated")
                .value("ignore-file", "FILE", "leave out what matches a line of FILE; may be repeated")
                .flag("exclude-caches", "of folders with a valid CACHEDIR.TAG take only that file")
                .value("exclude-if-present", "NAME", "of folders that hold a file NAME take only that; may be repeated")
                .value("exclude-larger-than", "SIZE", "leave out larger files: 500M, 2GiB, or a number of bytes")
                .flag("no-xattr", "leave out extended attributes");
    }

    /**
     * Opens all places.
     *
     * @param skipped local paths that are no part of the backup, such as the store itself
     */
    static Sources open(Session session, Flags.Arguments arguments, List<Path> skipped) throws IOException {
        return open(session, arguments, settings(arguments), skipped);
    }

    /** Like {@link #open(Session, Flags.Arguments, List)}, for a command whose -o is something else. */
    static Sources open(Session session, Flags.Arguments arguments, Map<String, String> settings, List<Path> skipped)
            throws IOException {
        FileList list = FileList.read(arguments);
        List<PlacesFile.Place> places = places(session, arguments, list != null);
        Selection selection = null;
        if (list != null) {
            selection = Selection.of(
                    list, places.stream().map(PlacesFile.Place::location).toList());
            places = List.of(new PlacesFile.Place(selection.root(), Map.of()));
        }
        // What is left out is decided when the roots are known, and asked for when they are read.
        AtomicReference<ExcludeRules> rules = new AtomicReference<>(ExcludeRules.none());
        SizeLimit limit = SizeLimit.of(arguments);
        AtomicLong excluded = new AtomicLong();
        Selection only = selection;
        ImportOptions.Excludes excludes = (path, isDirectory) -> {
            if (only != null && !only.contains(path, isDirectory)) {
                return true;
            }
            boolean isExcluded = rules.get().isExcluded(path, isDirectory);
            if (isExcluded) {
                excluded.incrementAndGet();
            }
            return isExcluded;
        };
        var tags = new ImportOptions.FolderTags(arguments.is("exclude-caches"), arguments.all("exclude-if-present"));
        List<Importer> importers = new ArrayList<>();
        try {
            for (PlacesFile.Place place : places) {
                Map<String, String> own = new LinkedHashMap<>(place.settings());
                own.putAll(settings);
                if (isArchive(place.location())) {
                    session.resolvePassphrase(place.location(), own);
                }
                ImportOptions options =
                        new ImportOptions(excludes, !arguments.is("no-xattr"), own, skipped, tags, session::scratch);
                Importer importer = open(place.location(), options, limit, only == null ? List.of() : only.missing());
                importers.add(importer);
                if (!tags.isEmpty() && !importer.type().equals("fs")) {
                    throw CommandException.usage("-exclude-caches and -exclude-if-present are for local files, and "
                            + place.location() + " is of kind " + importer.type());
                }
            }
            refuseOverlaps(importers);
            List<Location> locations =
                    places.stream().map(PlacesFile.Place::location).toList();
            rules.set(rules(arguments, locations, importers, session.report()));
            return new Sources(importers, rules.get(), excluded, limit);
        } catch (RuntimeException e) {
            importers.forEach(Importer::close);
            throw e;
        }
    }

    /** What is to be backed up, by location or by name. */
    private static List<PlacesFile.Place> places(Session session, Flags.Arguments arguments, boolean hasList)
            throws IOException {
        List<PlacesFile.Place> places = new ArrayList<>();
        boolean isHere = !hasList && arguments.words().isEmpty();
        for (String word : isHere ? List.of(".") : arguments.words()) {
            if (word.isEmpty()) {
                throw CommandException.usage("an empty place to back up");
            }
            PlacesFile.Place place = word.startsWith("@")
                    ? session.find(PlacesFile.Kind.SOURCE, word.substring(1))
                    : new PlacesFile.Place(Location.parseSource(word), Map.of());
            if (hasList && !place.settings().isEmpty()) {
                throw CommandException.usage(
                        word + " has settings, and with a list of files there are none: name its location");
            }
            places.add(place);
        }
        return places;
    }

    /** What two archives have at one path cannot both be in a snapshot. Folders may lie in each other: it is the same there. */
    private static void refuseOverlaps(List<Importer> importers) {
        for (int i = 1; i < importers.size(); i++) {
            for (int j = 0; j < i; j++) {
                Importer a = importers.get(i);
                Importer b = importers.get(j);
                boolean overlap =
                        SnapshotPath.isWithin(a.root(), b.root()) || SnapshotPath.isWithin(b.root(), a.root());
                if (overlap && !a.type().equals("fs")) {
                    throw CommandException.usage("sources of kind " + a.type()
                            + " would be at the same paths of one snapshot; back them up one by one");
                }
            }
        }
    }

    /** The kind of source that understands a place. */
    static ImporterFactory factory(Location place) {
        ImporterFactory factory = ImporterFactory.find(place);
        if (factory != null) {
            return factory;
        }
        throw new CommandException(
                ExitCode.ERROR,
                "no kind of source is called \"" + place.scheme()
                        + "\": a path, tar:FILE, ptar:FILE or stdin:NAME is wanted");
    }

    private static Importer open(Location place, ImportOptions options, SizeLimit limit, List<byte[]> missing) {
        try {
            return new Source(factory(place).open(place, options), limit, missing);
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.ERROR, "failed to create an importer for " + place.path() + ": " + Failures.message(e), e);
        }
    }

    private static ExcludeRules rules(
            Flags.Arguments arguments, List<Location> places, List<Importer> importers, Report report) {
        ExcludeRules.Builder builder = ExcludeRules.builder();
        for (String file : arguments.all("ignore-file")) {
            try {
                builder.ignoreFile(file, Files.readAllBytes(Path.of(file)));
            } catch (IOException | InvalidPathException e) {
                throw new CommandException(ExitCode.ERROR, "unable to open excludes file: " + Failures.message(e), e);
            }
        }
        arguments.all("ignore").forEach(builder::pattern);
        for (int i = 0; i < places.size(); i++) {
            Location place = places.get(i);
            byte[] path =
                    isLocal(place) ? absolute(place.path()) : importers.get(i).root();
            builder.sourceRoot(!isLocal(place) || isDirectory(place) ? path : SnapshotPath.parent(path));
        }
        ExcludeRules rules = builder.build();
        rules.brokenPatterns().forEach(broken -> report.warn(broken + "; it is not used"));
        for (Location place : places.stream().filter(Sources::isLocal).toList()) {
            Optional<ExcludePattern> pattern = rules.patternExcluding(absolute(place.path()), isDirectory(place));
            if (pattern.isPresent()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        pattern.get() + " leaves out " + place.path()
                                + " itself, and with it everything; nothing was backed up");
            }
        }
        return rules;
    }

    private static boolean isLocal(Location place) {
        return place.scheme().equals("fs");
    }

    private static boolean isArchive(Location place) {
        return place.scheme().equals("ptar");
    }

    private static boolean isDirectory(Location place) {
        try {
            return Files.isDirectory(Path.of(place.path()));
        } catch (InvalidPathException e) {
            return true;
        }
    }

    private static byte[] absolute(String path) {
        String whole = path.startsWith("/") ? path : System.getProperty("user.dir") + "/" + path;
        return SnapshotPath.clean(whole.getBytes(StandardCharsets.UTF_8));
    }

    private static Map<String, String> settings(Flags.Arguments arguments) {
        Map<String, String> settings = arguments.settings("o");
        if (arguments.is("one-file-system")) {
            settings.put("dont_traverse_fs", "true");
        }
        return settings;
    }

    /**
     * An importer whose failure is told from one of the store: then nothing could be read.
     *
     * @param missing paths that were named and are not there
     */
    private record Source(Importer importer, SizeLimit limit, List<byte[]> missing) implements Importer {
        @Override
        public String type() {
            return importer.type();
        }

        @Override
        public String origin() {
            return importer.origin();
        }

        @Override
        public byte[] root() {
            return importer.root();
        }

        @Override
        public void scan(ImportSink sink) throws IOException {
            try {
                importer.scan(limit.before(sink));
                missing.forEach(path ->
                        sink.error(path, "lstat " + SnapshotPath.display(path) + ": no such file or directory"));
            } catch (IOException e) {
                if (Failures.isInterruption(e)) {
                    throw e;
                }
                throw new CommandException(
                        ExitCode.ERROR, "nothing could be read, and no snapshot was made: " + Failures.message(e), e);
            }
        }

        @Override
        public boolean isFarAway() {
            return importer.isFarAway();
        }

        @Override
        public void threadEnds() {
            importer.threadEnds();
        }

        @Override
        public void close() {
            importer.close();
        }
    }

    List<Importer> importers() {
        return importers;
    }

    /** Paths that patterns and sizes have left out so far; folders count once. */
    long excluded() {
        return excluded.get() + limit.leftOut();
    }

    /** Warns of patterns that were of no use, and says how many files were too large. Called at the end. */
    void warnOfUnmatchedPatterns(Report report) {
        if (limit.leftOut() > 0) {
            report.info("left out " + limit.leftOut() + (limit.leftOut() == 1 ? " file" : " files") + " larger than "
                    + limit.text());
        }
        rules.unmatchedPatterns().forEach(pattern -> report.warn(pattern + " matched nothing"));
    }

    @Override
    public void close() {
        importers.forEach(Importer::close);
    }
}
