// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.fs.FsExporterFactory;
import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.exclude.ExcludeRules;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeBuilder;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Snapshots that no honest program makes, in a store whose keys the attacker has: every MAC is right. What can be restored
 * safely is restored, the rest is named, and nothing appears outside the target.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HostileSnapshotTest {
    @TempDir
    Path temporary;

    private Path target;
    private Path outside;
    private Repository repository;

    @BeforeEach
    void create() throws IOException {
        target = temporary.resolve("inner").resolve("target");
        outside = Files.createDirectories(temporary.resolve("inner").resolve("outside"));
        repository = TestStores.open(TestStores.create(temporary.resolve("store")));
    }

    @AfterEach
    void close() {
        repository.close();
    }

    /** Makes a snapshot of whatever listings and entries it is told. */
    private final class Forger {
        private final PendingState state =
                repository.newPendingState(repository.random().nextMac());
        private final PackWriter packs = repository.newPackWriter(state);
        private final BlobCodec codec = repository.newCodec();
        private final MacHasher hasher = repository.keys().newMacHasher();
        private final MsgpackWriter writer = new MsgpackWriter();
        private final Set<String> stored = new HashSet<>();
        private final Map<byte[], Mac> listings = new TreeMap<>(SnapshotPath::compareBytes);
        private final Map<byte[], Mac> vfs = new TreeMap<>(SnapshotPath::compareDepth);
        private boolean hasListings = true;

        private Mac put(int type, MemorySegment plain) {
            Mac mac = hasher.mac(plain);
            if (stored.add(type + " " + mac)) {
                packs.put(PackWriter.Lane.METADATA, type, mac, codec, codec.prepare(plain));
            }
            return mac;
        }

        ObjectRecord.Chunk chunk(String data) {
            byte[] bytes = data.getBytes(StandardCharsets.UTF_8);
            return new ObjectRecord.Chunk(put(ResourceType.CHUNK, MemorySegment.ofArray(bytes)), bytes.length, 0);
        }

        /** The object of a content that is one chunk. */
        Mac single(ObjectRecord.Chunk chunk) {
            writer.reset();
            new ObjectRecord(chunk.mac(), List.of(chunk), "text/plain", 0).encode(writer);
            return put(ResourceType.OBJECT, writer.written());
        }

        Mac object(ObjectRecord.Chunk... chunks) {
            writer.reset();
            new ObjectRecord(Mac.ZERO, List.of(chunks), "text/plain", 0).encode(writer);
            return put(ResourceType.OBJECT, writer.written());
        }

        Entry file(String parent, String name, long size, Mac object) {
            return entry(parent, name, new FileInfo(size, 0644, 1, 0, 1, 0, 0, 0, 1, "", "", 0), "", object);
        }

        Entry file(String parent, String name, String content) {
            return file(parent, name, content.length(), object(chunk(content)));
        }

        Entry directory(String parent, String name) {
            FileInfo info = new FileInfo(0, FileMode.DIRECTORY | 0755, 1, 0, 1, 0, 0, 0, 1, "", "", 0);
            return entry(parent, name, info, "", Mac.ZERO);
        }

        Entry link(String parent, String name, String to) {
            FileInfo info = new FileInfo(1, FileMode.SYMLINK | 0777, 1, 0, 1, 0, 0, 0, 1, "", "", 0);
            return entry(parent, name, info, to, Mac.ZERO);
        }

        private Entry entry(String parent, String name, FileInfo info, String to, Mac object) {
            return new Entry(
                    SnapshotPath.of(parent),
                    SnapshotPath.of(name),
                    info,
                    SnapshotPath.of(to),
                    object,
                    FileMode.isDirectory(info.mode()) ? "" : "text/plain",
                    0,
                    object.isZero() ? 0 : 1,
                    List.of(),
                    null);
        }

        private Mac store(Entry entry) {
            writer.reset();
            entry.encode(writer);
            return put(ResourceType.VFS_ENTRY, writer.written());
        }

        /** The listing of a directory; the entries also go into the tree, under the paths they claim. */
        void list(String directory, Entry... entries) {
            ByteArrayOutputStream frames = new ByteArrayOutputStream();
            for (Entry entry : entries) {
                Mac mac = store(entry);
                vfs.put(SnapshotPath.child(SnapshotPath.of(directory), entry.name()), mac);
                writer.reset();
                entry.encode(writer);
                byte[] frame = new byte[(int) writer.written().byteSize() + Dirpack.FRAME_OVERHEAD];
                Dirpack.writeFrame(MemorySegment.ofArray(frame), 0, entry.isDirectory(), writer.written(), mac);
                frames.writeBytes(frame);
            }
            listing(directory, frames.toByteArray());
        }

        void listing(String directory, byte[] content) {
            Mac chunk = put(ResourceType.CHUNK, MemorySegment.ofArray(content));
            listings.put(SnapshotPath.of(directory), object(new ObjectRecord.Chunk(chunk, content.length, 0)));
        }

        private Mac tree(TreeKind kind, Map<byte[], Mac> pairs) {
            MsgpackWriter scratch = new MsgpackWriter();
            TreeBuilder builder = new TreeBuilder(kind, this::put, scratch);
            List<byte[]> keys = new ArrayList<>(pairs.keySet());
            for (byte[] key : keys.reversed()) {
                builder.add(key, pairs.get(key));
            }
            return builder.finish();
        }

        Mac finish() throws IOException {
            vfs.put(SnapshotPath.ROOT, store(directory("/", "/")));
            List<SnapshotHeader.Index> indexes = new ArrayList<>();
            indexes.add(new SnapshotHeader.Index("content-type", tree(TreeKind.INDEX, Map.of())));
            if (hasListings) {
                indexes.add(new SnapshotHeader.Index("dirpack", tree(TreeKind.INDEX, listings)));
            }
            Mac id = repository.random().nextMac();
            SnapshotHeader.Source source = new SnapshotHeader.Source(
                    "fs",
                    "h",
                    SnapshotPath.ROOT,
                    List.of(),
                    tree(TreeKind.VFS, vfs),
                    tree(TreeKind.XATTRS, Map.of()),
                    tree(TreeKind.ERRORS, Map.of()),
                    indexes,
                    new Summary());
            writer.reset();
            new SnapshotHeader(
                            id,
                            Instant.EPOCH,
                            0,
                            "",
                            "",
                            "",
                            "",
                            "",
                            "",
                            List.of(),
                            List.of(),
                            List.of(),
                            List.of(source))
                    .encode(writer);
            packs.put(PackWriter.Lane.METADATA, ResourceType.SNAPSHOT, id, codec, codec.prepare(writer.written()));
            packs.flush();
            state.commit();
            packs.close();
            state.close();
            codec.close();
            return id;
        }
    }

    private TestStores.Losses restore(Mac id) throws IOException {
        TestStores.Losses losses = new TestStores.Losses();
        try (Exporter exporter =
                new FsExporterFactory().open(Location.parse(target.toString()), false, Map.of(), losses::lost)) {
            Restore.run(repository, id, SnapshotPath.ROOT, exporter, losses, 2);
        }
        assertNothingOutside();
        return losses;
    }

    private void assertNothingOutside() throws IOException {
        try (Stream<Path> around = Files.walk(temporary.resolve("inner"))) {
            assertThat(around.filter(path -> !path.startsWith(target)))
                    .containsExactlyInAnyOrder(temporary.resolve("inner"), outside);
        }
        try (Stream<Path> above = Files.list(temporary)) {
            assertThat(above.map(path -> path.getFileName().toString())).containsExactlyInAnyOrder("inner", "store");
        }
    }

    private List<String> restored() throws IOException {
        try (Stream<Path> found = Files.walk(target)) {
            return found.filter(path -> !path.equals(target))
                    .map(path -> target.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "", "a/b", "../evil", "/", "/tmp/evil", "x\0y"})
    void namesThatLeadAstray(String name) throws IOException {
        for (boolean hasListings : new boolean[] {true, false}) {
            Forger forger = new Forger();
            forger.hasListings = hasListings;
            forger.list(
                    "/",
                    forger.file("/", "before", "before"),
                    forger.file("/", name, "evil"),
                    forger.directory("/", "d"));
            forger.list("/d", forger.directory("/d", name), forger.file("/d", "inside", "inside"));
            TestStores.Losses losses = restore(forger.finish());
            if (hasListings) {
                assertThat(losses.all).isNotEmpty();
            }
            assertThat(restored())
                    .allMatch(path -> List.of("before", "d", "d/inside").contains(path));
        }
    }

    @Test
    void entriesOfElsewhere() throws IOException {
        Forger forger = new Forger();
        forger.list("/", forger.directory("/", "d"), forger.file("/", "a", "a"));
        forger.list("/d", forger.file("/../../outside", "evil", "evil"));
        TestStores.Losses losses = restore(forger.finish());
        // The listing is refused, and so is the entry that the tree has in its place.
        assertThat(losses.all)
                .satisfiesExactly(
                        listing -> assertThat(listing).contains("elsewhere"),
                        entry -> assertThat(entry).contains("names another path"));
        assertThat(restored()).containsExactly("a", "d");
    }

    /** A link to the outside, and a directory of the same name with a file in it. */
    @Test
    void throughALink() throws IOException {
        for (String to : new String[] {"../outside", outside.toString(), "."}) {
            Forger forger = new Forger();
            forger.list("/", forger.link("/", "link", to), forger.directory("/", "link"), forger.link("/", "z", to));
            forger.list("/link", forger.file("/link", "evil", "evil"), forger.directory("/link", "sub"));
            forger.list("/link/sub", forger.file("/link/sub", "evil", "evil"));
            restore(forger.finish());
        }
        try (Stream<Path> found = Files.list(outside)) {
            assertThat(found).isEmpty();
        }
    }

    /** Of which one lies, each time: then the others are still found well. */
    @ParameterizedTest
    @ValueSource(longs = {0, 4, 6, 0xFFFF_FFFFL})
    void aCheckFindsTheObjectThatLiesAboutItsOnlyChunk(long length) throws IOException {
        Forger forger = new Forger();
        ObjectRecord.Chunk chunk = forger.chunk("hello");
        Mac lie = forger.single(new ObjectRecord.Chunk(chunk.mac(), length, 0));
        forger.list(
                "/",
                forger.file("/", "a-good", 5, forger.single(chunk)),
                forger.file("/", "b-lie", length, lie),
                forger.file("/", "c-good", 4, forger.single(forger.chunk("more"))));
        Mac id = forger.finish();
        repository.refresh();
        SnapshotHeader header;
        try (BlobReader reader = repository.newReader()) {
            header = Snapshot.header(reader, id);
        }
        for (boolean store : new boolean[] {true, false}) {
            Map<String, String> failed = new TreeMap<>();
            Check.run(
                    repository,
                    new CheckRequest(List.of(new Target(header, SnapshotPath.ROOT)), false, store, 2),
                    new CheckEvents() {
                        @Override
                        public void done(Mac snapshot, byte[] path) {}

                        @Override
                        public synchronized void failed(Mac snapshot, byte[] path, String reason) {
                            failed.put(SnapshotPath.display(path), reason);
                        }

                        @Override
                        public void storeProblem(String object, String reason) {}

                        @Override
                        public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {}

                        @Override
                        public void notice(String text) {}
                    });
            assertThat(failed.keySet()).filteredOn(path -> !path.equals("/")).containsExactly("/b-lie");
            assertThat(failed.get("/b-lie")).contains("5 bytes", "its object says " + length);
        }
    }

    @Test
    void sizesThatLie() throws IOException {
        Forger forger = new Forger();
        ObjectRecord.Chunk chunk = forger.chunk("hello");
        Mac honest = forger.object(chunk);
        Mac longer = forger.object(new ObjectRecord.Chunk(chunk.mac(), 0xFFFF_FFFFL, 0));
        Mac shorter = forger.object(new ObjectRecord.Chunk(chunk.mac(), 2, 0));
        Mac missing = forger.object(chunk, new ObjectRecord.Chunk(new Mac(1, 2, 3, 4), 10, 0));
        forger.list(
                "/",
                forger.file("/", "a-good", 5, honest),
                forger.file("/", "b-more", 1L << 60, honest),
                forger.file("/", "c-less", 1, honest),
                forger.file("/", "d-negative", -5, honest),
                forger.file("/", "e-long", 0xFFFF_FFFFL, longer),
                forger.file("/", "f-short", 2, shorter),
                forger.file("/", "g-missing", 15, missing),
                forger.file("/", "h-nothing", 0, Mac.ZERO),
                forger.file("/", "i-good", 5, honest));
        TestStores.Losses losses = restore(forger.finish());
        assertThat(losses.all).hasSize(7).allMatch(text -> text.matches("/[b-h]-.*"));
        assertThat(restored()).containsExactly("a-good", "i-good");
        assertThat(Files.readString(target.resolve("a-good"))).isEqualTo("hello");
    }

    @Test
    void listingsThatAreNone() throws IOException {
        Forger forger = new Forger();
        byte[] huge = {1, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x7f, 0, 0};
        byte[] cut = {2, 100, 0, 0, 0, 1, 2, 3};
        byte[] tiny = {2, 3, 0, 0, 0, 1, 2, 3};
        forger.list(
                "/",
                forger.directory("/", "cut"),
                forger.file("/", "good", "good"),
                forger.directory("/", "huge"),
                forger.directory("/", "none"),
                forger.directory("/", "tiny"));
        forger.listing("/huge", huge);
        forger.listing("/cut", cut);
        forger.listing("/tiny", tiny);
        TestStores.Losses losses = restore(forger.finish());
        assertThat(losses.all).hasSize(4);
        assertThat(restored()).containsExactly("cut", "good", "huge", "none", "tiny");
    }

    private RestoreResult makeAlike(Mac id, String path, TestStores.Losses losses) throws IOException {
        FsExporterFactory factory = new FsExporterFactory();
        Location place = Location.parse(target.toString());
        RestoreOptions options = new RestoreOptions(
                Overwrite.ALWAYS,
                true,
                List.of(),
                false,
                false,
                UnaryOperator.identity(),
                ExcludeRules.none(),
                null,
                2);
        try (Exporter exporter = factory.open(place, false, Map.of(), losses::lost);
                ExistingFiles existing = factory.look(place, Map.of())) {
            return Restore.run(repository, id, SnapshotPath.of(path), exporter, existing, options, losses);
        }
    }

    /** What a damaged snapshot does not have is no reason to delete anything. */
    @Test
    void nothingIsDeletedForADamagedSnapshot() throws IOException {
        Forger forger = new Forger();
        forger.list("/", forger.file("/", "a", "a"), forger.directory("/", "none"));
        Files.createDirectories(target.resolve("none"));
        Files.writeString(target.resolve("none/kept"), "x");
        Files.writeString(target.resolve("kept"), "x");
        RestoreResult result = makeAlike(forger.finish(), "/", new TestStores.Losses());
        assertThat(result.isDamaged()).isTrue();
        assertThat(result.deleted()).isZero();
        assertThat(restored()).containsExactly("a", "kept", "none", "none/kept");
    }

    /** What could not be read when the snapshot was made is not in it, and may be all that there is. */
    @Test
    void whatCouldNotBeReadIsNotDeleted() throws IOException {
        MemorySource source = new MemorySource("/s")
                .directory("/")
                .directory("/s")
                .file("/s/a", "a")
                .directory("/s/closed")
                .error("/s/closed", "open /s/closed: permission denied")
                .error("/s/unread", "open /s/unread: permission denied");
        Mac id = TestStores.backUp(temporary.resolve("store"), source).header().identifier();
        repository.refresh();
        Files.createDirectories(target.resolve("closed/deep"));
        Files.createDirectories(target.resolve("extra/deep"));
        Files.writeString(target.resolve("unread"), "x");
        Files.writeString(target.resolve("unread2"), "x");
        TestStores.Losses losses = new TestStores.Losses();
        assertThat(makeAlike(id, "/s", losses).deleted()).isEqualTo(3);
        assertThat(losses.all).isEmpty();
        assertThat(restored()).containsExactly("a", "closed", "closed/deep", "unread");
    }

    @Test
    void linksInACircleAreFollowedToTheirEnd() throws IOException {
        Forger forger = new Forger();
        forger.list("/", forger.link("/", "a", "b/x"), forger.link("/", "b", "a"), forger.link("/", "c", "c"));
        Mac id = forger.finish();
        try (BlobReader reader = repository.newReader()) {
            Snapshot snapshot = Snapshot.open(reader, id);
            assertThat(snapshot.follow(SnapshotPath.of("/a/y"))).isNull();
            assertThat(snapshot.follow(SnapshotPath.of("/c"))).isNull();
        }
        assertThat(restore(id).all).isEmpty();
        assertThat(Files.readSymbolicLink(target.resolve("c"))).isEqualTo(Path.of("c"));
    }

    /** A second directory of links that claims to be the first one's file: linking must not reach out either. */
    @Test
    void hardLinksAcrossWhatDidNotArrive() throws IOException {
        Forger forger = new Forger();
        FileInfo info = new FileInfo(5, 0644, 1, 0, 7, 9, 0, 0, 3, "", "", 0);
        Mac bad = forger.object(new ObjectRecord.Chunk(new Mac(5, 6, 7, 8), 5, 0));
        Mac good = forger.object(forger.chunk("hello"));
        forger.list(
                "/",
                forger.entry("/", "a", info, "", bad),
                forger.entry("/", "b", info, "", good),
                forger.entry("/", "c", info, "", good));
        TestStores.Losses losses = restore(forger.finish());
        assertThat(losses.all).singleElement().asString().startsWith("/a");
        assertThat(restored()).containsExactly("b", "c");
        assertThat(Files.readString(target.resolve("c"))).isEqualTo("hello");
    }

    @Test
    void attributesThatAreTooLong() throws IOException {
        Forger forger = new Forger();
        ObjectRecord.Chunk chunk = forger.chunk("v");
        Mac object = forger.object(new ObjectRecord.Chunk(chunk.mac(), 0xFFFF_FFFFL, 0));
        try (BlobReader reader = repository.newReader()) {
            forger.list("/");
            forger.finish();
            assertThatThrownBy(() -> dev.armoire.engine.snapshot.ObjectReader.bytes(reader, object, 1 << 20))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("at most");
        }
    }
}
