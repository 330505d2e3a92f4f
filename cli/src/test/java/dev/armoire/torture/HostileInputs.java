// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import com.sun.management.ThreadMXBean;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ErrorItem;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PackfileRecords;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.LockRecord;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.PackfileLayout;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Gives parsers of stored bytes what somebody with evil intent may have stored: mutants of what is in a real store without
 * encryption, whose MACs anybody can make, so that what lies behind a MAC is reached. A parser may take them or refuse them with
 * an explanation; in little time, and with little memory.
 */
final class HostileInputs {
    private static final List<TreeKind> TREE_KINDS = List.of(TreeKind.values());
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Of the heap, for one input of a store of a few MiB: a damaged number must not become an allocation. */
    private static final long MAX_ALLOCATED_BYTES = 96L << 20;

    private static final long MAX_MILLIS = 20_000;
    private static final int SEEDS_OF_A_TYPE = 30;
    /** Opening and checking a store costs as much as a thousand records. */
    private static final int WHOLE_STORE_EVERY = 50;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int[] WORDS = {0, 1, -1, 0x7fffffff, 0x80000000, 0xffff, 56, 85};
    private static final byte[] ANNOUNCE_MUCH = {
        (byte) 0xdf, (byte) 0xdd, (byte) 0xdb, (byte) 0xc6, (byte) 0xde, (byte) 0xdc, (byte) 0xc9
    };

    private final Path work;
    private final Random random;
    private final Tally tally;
    private final TestedStore store;
    private final Repository repository;
    private final BlobCodec codec;
    private final MacHasher hasher;
    private final List<Target> targets = new ArrayList<>();
    private final Path archive;

    @FunctionalInterface
    private interface Parser {
        void parse(byte[] input) throws IOException;
    }

    private record Target(String name, List<byte[]> seeds, Parser parser) {}

    /** @param program the words that start Armoire, which makes an archive */
    HostileInputs(Path work, List<String> program, long seed, Tally tally) throws IOException, InterruptedException {
        this.work = work;
        this.random = new Random(seed);
        this.tally = tally;
        this.store = TestedStore.create(work.resolve("store"), false, work.resolve("cache"));
        SourceTree tree = new SourceTree(work.resolve("tree"), seed, 60, 4000);
        for (int i = 0; i < 2; i++) {
            store.backUp(tree.folder());
            tree.change(10);
        }
        this.archive = work.resolve("a.ptar");
        makeArchive(program, tree.folder());
        try (Repository made = store.openRefreshed()) {
            Parity.update(made, null, false, true, new Heals.Told(new ArrayList<>()));
        }
        this.repository = store.openRefreshed();
        this.codec = repository.newCodec();
        this.hasher = repository.keys().newMacHasher();
        addObjects();
        addRecords();
        targets.add(new Target("trees with cycles", List.of(new byte[64]), this::tree));
    }

