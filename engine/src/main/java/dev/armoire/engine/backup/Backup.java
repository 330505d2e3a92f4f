// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotHeader.KeyValue;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.SnapshotTrees;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes one snapshot. The order is the one that loses nothing (format 2b §4): lock, then states, then data, then the
 * packfiles durable, then the state that names them, and only then is there a snapshot.
 */
public final class Backup {
    private final Repository repository;
    private final BackupOptions options;
    private final BackupEvents events;

    /** The snapshot that is copied, or null for a new one. */
    private final @Nullable SnapshotHeader original;

    private Backup(
            Repository repository, BackupOptions options, BackupEvents events, @Nullable SnapshotHeader original) {
        this.repository = repository;
        this.options = options;
        this.events = events;
        this.original = original;
    }

    /**
     * Backs up the sources into one snapshot; the walk begins with this call. See {@link #run(Repository, Scan,
     * BackupOptions, BackupEvents)}.
     *
     * @param importers not empty; closed by the caller
     */
    public static BackupResult run(
            Repository repository, List<Importer> importers, BackupOptions options, BackupEvents events)
            throws IOException {
        try (Scan scan = Scan.start(importers)) {
            return run(repository, scan, options, events);
        }
    }

    /**
     * Backs up what a scan finds into one snapshot, whose root is the deepest directory that holds the roots of all its
     * sources. Interrupting the calling thread stops the work and leaves the store as it was. One backup at a time for an
     * open store: two at once open it twice.
     *
     * @param scan begun before, perhaps while the store was being opened; closed by the caller
     * @throws IOException when a source's root cannot be read, or the store cannot be written
     */
    public static BackupResult run(Repository repository, Scan scan, BackupOptions options, BackupEvents events)
            throws IOException {
        return new Backup(repository, options, events, null).run(scan);
    }

    /**
     * Backs up a snapshot of another store under its identifier and with all it says of itself, but for how long it took.
     * Otherwise like {@link #run(Repository, Scan, BackupOptions, BackupEvents)}.
     *
     * @param scan of that snapshot; closed by the caller
     * @param original not in this store, neither now nor before
     * @param options of which those count that say how the work is done
     */
    public static BackupResult copy(
            Repository repository, Scan scan, SnapshotHeader original, BackupOptions options, BackupEvents events)
            throws IOException {
        return new Backup(repository, options, events, original).run(scan);
    }

