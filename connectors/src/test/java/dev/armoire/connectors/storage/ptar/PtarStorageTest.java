// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageReadContract;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PtarStorageTest extends StorageReadContract {
    private static final Mac STATE = Mac.parse("0f0e0d0c0b0a0908070605040302010000000000000000000000000000000000");
    private static final Mac PACKFILE = Mac.parse("000102030405060708090a0b0c0d0e0f00000000000000000000000000000000");

    @TempDir
    Path folder;

    private final byte[] config = bytes(1, 400);
    private final byte[] packfile = bytes(2, 100_003);
    private final byte[] state = bytes(3, 777);

    @Override
    protected Held held() throws IOException {
        Path file = Files.write(folder.resolve("a.ptar"), archive());
        return new Held(new PtarStorageFactory().open(location(file)), config, mac(1), packfile, STATE, state);
    }

    private static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static Location location(Path file) {
        return Location.parse(file.toString());
    }

    private byte[] archive() {
        ByteBuffer archive = ByteBuffer.allocate(12 + config.length + packfile.length + state.length + 48)
                .order(ByteOrder.LITTLE_ENDIAN);
        archive.put("_PLATAR_".getBytes(US_ASCII)).putInt(0x00010000);
        archive.put(config).put(packfile).put(state);
        long at = 12;
        for (byte[] object : List.of(config, packfile, state)) {
            archive.putLong(at).putLong(object.length);
            at += object.length;
        }
        assertThat(archive.remaining()).isZero();
        return archive.array();
    }

    @Test
    void namesInListingsAreTheFixedOnes() throws IOException {
        assertThat(storage.list(ObjectKind.PACKFILE)).containsExactly(PACKFILE);
        assertThat(storage.list(ObjectKind.STATE)).containsExactly(STATE);
    }

    /** All three begin as an object of a store does, and nothing lies between them. */
    @Test
    void theObjectsOfAnArchiveByPlakarAreFound() throws IOException {
        Path file = Path.of("..", "testdata", "fixtures", "encrypted.ptar");
        byte[] head = "_KLOSET_".getBytes(US_ASCII);
        try (Storage opened = PtarStorage.open(file);
                Arena arena = Arena.ofConfined()) {
            byte[] foundConfig = opened.readConfig(arena).toArray(ValueLayout.JAVA_BYTE);
            byte[] foundPackfile = content(opened, ObjectKind.PACKFILE, PACKFILE);
            byte[] foundState = content(opened, ObjectKind.STATE, STATE);
            for (byte[] object : List.of(foundConfig, foundPackfile, foundState)) {
                assertThat(object).startsWith(head);
            }
            assertThat(12L + foundConfig.length + foundPackfile.length + foundState.length + 48)
                    .isEqualTo(Files.size(file));
        }
    }

    @Test
    void thePackfileAnswersToEveryName() throws IOException {
        for (Mac name : List.of(PACKFILE, Mac.ZERO, mac(77))) {
            assertThat(content(storage, ObjectKind.PACKFILE, name)).isEqualTo(packfile);
        }
    }

    @Test
    void readsStayInsideTheirObject() {
        assertThatThrownBy(() -> storage.read(
                        ObjectKind.PACKFILE, PACKFILE, packfile.length, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(EOFException.class);
        assertThatThrownBy(
                        () -> storage.read(ObjectKind.STATE, STATE, Long.MAX_VALUE, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(EOFException.class);
    }

    @Test
    void nothingIsWritten() throws IOException {
        byte[] before = Files.readAllBytes(folder.resolve("a.ptar"));
        assertThat(storage.isWritable()).isFalse();
        MemorySegment content = MemorySegment.ofArray(new byte[1]);
        for (ObjectKind kind : ObjectKind.values()) {
            assertThatThrownBy(() -> storage.write(kind, mac(1), List.of(content)))
                    .isInstanceOf(IOException.class)
                    .hasMessageEndingWith("a .ptar archive is read-only");
            assertThatThrownBy(() -> storage.delete(kind, STATE))
                    .isInstanceOf(IOException.class)
                    .hasMessageEndingWith("a .ptar archive is read-only");
        }
        assertThatThrownBy(() -> storage.refreshLock(mac(1), content))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("a .ptar archive is read-only");
        assertThatThrownBy(() -> new PtarStorageFactory().create(location(folder.resolve("b.ptar")), content))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not written by this command");
        assertThat(folder.resolve("a.ptar")).hasBinaryContent(before);
        assertThat(folder.toFile().list()).containsExactly("a.ptar");
    }

    @Test
    void theFactoryIsFoundByItsLocation() {
        for (String place : List.of("ptar:/srv/a", "ptar:///srv/a", "/srv/a.ptar", "fs:/srv/a.ptar")) {
            assertThat(ServiceLoader.load(StorageFactory.class).stream()
                            .map(ServiceLoader.Provider::get)
                            .filter(found -> found.accepts(Location.parse(place))))
                    .singleElement()
                    .isInstanceOf(PtarStorageFactory.class);
        }
        assertThat(storage.location()).isEqualTo("ptar://" + folder.resolve("a.ptar"));
    }

    @Test
    void whatIsNoArchiveIsToldAsSuch() throws IOException {
        assertThatThrownBy(() -> PtarStorage.open(folder.resolve("missing.ptar")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("missing.ptar: no such archive");
        assertThatThrownBy(() -> PtarStorage.open(folder))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("not a regular file");
        for (int length : new int[] {0, 7, 12, 59}) {
            assertDamaged(Arrays.copyOf(archive(), length), "has only " + length + " bytes");
        }
        byte[] foreign = archive();
        foreign[0] = 'X';
        assertDamaged(foreign, "does not begin with _PLATAR_");
    }

    @Test
    void anArchiveCutAnywhereIsRefused() throws IOException {
        byte[] whole = archive();
        Random random = new Random(4);
        for (int i = 0; i < 200; i++) {
            assertDamaged(Arrays.copyOf(whole, 60 + random.nextInt(whole.length - 60)), "b.ptar");
        }
        assertDamaged(Arrays.copyOf(whole, whole.length - 1), "b.ptar");
    }

    @Test
    void rangesOutsideTheFileAreRefused() throws IOException {
        int trailer = archive().length - 48;
        long[][] wrong = {
            {0, -1},
            {0, 11},
            {0, trailer + 1},
            {0, Long.MIN_VALUE},
            {0, Long.MAX_VALUE},
            {8, 0},
            {8, -1},
            {8, 32769},
            {8, Long.MAX_VALUE},
            {16, -5},
            {16, trailer + 1},
            {16, Long.MAX_VALUE},
            {24, -1},
            {24, trailer - 12 - 400 + 1},
            {24, Long.MAX_VALUE},
            {24, Long.MIN_VALUE},
            {32, 3},
            {32, trailer},
            {32, Long.MAX_VALUE},
            {40, 778},
            {40, -778},
            {40, Long.MAX_VALUE - 10}
        };
        for (long[] change : wrong) {
            byte[] archive = archive();
            ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN).putLong(trailer + (int) change[0], change[1]);
            assertDamaged(archive, "b.ptar");
        }
    }

    @Test
    void anyTrailerIsAcceptedOrRefusedButNeverReadOutside() throws IOException {
        Random random = new Random(5);
        int trailer = archive().length - 48;
        for (int i = 0; i < 300; i++) {
            byte[] archive = archive();
            archive[trailer + random.nextInt(48)] ^= (byte) (1 << random.nextInt(8));
            Path file = Files.write(folder.resolve("b.ptar"), archive);
            try (Storage opened = PtarStorage.open(file)) {
                content(opened, ObjectKind.PACKFILE, PACKFILE);
                content(opened, ObjectKind.STATE, STATE);
            } catch (CorruptDataException e) {
                assertThat(e).hasMessageContaining("b.ptar");
            }
        }
    }

    private void assertDamaged(byte[] archive, String message) throws IOException {
        Path file = Files.write(folder.resolve("b.ptar"), archive);
        assertThatThrownBy(() -> PtarStorage.open(file))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }

    @Test
    void aFileCutWhileOpenIsTold() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("a.ptar").toFile(), "rw")) {
            file.setLength(1000);
        }
        assertThatThrownBy(() -> content(storage, ObjectKind.STATE, STATE))
                .isInstanceOf(EOFException.class)
                .hasMessageContaining("cut to 1000 bytes");
    }

    @Test
    void anArchiveOfManyGibibytesReadsAtItsEnd() throws IOException {
        long packfileBytes = 6L << 30;
        Path file = folder.resolve("big.ptar");
        ByteBuffer trailer = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
        trailer.putLong(12).putLong(400);
        trailer.putLong(412).putLong(packfileBytes);
        trailer.putLong(412 + packfileBytes).putLong(state.length);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.write(archive(), 0, 412);
            sparse.seek(412 + packfileBytes - 2);
            sparse.write(new byte[] {8, 9});
            sparse.write(state);
            sparse.write(trailer.array());
        }
        try (Storage big = PtarStorage.open(file)) {
            assertThat(big.size(ObjectKind.PACKFILE, mac(1))).isEqualTo(packfileBytes);
            byte[] end = new byte[3];
            big.read(ObjectKind.PACKFILE, mac(1), packfileBytes - 3, MemorySegment.ofArray(end));
            assertThat(end).containsExactly(0, 8, 9);
            assertThat(content(big, ObjectKind.STATE, STATE)).isEqualTo(state);
        }
    }
}