    private void makeArchive(List<String> program, Path tree) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(program);
        words.addAll(List.of("ptar", "-plaintext", "-o", archive.toString(), tree.toString()));
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().put("HOME", work.toString());
        builder.environment().put("XDG_CACHE_HOME", work.resolve("cache").toString());
        builder.environment().put("XDG_CONFIG_HOME", work.resolve("config").toString());
        Path log = work.resolve("log");
        builder.redirectErrorStream(true).redirectOutput(log.toFile());
        if (builder.start().waitFor() != 0) {
            throw new IOException("no archive was made: " + Files.readString(log));
        }
    }

    private List<Path> files(String folder) throws IOException {
        try (Stream<Path> all = Files.walk(store.folder().resolve(folder))) {
            return all.filter(file -> file.getFileName().toString().length() == 2 * Mac.BYTES)
                    .sorted()
                    .toList();
        }
    }

    /** Stored files, as a whole and behind their MACs. */
    private void addObjects() throws IOException {
        byte[] config = Files.readAllBytes(store.folder().resolve("CONFIG"));
        targets.add(new Target("CONFIG", List.of(config), this::config));
        List<byte[]> states = new ArrayList<>();
        List<byte[]> streams = new ArrayList<>();
        Path stateFile = files("states").getFirst();
        for (Path file : files("states")) {
            states.add(Files.readAllBytes(file));
            Envelope envelope = Envelope.open(MemorySegment.ofArray(states.getLast()), ResourceType.STATE, hasher, "x");
            streams.add(codec.decode(envelope.payload(), 1 << 24).toArray(ValueLayout.JAVA_BYTE));
        }
        targets.add(new Target("envelopes", states, input -> {
            Envelope envelope = Envelope.open(MemorySegment.ofArray(input), ResourceType.STATE, hasher, "x");
            codec.decode(envelope.payload(), 1 << 24);
        }));
        targets.add(new Target("states", streams, input -> {
            int version = ResourceType.currentVersion(ResourceType.STATE) - (input.length % 2 << 8);
            StateStream.read(MemorySegment.ofArray(input), version, "x", new StateStream.Visitor() {});
        }));
        byte[] good = Files.readAllBytes(stateFile);
        targets.add(new Target("stores with a forged state", streams, input -> {
            replaced(stateFile, good, wrapped(ResourceType.STATE, input), this::wholeStore);
        }));
        Path packfile = files("packfiles").getFirst();
        byte[] packed = Files.readAllBytes(packfile);
        targets.add(new Target("packfile footers and indexes", List.of(tail(packfile)), input -> {
            byte[] forged = withTail(packed, input);
            replaced(packfile, packed, forged, () -> {
                try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
                    PackfileRecords records = indexes.read(name(packfile), forged.length);
                    for (long record = 0; record < records.count(); record++) {
                        require(records.offset(record) + records.length(record) <= forged.length, "a blob outside");
                    }
                }
            });
        }));
        byte[] lock = new LockRecord(Instant.now(), "host", true).encode();
        targets.add(new Target(
                "locks",
                List.of(lock),
                input -> LockRecord.decode(MemorySegment.ofArray(input), "x").timestamp()));
        Path parity = files("parity").getFirst();
        byte[] parityBytes = Files.readAllBytes(parity);
        // Its two headers are what is parsed: what lies between them only fails its MACs.
        byte[] ends = Arrays.copyOf(parityBytes, 4096);
        targets.add(new Target("parity", List.of(ends), input -> {
            byte[] forged = parityBytes.clone();
            System.arraycopy(input, 0, forged, 0, Math.min(input.length, forged.length));
            Arrays.fill(forged, forged.length - 100, forged.length, (byte) input.length);
            replaced(parity, parityBytes, forged, () -> Heal.covered(repository, new Heals.Told(new ArrayList<>())));
        }));
        byte[] archived = Files.readAllBytes(archive);
        byte[] end = Arrays.copyOfRange(archived, Math.max(0, archived.length - 2048), archived.length);
        targets.add(new Target(".ptar", List.of(end), input -> {
            byte[] forged = Arrays.copyOf(archived, archived.length - end.length + input.length);
            System.arraycopy(input, 0, forged, archived.length - end.length, input.length);
            replaced(archive, archived, forged, this::wholeArchive);
        }));
    }

    /** What is in blobs. */
    private void addRecords() {
        Map<Integer, List<byte[]>> blobs = new HashMap<>();
        try (BlobReader reader = repository.newReader()) {
            repository.index().forEach((type, mac, holder, offset, length) -> {
                List<byte[]> known = blobs.computeIfAbsent(type, key -> new ArrayList<>());
                if (type != ResourceType.RANDOM && known.size() < SEEDS_OF_A_TYPE) {
                    known.add(reader.read(type, mac).toArray(ValueLayout.JAVA_BYTE));
                }
            });
        }
        List<byte[]> all = new ArrayList<>();
        blobs.forEach((type, known) -> all.addAll(type == ResourceType.CHUNK ? List.of() : known));
        targets.add(new Target("MessagePack", all, input -> reader(input).skip()));
        add("entries", blobs.get(ResourceType.VFS_ENTRY), input -> {
            Entry entry = Entry.decode(reader(input));
            require(entry.path().length > 0 && entry.object().equals(Entry.decodeObject(reader(input))), "an entry");
        });
        add(
                "objects",
                blobs.get(ResourceType.OBJECT),
                input -> require(ObjectRecord.decode(reader(input)).size() >= 0, "a negative size"));
        add("VFS nodes", blobs.get(ResourceType.VFS_NODE), input -> TreeNode.decode(reader(input)));
        add("nodes of indexes", blobs.get(ResourceType.BTREE_NODE), input -> TreeNode.decode(reader(input)));
        add("tree roots", blobs.get(ResourceType.VFS_BTREE), input -> TreeNode.Root.decode(reader(input)));
        add("summaries", blobs.get(ResourceType.VFS_SUMMARY), input -> Summary.decode(reader(input)));
        add("snapshot headers", blobs.get(ResourceType.SNAPSHOT), input -> SnapshotHeader.decode(reader(input)));
        add("attributes and errors", all, input -> {
            if (input.length % 2 == 0) {
                XattrItem.decode(reader(input));
            } else {
                ErrorItem.decode(reader(input));
            }
        });
    }

    private void add(String name, List<byte[]> seeds, Parser parser) {
        targets.add(new Target(name, Objects.requireNonNull(seeds, name), parser));
    }

    private static MsgpackReader reader(byte[] input) {
        return new MsgpackReader(MemorySegment.ofArray(input), "x");
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static Mac name(Path file) {
        return Mac.parse(file.getFileName().toString());
    }

    private byte[] wrapped(int type, byte[] plain) {
        return Envelope.wrap(type, MemorySegment.ofArray(encoded(plain)), hasher, Arena.ofAuto())
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private byte[] encoded(byte[] plain) {
        byte[] out = new byte[(int) codec.prepare(MemorySegment.ofArray(plain))];
        codec.writeTo(MemorySegment.ofArray(out));
        return out;
    }

    /** The plain index of a packfile, and behind it its plain footer. */
    private byte[] tail(Path packfile) throws IOException {
        byte[] packed = Files.readAllBytes(packfile);
        long footerEnd = (long) packed.length - Mac.BYTES - PackfileLayout.FOOTER_LENGTH_BYTES;
        int footerBytes = MemorySegment.ofArray(packed).get(U32, footerEnd);
        MemorySegment footer = codec.decode(
                MemorySegment.ofArray(packed).asSlice(footerEnd - footerBytes, footerBytes),
                PackfileLayout.FOOTER_BYTES);
        byte[] plainFooter = footer.toArray(ValueLayout.JAVA_BYTE);
        try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
            byte[] index = indexes.read(name(packfile), packed.length).segment().toArray(ValueLayout.JAVA_BYTE);
            byte[] both = Arrays.copyOf(index, index.length + plainFooter.length);
            System.arraycopy(plainFooter, 0, both, index.length, plainFooter.length);
            return both;
        }
    }

    /** A packfile with another index and footer, whose MACs are right three times of four. */
    private byte[] withTail(byte[] packed, byte[] tail) {
        int footerAt = Math.max(0, tail.length - PackfileLayout.FOOTER_BYTES);
        byte[] index = Arrays.copyOf(tail, footerAt);
        byte[] footer = Arrays.copyOfRange(tail, footerAt, tail.length);
        MemorySegment plainFooter = MemorySegment.ofArray(footer);
        if (footer.length == PackfileLayout.FOOTER_BYTES && (Arrays.hashCode(tail) & 3) != 0) {
            hasher.mac(MemorySegment.ofArray(index)).write(plainFooter, footer.length - Mac.BYTES - 4);
        }
        byte[] encodedIndex = encoded(index);
        byte[] encodedFooter = encoded(footer);
        long indexAt = Envelope.HEADER_BYTES;
        if (footer.length == PackfileLayout.FOOTER_BYTES) {
            indexAt += Math.clamp(PackfileLayout.footerIndexOffset(plainFooter), 0L, packed.length);
        }
        byte[] forged =
                Arrays.copyOf(packed, (int) indexAt + encodedIndex.length + encodedFooter.length + 4 + Mac.BYTES);
        System.arraycopy(encodedIndex, 0, forged, (int) indexAt, encodedIndex.length);
        System.arraycopy(encodedFooter, 0, forged, (int) indexAt + encodedIndex.length, encodedFooter.length);
        MemorySegment.ofArray(forged).set(U32, forged.length - Mac.BYTES - 4L, encodedFooter.length);
        return forged;
    }

    @FunctionalInterface
    private interface Use {
        void use() throws IOException;
    }

    private static void replaced(Path file, byte[] good, byte[] forged, Use use) throws IOException {
        Files.write(file, forged);
        try {
            use.use();
        } finally {
            Files.write(file, good);
        }
    }

    private void config(byte[] input) {
        StoreConfig config = StoreConfig.parse(MemorySegment.ofArray(input));
        require(config.equals(StoreConfig.decode(MemorySegment.ofArray(config.encode()))), "CONFIG written otherwise");
    }

    private void wholeStore() throws IOException {
        TestedStore.Verdict verdict = store.check();
        for (Mac snapshot : verdict.snapshots()) {
            store.restore(snapshot);
        }
    }

    private void wholeArchive() throws IOException {
        Location location = Location.parse(archive.toString());
        Storage storage = Objects.requireNonNull(StorageFactory.find(location)).open(location);
        try (Repository opened = Repository.open(storage, () -> new byte[0], "torture")) {
            TestedStore.check(opened);
            for (Mac name : opened.storage().list(ObjectKind.PACKFILE)) {
                opened.storage().size(ObjectKind.PACKFILE, name);
            }
        }
    }

    /** Nodes that point at each other at random: a walk must come to an end. */
    private void tree(byte[] input) {
        Random drawn = new Random(Arrays.hashCode(input));
        int count = 1 + drawn.nextInt(8);
        Map<Mac, byte[]> nodes = new HashMap<>();
        for (int i = 0; i < count; i++) {
            List<byte[]> keys = new ArrayList<>();
            List<Mac> pointers = new ArrayList<>();
            List<Mac> values = new ArrayList<>();
            for (int key = drawn.nextInt(4); key > 0; key--) {
                keys.add(("/" + drawn.nextInt(20)).getBytes(java.nio.charset.StandardCharsets.UTF_8));
                values.add(new Mac(1, 2, 3, key));
            }
            if (drawn.nextBoolean()) {
                values.clear();
                for (int pointer = 0; pointer <= keys.size(); pointer++) {
                    pointers.add(new Mac(0, 0, 1, drawn.nextInt(count)));
                }
            }
            Mac next = drawn.nextInt(3) == 0 ? Mac.ZERO : new Mac(0, 0, 1, drawn.nextInt(count));
            MsgpackWriter out = new MsgpackWriter();
            new TreeNode(keys, pointers, values, next).encode(out);
            nodes.put(new Mac(0, 0, 1, i), out.written().toArray(ValueLayout.JAVA_BYTE));
        }
        MsgpackWriter out = new MsgpackWriter();
        new TreeNode.Root(TreeNode.ORDER, new Mac(0, 0, 1, 0)).encode(out);
        nodes.put(new Mac(9, 9, 9, 9), out.written().toArray(ValueLayout.JAVA_BYTE));
        TreeKind kind = TREE_KINDS.get(drawn.nextInt(TREE_KINDS.size()));
        TreeReader reader = new TreeReader(
                kind,
                (type, mac) -> MemorySegment.ofArray(Objects.requireNonNull(nodes.get(mac))),
                new Mac(9, 9, 9, 9));
        switch (drawn.nextInt(4)) {
            case 0 -> reader.forEachNode((mac, node) -> {});
            case 1 -> reader.scan(new byte[0], (key, value) -> true);
            case 2 -> reader.scanUnordered((key, value) -> true);
            default -> {
                TreeReader.Cursor cursor = reader.cursor();
                while (cursor.next()) {
                    require(cursor.key() != null, "a key");
                }
            }
        }
    }

    /** Goes on for a time; what was tried of each is counted. */
    void run(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long round = 0; System.nanoTime() < end; round++) {
            for (Target target : targets) {
                boolean isWhole = target.name.startsWith("stores") || target.name.startsWith(".ptar");
                if (!isWhole || round % WHOLE_STORE_EVERY == 0) {
                    once(target);
                }
            }
        }
        tally.count("seconds of hostile inputs", time.toSeconds());
        codec.close();
        repository.close();
    }

    private void once(Target target) {
        byte[] input = mutate(target.seeds);
        long begun = System.nanoTime();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        try {
            target.parser.parse(input);
            tally.count(target.name + ": taken");
        } catch (IOException | RuntimeException | Error e) {
            if (TestedStore.isExplained(e) && e.getMessage() != null) {
                tally.count(target.name + ": refused");
            } else {
                tally.failed(target.name + ": " + e + " for "
                        + HexFormat.of().formatHex(input, 0, Math.min(4000, input.length)));
                e.printStackTrace();
            }
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        long millis = (System.nanoTime() - begun) / 1_000_000;
        if (allocated > MAX_ALLOCATED_BYTES || millis > MAX_MILLIS) {
            tally.failed(target.name + ": " + allocated + " bytes and " + millis + " ms for "
                    + HexFormat.of().formatHex(input, 0, Math.min(4000, input.length)));
        }
    }

    private byte[] mutate(List<byte[]> seeds) {
        byte[] mutant = seeds.get(random.nextInt(seeds.size())).clone();
        for (int i = random.nextInt(3); i >= 0 && mutant.length > 0; i--) {
            int at = random.nextInt(mutant.length);
            switch (random.nextInt(8)) {
                case 0 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutant[at] = (byte) random.nextInt();
                case 2 -> mutant = Arrays.copyOf(mutant, at);
                case 3 -> mutant = Arrays.copyOf(mutant, mutant.length + random.nextInt(40));
                case 4 -> mutant[at] = ANNOUNCE_MUCH[random.nextInt(ANNOUNCE_MUCH.length)];
                case 5 -> { // something falls out
                    int bytes = Math.min(1 + random.nextInt(12), mutant.length - at);
                    System.arraycopy(mutant, at + bytes, mutant, at, mutant.length - at - bytes);
                    mutant = Arrays.copyOf(mutant, mutant.length - bytes);
                }
                case 6 -> { // a part of another one
                    byte[] other = seeds.get(random.nextInt(seeds.size()));
                    int bytes = Math.min(mutant.length - at, random.nextInt(1 + Math.min(200, other.length)));
                    System.arraycopy(other, random.nextInt(1 + other.length - bytes), mutant, at, bytes);
                }
                default -> {
                    int word = WORDS[random.nextInt(WORDS.length)];
                    boolean isBig = random.nextBoolean();
                    for (int b = 0; b < 4 && at + b < mutant.length; b++) {
                        mutant[at + b] = (byte) (word >>> 8 * (isBig ? 3 - b : b));
                    }
                }
            }
        }
        return mutant;
    }
}