    private BackupResult run(Scan scan) throws IOException {
        Instant begun = Instant.now();
        Mac id = original == null ? repository.random().nextMac() : original.identifier();
        // A snapshot that comes from elsewhere may have left a lock or a state under its name when a writer was
        // stopped.
        Mac own = original == null ? id : repository.random().nextMac();
        events.started(id);
        RepositoryLock lock = options.lockless() ? null : RepositoryLock.shared(repository, own);
        try {
            repository.refresh();
            return backUp(scan, id, own, begun, lock);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }

    private BackupResult backUp(Scan scan, Mac id, Mac stateName, Instant begun, @Nullable RepositoryLock lock)
            throws IOException {
        try (PendingState state = repository.newPendingState(stateName);
                PackWriter packs = repository.newPackWriter(state)) {
            if (lock != null) {
                state.takeOverLeftOver();
            }
            Made made = make(scan, id, begun, packs);
            if (lock != null) {
                lock.verifyStillThere();
            }
            long stateBytes = state.commit();
            return made.result(packs.storedBytes() + stateBytes);
        }
    }

    /**
     * Backs up what a scan finds into packfiles that the caller ends and lists: several snapshots become visible at once, when
     * he commits. Nothing is locked, and nothing compared with earlier snapshots. Otherwise like {@link #run(Repository, Scan,
     * BackupOptions, BackupEvents)}; of the result, {@code storedBytes} is what has been added to the packfiles.
     *
     * @param original a snapshot of another store whose identifier and description the snapshot gets; null for a new one
     */
    public static BackupResult into(
            PackWriter packs,
            Repository repository,
            Scan scan,
            @Nullable SnapshotHeader original,
            BackupOptions options,
            BackupEvents events)
            throws IOException {
        Backup backup = new Backup(repository, options, events, original);
        long before = packs.storedBytes();
        Mac id = original == null ? repository.random().nextMac() : original.identifier();
        events.started(id);
        try {
            Made made = backup.make(scan, id, Instant.now(), packs);
            return made.result(packs.storedBytes() - before);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** A snapshot all of which is in durable packfiles that no state names yet. */
    private record Made(SnapshotHeader header, Counters counters) {
        BackupResult result(long storedBytes) {
            return new BackupResult(
                    header,
                    counters.items.sum(),
                    counters.unchangedFiles.sum(),
                    counters.errors.sum(),
                    counters.sourceBytes.sum(),
                    counters.newChunks.sum(),
                    counters.newChunkBytes.sum(),
                    counters.newBlobs.sum(),
                    storedBytes);
        }
    }

    private Made make(Scan scan, Mac id, Instant begun, PackWriter packs) throws IOException {
        List<Importer> importers = scan.importers();
        Importer first = importers.getFirst();
        byte[] root = first.root();
        for (Importer importer : importers) {
            root = SnapshotPath.common(root, importer.root());
        }
        ParentView parent = parent(first, root);
        try (SnapshotTrees trees = new SnapshotTrees(options.scratch());
                BackupPipeline pipeline =
                        new BackupPipeline(repository, packs, trees, events, parent, importers, options.workers())) {
            tellProgress(pipeline.counters(), parent == null ? new Summary() : parent.summary());
            RootProbe probe = new RootProbe(pipeline, root);
            StageTimes stages = repository.stages();
            long at = stages.begin();
            try {
                scan.deliver(probe);
            } catch (PipelineAbortedException e) {
                pipeline.fail(e); // what came first is thrown below
            }
            var _ = stages.end(StageTimes.Stage.WALK, at);
            pipeline.await();
            at = stages.begin();
            BackupWorker worker = pipeline.workers().getFirst();
            SnapshotTrees.Roots built = pipeline.treesOfParent();
            if (built == null) {
                built = trees.build(pipeline.workers().stream()
                        .map(w -> new SnapshotTrees.Builder(w, w, w.writer()))
                        .toList());
            }
            var _ = stages.end(StageTimes.Stage.TREES, at);
            SnapshotHeader.Source source = new SnapshotHeader.Source(
                    first.type(),
                    first.origin(),
                    probe.isFile ? SnapshotPath.parent(root) : root,
                    pipeline.deviceNumbers().toContext(),
                    built.vfs(),
                    built.xattrs(),
                    built.errors(),
                    built.indexes(),
                    built.summary());
            SnapshotHeader header = header(id, source, begun);
            worker.writer().reset();
            header.encode(worker.writer());
            worker.storeNamed(ResourceType.SNAPSHOT, id, worker.writer().written());
            packs.flush();
            if (Thread.interrupted()) {
                throw new java.io.InterruptedIOException("interrupted before the snapshot was complete");
            }
            return new Made(header, pipeline.counters());
        }
    }

    private void tellProgress(Counters counters, Summary parent) {
        long items = sum(parent.directory()) + sum(parent.below());
        long bytes = parent.directory().size + parent.below().size;
        events.progress(() -> new BackupProgress(
                counters.items.sum(),
                counters.sourceBytes.sum(),
                counters.unchangedBytes.sum(),
                counters.newChunkBytes.sum(),
                counters.knownChunkBytes.sum(),
                counters.errors.sum(),
                items,
                bytes));
    }

    private static long sum(Summary.Counters counters) {
        return counters.directories
                + counters.files
                + counters.symlinks
                + counters.devices
                + counters.pipes
                + counters.sockets;
    }

    private SnapshotHeader header(Mac id, SnapshotHeader.Source source, Instant begun) {
        long nanos = Duration.between(begun, Instant.now()).toNanos();
        SnapshotHeader from = original;
        if (from != null) {
            return new SnapshotHeader(
                    id,
                    from.timestamp(),
                    nanos,
                    from.name(),
                    from.category(),
                    from.environment(),
                    from.perimeter(),
                    from.job(),
                    from.dataset(),
                    from.dataClasses(),
                    from.tags(),
                    from.context(),
                    List.of(source));
        }
        return new SnapshotHeader(
                id,
                options.timestamp() == null ? begun : options.timestamp(),
                nanos,
                options.name(),
                options.category(),
                options.environment(),
                options.perimeter(),
                options.job(),
                "",
                List.of(),
                options.tags(),
                context(),
                List.of(source));
    }

    /** Passes everything on, and notices when the root is a file: then its directory is the snapshot's root. */
    private static final class RootProbe implements ImportSink {
        private final ImportSink next;
        private final byte[] root;
        private volatile boolean isFile;

        RootProbe(ImportSink next, byte[] root) {
            this.next = next;
            this.root = root;
        }

        @Override
        public void record(ImportRecord record) {
            if (record.path().length == root.length
                    && !FileMode.isDirectory(record.info().mode())
                    && Arrays.equals(record.path(), root)) {
                isFile = true;
            }
            next.record(record);
        }

        @Override
        public void error(byte[] path, String message) {
            next.error(path, message);
        }

        @Override
        public boolean isStopped() {
            return next.isStopped();
        }
    }

    /** The latest snapshot of the same source, unless the store has lost data: then everything is read, which heals it. */
    private @Nullable ParentView parent(Importer importer, byte[] root) {
        if (!options.useParent()) {
            return null;
        }
        if (repository.hasMissingPackfiles()) {
            events.notice("the store lacks packfiles that its states name: every file is read again; run check");
            return null;
        }
        SnapshotHeader latest = null;
        for (SnapshotHeader header : Snapshot.headers(repository, (id, problem) -> events.notice(problem))) {
            SnapshotHeader.Source source = header.source();
            boolean isSame = source.type().equals(importer.type())
                    && source.origin().equals(importer.origin())
                    && Arrays.equals(source.directory(), root);
            if (isSame && (latest == null || header.timestamp().isAfter(latest.timestamp()))) {
                latest = header;
            }
        }
        try {
            return latest == null ? null : ParentView.open(repository, latest);
        } catch (CorruptDataException e) {
            events.notice("the parent snapshot cannot be used: " + e.getMessage());
            return null;
        }
    }

    private List<KeyValue> context() {
        int processors = Runtime.getRuntime().availableProcessors();
        return List.of(
                new KeyValue("Hostname", repository.hostname()),
                new KeyValue("Username", System.getProperty("user.name", "")),
                new KeyValue("OperatingSystem", Platform.operatingSystem()),
                new KeyValue("MachineID", Platform.machineId(repository.hostname())),
                new KeyValue("CommandLine", options.commandLine()),
                new KeyValue("ProcessID", Long.toString(ProcessHandle.current().pid())),
                new KeyValue("Architecture", Platform.architecture()),
                new KeyValue("NumCPU", Integer.toString(processors)),
                new KeyValue("MaxProcs", Integer.toString(options.workers())),
                new KeyValue("Client", "armoire/" + Platform.version()));
    }
}
