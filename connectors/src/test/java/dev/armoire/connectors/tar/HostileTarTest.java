// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Location;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tar files that are odd, made to harm, or damaged. */
final class HostileTarTest {
    @TempDir
    Path folder;

    private final Map<String, String> found = new TreeMap<>();
    private final List<String> errors = new ArrayList<>();

    private interface Making {
        void make(TarArchiveOutputStream tar) throws IOException;
    }

    private static byte[] tar(Making making) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out, ISO_8859_1.name())) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
            making.make(tar);
        }
        return out.toByteArray();
    }

    private static void file(TarArchiveOutputStream tar, String name, String content) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_NORMAL, true);
        entry.setSize(content.length());
        tar.putArchiveEntry(entry);
        tar.write(content.getBytes(UTF_8));
        tar.closeArchiveEntry();
    }

    private static void link(TarArchiveOutputStream tar, byte type, String name, String target) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
        entry.setLinkName(target);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private void scan(byte[] archive) throws IOException {
        Path file = Files.write(folder.resolve("x.tar"), archive);
        ImportOptions options = new ImportOptions((path, isDirectory) -> false, true, Map.of(), List.of());
        found.clear();
        errors.clear();
        try (var importer = new TarImporterFactory().open(Location.parse("tar:" + file), options)) {
            importer.scan(new ImportSink() {
                @Override
                public void record(ImportRecord record) {
                    found.put(new String(record.path(), ISO_8859_1), describe(record));
                }

                @Override
                public void error(byte[] path, String message) {
                    errors.add(new String(path, ISO_8859_1) + ": " + message);
                }

                @Override
                public boolean isStopped() {
                    return false;
                }
            });
        }
    }

    private static String describe(ImportRecord record) {
        int mode = record.info().mode();
        if (FileMode.isDirectory(mode)) {
            return "folder";
        } else if (FileMode.isSymlink(mode)) {
            return "-> " + new String(record.linkTarget(), ISO_8859_1);
        }
        byte[] content = new byte[(int) record.info().size() + 1];
        try (var open = record.open()) {
            int count = (int) open.read(MemorySegment.ofArray(content));
            return record.info().nlink() + " " + new String(content, 0, count, ISO_8859_1);
        } catch (IOException e) {
            return "unreadable: " + e.getMessage();
        }
    }

    @Test
    void namesThatLeadOutAreLeftOutAndTold() throws IOException {
        scan(tar(tar -> {
            file(tar, "../../etc/passwd", "bad");
            file(tar, "a/../../b", "bad");
            file(tar, "/absolute", "taken from the root on");
            file(tar, "./x/./y//z", "cleaned");
            file(tar, "..almost/...", "fine");
        }));

        assertThat(found)
                .isEqualTo(new TreeMap<>(Map.of(
                        "/", "folder",
                        "/absolute", "1 taken from the root on",
                        "/x", "folder",
                        "/x/y", "folder",
                        "/x/y/z", "1 cleaned",
                        "/..almost", "folder",
                        "/..almost/...", "1 fine")));
        assertThat(errors)
                .containsExactly(
                        "/etc/passwd: left out: there is a .. in its name", "/b: left out: there is a .. in its name");
    }

    @Test
    void whatLiesBehindALinkOrAFileIsLeftOut() throws IOException {
        scan(tar(tar -> {
            link(tar, TarConstants.LF_SYMLINK, "etc", "/etc");
            file(tar, "etc/passwd", "bad");
            file(tar, "f", "file");
            file(tar, "f/g/h", "bad");
        }));

        assertThat(found).isEqualTo(new TreeMap<>(Map.of("/", "folder", "/etc", "-> /etc", "/f", "1 file")));
        assertThat(errors)
                .containsExactly(
                        "/etc/passwd: left out: it lies below /etc, which is no folder in the archive",
                        "/f/g/h: left out: it lies below /f, which is no folder in the archive");
    }

    @Test
    void ofItemsWithOneNameTheLastCounts() throws IOException {
        scan(tar(tar -> {
            file(tar, "a", "first");
            link(tar, TarConstants.LF_LINK, "old", "a");
            file(tar, "./a", "second");
            link(tar, TarConstants.LF_LINK, "new", "a");
        }));

        assertThat(errors).isEmpty();
        assertThat(found)
                .isEqualTo(
                        new TreeMap<>(Map.of("/", "folder", "/a", "2 second", "/new", "2 second", "/old", "1 first")));
    }

    @Test
    void hardLinksToNothingAreLeftOut() throws IOException {
        scan(tar(tar -> {
            link(tar, TarConstants.LF_LINK, "a", "later");
            file(tar, "later", "x");
            link(tar, TarConstants.LF_LINK, "b", "b");
            tar.putArchiveEntry(new TarArchiveEntry("dir/"));
            tar.closeArchiveEntry();
            link(tar, TarConstants.LF_LINK, "c", "dir");
        }));

        assertThat(found.keySet()).containsExactly("/", "/dir", "/later");
        assertThat(errors)
                .containsExactly(
                        "/a: left out: a hard link to later, which is not before it",
                        "/b: left out: a hard link to b, which is not before it",
                        "/c: left out: a hard link to dir, which is a folder");
    }

    @Test
    void namesOfAnyBytesAndLengthStayAsTheyAre() throws IOException {
        String latin = "latin1-\u00e9\u00ff";
        String longName = "d".repeat(90) + "/" + "n".repeat(255) + "\u0080";
        scan(tar(tar -> {
            file(tar, latin, "1");
            file(tar, longName, "2");
            link(tar, TarConstants.LF_SYMLINK, "s", longName);
        }));

        assertThat(errors).isEmpty();
        assertThat(found)
                .containsEntry("/" + latin, "1 1")
                .containsEntry("/" + longName, "1 2")
                .containsEntry("/s", "-> " + longName);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereverItIsCutOffNothingIsTaken(boolean isCompressed) throws IOException {
        byte[] whole = tar(tar -> {
            file(tar, "a", "x".repeat(1000));
            file(tar, "b", "y".repeat(1000));
        });
        for (int length = 1; length < whole.length; length += 61) {
            byte[] cut = Arrays.copyOf(whole, length);
            boolean isBoundary = length >= 3072; // nothing but the mark at the end is missing, or a part of it
            if (isCompressed) {
                byte[] packed = gzip(whole);
                cut = Arrays.copyOf(packed, Math.max(1, packed.length * length / whole.length));
                isBoundary = false;
            }
            byte[] archive = cut;
            try {
                scan(archive);
                assertThat(isBoundary).as("cut off after " + length).isTrue();
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("x.tar: ");
                assertThat(found).isEmpty();
            }
        }
    }

    @Test
    void withoutAMarkAtItsEndItMayBeCutOff() throws IOException {
        byte[] whole = tar(tar -> file(tar, "a", "x"));

        scan(Arrays.copyOf(whole, 1024));

        assertThat(found).containsEntry("/a", "1 x");
        assertThat(errors).hasSize(1).first().asString().endsWith("x.tar has no mark at its end: it may be cut off");
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void whatIsNoTarFileIsToldSo() {
        byte[] noise = new byte[4096];
        new Random(1).nextBytes(noise);
        noise[0] = 1;
        assertThatThrownBy(() -> scan(noise)).hasMessageContaining("it is no tar file");
        assertThatThrownBy(() -> scan(new byte[0])).hasMessageContaining("it is no tar file");
        assertThatThrownBy(() -> scan(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 1, 2, 3, 4}))
                .hasMessageContaining("compressed with zstd");
    }

    @Test
    void damagedBytesGiveErrorsAndNothingElse() throws IOException {
        byte[] whole = tar(tar -> {
            file(tar, "n".repeat(120), "x".repeat(700));
            link(tar, TarConstants.LF_LINK, "h", "n".repeat(120));
            TarArchiveEntry pax = new TarArchiveEntry("pax", TarConstants.LF_PAX_EXTENDED_HEADER_LC);
            byte[] records =
                    "28 SCHILY.xattr.user.a=12345\n22 GNU.sparse.major=1\n26 mtime=1700000000.123456\n".getBytes(UTF_8);
            pax.setSize(records.length);
            tar.putArchiveEntry(pax);
            tar.write(records);
            tar.closeArchiveEntry();
            file(tar, "s", "1\n0\n3\n" + "\0".repeat(506) + "abc");
        });
        Random random = new Random(7);
        for (int i = 0; i < 3000; i++) {
            byte[] damaged = whole.clone();
            for (int flips = 0; flips <= random.nextInt(3); flips++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            if (i % 2 == 0) {
                fixChecksums(damaged);
            }
            try {
                scan(damaged);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("x.tar: ");
            }
        }
    }

    /** So that damage in a header gets further than its checksum. */
    private static void fixChecksums(byte[] archive) {
        for (int at = 0; at + 512 <= archive.length; at += 512) {
            if (archive[at + 257] == 'u' && archive[at + 258] == 's') {
                Arrays.fill(archive, at + 148, at + 156, (byte) ' ');
                int sum = 0;
                for (int i = at; i < at + 512; i++) {
                    sum += archive[i] & 0xff;
                }
                byte[] text = "%06o\0 ".formatted(sum).getBytes(ISO_8859_1);
                System.arraycopy(text, 0, archive, at + 148, text.length);
            }
        }
    }
}
