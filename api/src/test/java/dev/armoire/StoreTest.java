// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreTest {
    @TempDir
    private Path folder;

    private Store create() throws IOException {
        return Store.create(folder.resolve("store"), CreateOptions.unencrypted(), OpenOptions.defaults());
    }

    @Test
    void backsUpReadsAndRestores() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 1);
        Set<String> told = Collections.newSetFromMap(new ConcurrentHashMap<>());
        try (Store store = create()) {
            BackupReport first = store.backup(
                    source,
                    BackupOptions.defaults().withName("tree").withTags("a", "b").withListener(new ProgressListener() {
                        @Override
                        public void done(String path) {
                            told.add(path);
                        }
                    }));
            assertThat(first.isComplete()).isTrue();
            assertThat(first.snapshot().tags()).containsExactly("a", "b");
            assertThat(first.snapshot().name()).isEqualTo("tree");
            BackupReport second = store.backup(source);
            assertThat(second.unchangedFiles()).isPositive();
            assertThat(second.newBytes()).isZero();

            assertThat(store.snapshots())
                    .extracting(Snapshot::id)
                    .containsExactly(second.snapshot().id(), first.snapshot().id());
            Snapshot snapshot = store.snapshot(first.snapshot().id().substring(0, 12));
            assertThat(snapshot.root().path()).isEqualTo(source.toString());
            Set<String> walked = new TreeSet<>();
            try (Stream<SnapshotFile> files = snapshot.root().walk()) {
                files.forEach(file -> walked.add(file.path()));
            }
            assertThat(walked).isEqualTo(paths(source)).isEqualTo(new TreeSet<>(told));

            try (InputStream in = snapshot.open("link")) {
                assertThat(in).hasContent("text 1");
            }
            try (InputStream in = snapshot.open(source + "/large")) {
                assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(source.resolve("large")));
            }
            assertThat(snapshot.file("empty").size()).isZero();

            Path target = folder.resolve("target");
            assertThat(snapshot.restore(target).isComplete()).isTrue();
            assertThat(Files.mismatch(target.resolve("large"), source.resolve("large")))
                    .isEqualTo(-1);
            RestoreReport one = snapshot.restore(
                    folder.resolve("one"), RestoreOptions.defaults().withPath("folder 3/übung.txt"));
            assertThat(one.files()).isEqualTo(1);
            assertThat(folder.resolve("one/übung.txt")).hasContent("text 3");

            assertThat(store.check(CheckOptions.everything()).isHealthy()).isTrue();
            assertThat(store.check(CheckOptions.of(snapshot).fast()).isHealthy())
                    .isTrue();
        }
    }

    private static Set<String> paths(Path source) throws IOException {
        try (Stream<Path> walk = Files.walk(source)) {
            return new TreeSet<>(walk.map(Path::toString).toList());
        }
    }

    @Test
    void saysWhatIsNotThere() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 2);
        assertThatThrownBy(() -> Store.open(folder.resolve("none"), OpenOptions.defaults()))
                .isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> Store.open("gopher:there", OpenOptions.defaults()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("gopher");
        try (Store store = create()) {
            assertThat(store.latest()).isEmpty();
            assertThatThrownBy(() -> store.snapshot(Store.LATEST)).isInstanceOf(NoSuchSnapshotException.class);
            assertThatThrownBy(() -> store.snapshot("00")).isInstanceOf(NoSuchSnapshotException.class);
            assertThatThrownBy(() -> store.snapshot("")).isInstanceOf(NoSuchSnapshotException.class);
            Snapshot snapshot = store.backup(source).snapshot();
            assertThatThrownBy(() -> snapshot.open("missing")).isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> snapshot.open("nowhere")).isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> snapshot.open("folder 1")).hasMessageContaining("not a regular file");
            assertThatThrownBy(() -> snapshot.file("large").list()).isInstanceOf(NotDirectoryException.class);
            assertThatThrownBy(() -> store.backup(folder.resolve("missing"))).isInstanceOf(IOException.class);
            assertThatThrownBy(
                            () -> store.backup(source, BackupOptions.defaults().withExclude("source")))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() ->
                            Store.create(folder.resolve("store"), CreateOptions.unencrypted(), OpenOptions.defaults()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("already a store");
        }
    }

    @Test
    void wipesPassphrases() throws IOException {
        char[] wrong = "wrong".toCharArray();
        assertThatThrownBy(() -> Store.open(
                        Trees.FIXTURES.resolve("encrypted"),
                        OpenOptions.defaults().withPassphrase(wrong)))
                .isInstanceOf(WrongPassphraseException.class);
        assertThat(wrong).containsOnly('\0');
        assertThatThrownBy(() -> Store.open(Trees.FIXTURES.resolve("encrypted"), OpenOptions.defaults()))
                .isInstanceOf(WrongPassphraseException.class)
                .hasMessageContaining("no passphrase was given");
        char[] notNeeded = Trees.passphrase();
        try (Store store = Store.open(
                Trees.FIXTURES.resolve("plaintext"), OpenOptions.defaults().withPassphrase(notNeeded))) {
            assertThat(store.isEncrypted()).isFalse();
        }
        assertThat(notNeeded).containsOnly('\0');
        char[] given = Trees.passphrase();
        OpenOptions options = OpenOptions.defaults().withPassphrase(given);
        try (Store store = Store.open(Trees.FIXTURES.resolve("encrypted"), options)) {
            assertThat(store.snapshots()).hasSize(2);
        }
        assertThatThrownBy(() -> Store.open(Trees.FIXTURES.resolve("encrypted"), options))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("wiped");
    }

    @Test
    void readsAnArchiveAndDoesNotWriteIt() throws IOException {
        try (Store store = Store.open(
                Trees.FIXTURES.resolve("encrypted.ptar"), OpenOptions.defaults().withPassphrase(Trees::passphrase))) {
            assertThat(store.isWritable()).isFalse();
            assertThat(store.snapshot("latest").root().list()).isNotEmpty();
            assertThatThrownBy(() -> store.backup(folder)).hasMessageContaining("cannot be written");
        }
    }

    @Test
    void tellsDamage() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 3);
        try (Store store = create()) {
            store.backup(source);
        }
        Path packfile;
        try (Stream<Path> files = Files.walk(folder.resolve("store/packfiles"))) {
            packfile = files.filter(Files::isRegularFile)
                    .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
                    .orElseThrow();
        }
        try (RandomAccessFile file = new RandomAccessFile(packfile.toFile(), "rw")) {
            file.seek(file.length() / 2); // incompressible, and most of the packfile: in `large`
            int b = file.read();
            file.seek(file.length() / 2);
            file.write(b ^ 1);
        }
        try (Store store = Store.open(folder.resolve("store"), OpenOptions.defaults())) {
            Snapshot snapshot = store.snapshot(Store.LATEST);
            assertThatThrownBy(() -> snapshot.open("large").readAllBytes())
                    .isInstanceOf(DamagedDataException.class)
                    .hasMessageContaining("chunk");
            CheckReport report = store.check(CheckOptions.everything());
            assertThat(report.isHealthy()).isFalse();
            assertThat(report.problems()).extracting(Problem::item).contains(source + "/large");
            RestoreReport restored = snapshot.restore(folder.resolve("target"));
            assertThat(restored.isDamaged()).isTrue();
            assertThat(restored.failed()).isEqualTo(1);
        }
    }

    @Test
    void anInterruptedBackupLeavesAStoreOfUse() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 4);
        try (Store store = create()) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> store.backup(source)).isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();

            assertThat(store.snapshots()).isEmpty();
            Snapshot snapshot = store.backup(source).snapshot();
            assertThat(snapshot.open("large").readAllBytes()).isEqualTo(Files.readAllBytes(source.resolve("large")));
        }
    }

    @Test
    void seesWhatAnotherAddsWhenRefreshed() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 5);
        create().close();
        try (Store one = Store.open(folder.resolve("store"), OpenOptions.defaults());
                Store other = Store.open(folder.resolve("store"), OpenOptions.defaults())) {
            other.backup(source);
            assertThat(one.snapshots()).isEmpty();
            one.refresh();
            assertThat(one.snapshots()).hasSize(1);
        }
    }

    @Test
    void closedIsClosed() throws IOException {
        Path source = Trees.make(folder.resolve("source"), 6);
        Store store = create();
        Snapshot snapshot = store.backup(List.of(source.toString()), BackupOptions.defaults())
                .snapshot();
        InputStream in = snapshot.open("large");
        store.close();
        store.close();
        assertThatThrownBy(store::snapshots).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(in::read).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(snapshot::openFileSystem).isInstanceOf(IllegalStateException.class);
    }
}
