// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.FieldNames;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a snapshot says of itself (format 2 §5). Readers take every field as optional: older writers had fewer.
 *
 * @param durationNanos how long the backup took
 * @param sources exactly one in what we write; others than the first are invisible to Plakar
 */
public record SnapshotHeader(
        Mac identifier,
        Instant timestamp,
        long durationNanos,
        String name,
        String category,
        String environment,
        String perimeter,
        String job,
        String dataset,
        List<String> dataClasses,
        List<String> tags,
        List<KeyValue> context,
        List<Source> sources) {
    /** Index from media type and path to entry. */
    public static final String CONTENT_TYPE_INDEX = "content-type";

    /** Index from directory to the object that lists it. */
    public static final String DIRPACK_INDEX = "dirpack";

    /** Index from directory to its summary. */
    public static final String SUMMARY_INDEX = "summary";

    private static final FieldNames FIELDS = FieldNames.of(
            "identifier",
            "timestamp",
            "duration",
            "name",
            "category",
            "environment",
            "perimeter",
            "job",
            "dataset",
            "data_classes",
            "tags",
            "context",
            "sources");
    private static final byte[] VERSION = Entry.key("version");
    private static final byte[] IDENTIFIER = Entry.key("identifier");
    private static final byte[] TIMESTAMP = Entry.key("timestamp");
    private static final byte[] DURATION = Entry.key("duration");
    private static final byte[] IDENTITY = Entry.key("identity");
    private static final byte[] PUBLIC_KEY = Entry.key("public_key");
    private static final byte[] NAME = Entry.key("name");
    private static final byte[] CATEGORY = Entry.key("category");
    private static final byte[] ENVIRONMENT = Entry.key("environment");
    private static final byte[] PERIMETER = Entry.key("perimeter");
    private static final byte[] JOB = Entry.key("job");
    private static final byte[] REPLICAS = Entry.key("replicas");
    private static final byte[] DATASET = Entry.key("dataset");
    private static final byte[] DATA_CLASSES = Entry.key("data_classes");
    private static final byte[] CLASSIFICATIONS = Entry.key("classifications");
    private static final byte[] TAGS = Entry.key("tags");
    private static final byte[] CONTEXT = Entry.key("context");
    private static final byte[] SOURCES = Entry.key("sources");

    /** A named text. */
    public record KeyValue(String key, String value) {
        private static final FieldNames FIELDS = FieldNames.of("key", "value");
        private static final byte[] KEY = Entry.key("key");
        private static final byte[] VALUE = Entry.key("value");

        void encode(MsgpackWriter out) {
            out.mapHeader(2);
            out.str(KEY);
            out.str(key);
            out.str(VALUE);
            out.str(value);
        }

        static KeyValue decode(MsgpackReader in) {
            String key = "";
            String value = "";
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.field(FIELDS)) {
                    case 0 -> key = in.string();
                    case 1 -> value = in.string();
                    default -> in.skip();
                }
            }
            return new KeyValue(key, value);
        }
    }

    /** A tree beside the three main ones, by name. */
    public record Index(String name, Mac root) {
        private static final FieldNames FIELDS = FieldNames.of("name", "value");
        private static final byte[] TYPE = Entry.key("type");
        private static final byte[] VALUE = Entry.key("value");

        void encode(MsgpackWriter out) {
            out.mapHeader(3);
            out.str(NAME);
            out.str(name);
            out.str(TYPE);
            out.str("btree");
            out.str(VALUE);
            out.mac(root);
        }

        static Index decode(MsgpackReader in) {
            String name = "";
            Mac root = Mac.ZERO;
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.field(FIELDS)) {
                    case 0 -> name = in.string();
                    case 1 -> root = in.mac();
                    default -> in.skip();
                }
            }
            return new Index(name, root);
        }
    }

    /**
     * What was backed up: where from, and the trees of what was found.
     *
     * @param directory root of the source
     * @param context our own data ride here, where Plakar looks at nothing: see {@code DeviceNumbers}
     * @param vfs root of the tree of entries
     */
    public record Source(
            String type,
            String origin,
            byte[] directory,
            List<KeyValue> context,
            Mac vfs,
            Mac xattrs,
            Mac errors,
            List<Index> indexes,
            Summary summary) {
        private static final FieldNames FIELDS = FieldNames.of("importer", "context", "root", "indexes", "summary");
        private static final FieldNames IMPORTER_FIELDS = FieldNames.of("type", "origin", "directory");
        private static final FieldNames ROOT_FIELDS = FieldNames.of("root", "xattrs", "errors");
        private static final byte[] IMPORTER = Entry.key("importer");
        private static final byte[] TYPE = Entry.key("type");
        private static final byte[] ORIGIN = Entry.key("origin");
        private static final byte[] DIRECTORY = Entry.key("directory");
        private static final byte[] ROOT = Entry.key("root");
        private static final byte[] XATTRS = Entry.key("xattrs");
        private static final byte[] ERRORS = Entry.key("errors");
        private static final byte[] INDEXES = Entry.key("indexes");
        private static final byte[] SUMMARY = Entry.key("summary");

        /** The root of an index, if the snapshot has it. */
        public Optional<Mac> index(String name) {
            return indexes.stream()
                    .filter(i -> i.name.equals(name))
                    .map(Index::root)
                    .findFirst();
        }

        void encode(MsgpackWriter out) {
            out.mapHeader(5);
            out.str(IMPORTER);
            out.mapHeader(3);
            out.str(TYPE);
            out.str(type);
            out.str(ORIGIN);
            out.str(origin);
            out.str(DIRECTORY);
            out.str(directory);
            out.str(CONTEXT);
            encodeAll(context, out, KeyValue::encode);
            out.str(ROOT);
            out.mapHeader(3);
            out.str(ROOT);
            out.mac(vfs);
            out.str(XATTRS);
            out.mac(xattrs);
            out.str(ERRORS);
            out.mac(errors);
            out.str(INDEXES);
            encodeAll(indexes, out, Index::encode);
            out.str(SUMMARY);
            summary.encode(out);
        }

        static Source decode(MsgpackReader in) {
            String type = "";
            String origin = "";
            byte[] directory = {};
            List<KeyValue> context = List.of();
            Mac vfs = Mac.ZERO;
            Mac xattrs = Mac.ZERO;
            Mac errors = Mac.ZERO;
            List<Index> indexes = List.of();
            Summary summary = new Summary();
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.field(FIELDS)) {
                    case 0 -> {
                        for (int fields = in.mapHeader(); fields > 0; fields--) {
                            switch (in.field(IMPORTER_FIELDS)) {
                                case 0 -> type = in.string();
                                case 1 -> origin = in.string();
                                case 2 -> directory = in.bytes();
                                default -> in.skip();
                            }
                        }
                    }
                    case 1 -> context = Lists.read(in, KeyValue::decode);
                    case 2 -> {
                        for (int fields = in.mapHeader(); fields > 0; fields--) {
                            switch (in.field(ROOT_FIELDS)) {
                                case 0 -> vfs = in.mac();
                                case 1 -> xattrs = in.mac();
                                case 2 -> errors = in.mac();
                                default -> in.skip();
                            }
                        }
                    }
                    case 3 -> indexes = Lists.read(in, Index::decode);
                    case 4 -> summary = Summary.decode(in);
                    default -> in.skip();
                }
            }
            return new Source(type, origin, directory, context, vfs, xattrs, errors, indexes, summary);
        }
    }

    /** The same with an equal context. */
    public SnapshotHeader withContext(List<KeyValue> equal) {
        return new SnapshotHeader(
                identifier,
                timestamp,
                durationNanos,
                name,
                category,
                environment,
                perimeter,
                job,
                dataset,
                dataClasses,
                tags,
                equal,
                sources);
    }

    /** The source that readers see. */
    public Source source() {
        return sources.getFirst();
    }

    public void encode(MsgpackWriter out) {
        out.mapHeader(17);
        out.str(VERSION);
        out.u32(0x00010000);
        out.str(IDENTIFIER);
        out.mac(identifier);
        out.str(TIMESTAMP);
        out.time(timestamp.getEpochSecond(), timestamp.getNano());
        out.str(DURATION);
        out.i64(durationNanos);
        out.str(IDENTITY);
        out.mapHeader(2);
        out.str(IDENTIFIER);
        out.bin(new byte[16]);
        out.str(PUBLIC_KEY);
        out.nil();
        out.str(NAME);
        out.str(name);
        out.str(CATEGORY);
        out.str(category);
        out.str(ENVIRONMENT);
        out.str(environment);
        out.str(PERIMETER);
        out.str(perimeter);
        out.str(JOB);
        out.str(job);
        out.str(REPLICAS);
        out.u32(1);
        out.str(DATASET);
        out.str(dataset);
        out.str(DATA_CLASSES);
        encodeAll(dataClasses, out, (text, w) -> w.str(text));
        out.str(CLASSIFICATIONS);
        out.arrayHeader(0);
        out.str(TAGS);
        encodeAll(tags, out, (text, w) -> w.str(text));
        out.str(CONTEXT);
        encodeAll(context, out, KeyValue::encode);
        out.str(SOURCES);
        encodeAll(sources, out, Source::encode);
    }

    private static <T> void encodeAll(List<T> items, MsgpackWriter out, ItemEncoder<T> encoder) {
        out.arrayHeader(items.size());
        for (T item : items) {
            encoder.encode(item, out);
        }
    }

    private interface ItemEncoder<T> {
        void encode(T item, MsgpackWriter out);
    }

    private static Instant instant(MsgpackReader in) {
        long at = in.position();
        in.time();
        try {
            return Instant.ofEpochSecond(in.timeSeconds(), in.timeNanos());
        } catch (DateTimeException e) {
            throw in.corrupt("a time of " + in.timeSeconds() + " seconds", at);
        }
    }

    public static SnapshotHeader decode(MsgpackReader in) {
        Mac identifier = Mac.ZERO;
        Instant timestamp = Instant.EPOCH;
        long durationNanos = 0;
        String name = "";
        String category = "";
        String environment = "";
        String perimeter = "";
        String job = "";
        String dataset = "";
        List<String> dataClasses = List.of();
        List<String> tags = List.of();
        List<KeyValue> context = List.of();
        List<Source> sources = List.of();
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(FIELDS)) {
                case 0 -> identifier = in.mac();
                case 1 -> timestamp = instant(in);
                case 2 -> durationNanos = in.integer();
                case 3 -> name = in.string();
                case 4 -> category = in.string();
                case 5 -> environment = in.string();
                case 6 -> perimeter = in.string();
                case 7 -> job = in.string();
                case 8 -> dataset = in.string();
                case 9 -> dataClasses = Lists.read(in, MsgpackReader::string);
                case 10 -> tags = Lists.read(in, MsgpackReader::string);
                case 11 -> context = Lists.read(in, KeyValue::decode);
                case 12 -> sources = Lists.read(in, Source::decode);
                default -> in.skip();
            }
        }
        return new SnapshotHeader(
                identifier,
                timestamp,
                durationNanos,
                name,
                category,
                environment,
                perimeter,
                job,
                dataset,
                dataClasses,
                tags,
                context,
                sources);
    }
}
