// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Packfiles that a writer has stored who was stopped before a state named them: the next one names them, so that what is in
 * them is not sent again. Those of a writer who still runs are named twice in the end, which changes nothing.
 *
 * <p>Only for who has a shared lock and has merged all states since: no maintenance takes away meanwhile what it finds in no
 * state, and what one has coloured before is known to be.
 */
final class LeftOver {
    /** Between two checkpoints there are far fewer. More than that are taken over by one run after the other. */
    private static final int MAX_PACKFILES = 512;

    private static final int READERS = 8;
    private static final long WINDOW_BYTES = 8 << 20;

    private final Repository repository;
    private final PendingState state;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger packfiles = new AtomicInteger();

    private LeftOver(Repository repository, PendingState state) {
        this.repository = repository;
        this.state = state;
    }

    /**
     * Adds to {@code state} what is left over, and makes it known.
     *
     * @throws IOException when the store cannot be read
     */
    static void takeOver(Repository repository, PendingState state) throws IOException {
        List<Mac> found = unnamed(repository.index().packfiles());
        if (!found.isEmpty()) {
            new LeftOver(repository, state).take(found);
        }
    }

    private static List<Mac> unnamed(PackfileTable table) {
        List<Mac> names = new ArrayList<>();
        for (int ordinal = 0; ordinal < table.size() && names.size() < MAX_PACKFILES; ordinal++) {
            if (table.isListed(ordinal)
                    && !table.isKnown(ordinal)
                    && !table.isColoured(ordinal)
                    && !table.isDeleted(ordinal)) {
                names.add(table.name(ordinal));
            }
        }
        return names;
    }

    private void take(List<Mac> names) throws IOException {
        AtomicInteger next = new AtomicInteger();
        Callable<Void> reader = () -> {
            try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
                for (int at = next.getAndIncrement(); at < names.size(); at = next.getAndIncrement()) {
                    take(names.get(at), indexes);
                }
            }
            return null;
        };
        try (ExecutorService readers = Executors.newFixedThreadPool(
                Math.min(READERS, names.size()),
                Thread.ofPlatform().name("left-over-", 0).daemon().factory())) {
            for (Future<Void> done : readers.invokeAll(Collections.nCopies(READERS, reader))) {
                done.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PipelineAbortedException();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
        if (packfiles.get() > 0) {
            repository.notice("takes over " + packfiles + " packfiles (" + bytes.get() / 1_000_000
                    + " MB) of a run that was stopped");
        }
    }

    private void take(Mac name, PackfileIndexReader indexes) throws IOException {
        Storage storage = repository.storage();
        try {
            long size = storage.size(ObjectKind.PACKFILE, name);
            PackfileRecords records = indexes.read(name, size);
            if (!isOfUse(records) || storage.localPath() != null && !isWhole(name, size)) {
                return;
            }
            storage.settle(ObjectKind.PACKFILE, List.of(name));
            repository.addPackfile(name, records.segment());
            state.addPackfile(name, records.segment());
            packfiles.incrementAndGet();
            bytes.addAndGet(size);
        } catch (NoSuchFileException | CorruptDataException e) {
            // Gone, or torn by a power cut: `check` and `repair` speak of it.
        }
    }

    /** A snapshot that its writer has not committed must not appear; and what is known already need not be named again. */
    private boolean isOfUse(PackfileRecords records) {
        BlobIndex index = repository.index();
        boolean isNew = false;
        for (long record = 0; record < records.count(); record++) {
            int type = records.type(record);
            if (type == ResourceType.SNAPSHOT) {
                return false;
            }
            isNew |= type != ResourceType.RANDOM && index.findExpected(type, records.mac(record)) == null;
        }
        return isNew;
    }

    /** Not every program waits until a disk has what it writes; a server has all of an object or nothing. */
    private boolean isWhole(Mac name, long size) throws IOException {
        MacHasher hasher = repository.keys().newMacHasher();
        long macAt = size - Mac.BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(Math.min(WINDOW_BYTES, size));
            for (long at = 0; at < macAt; ) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted");
                }
                MemorySegment part = window.asSlice(0, Math.min(window.byteSize(), macAt - at));
                repository.storage().read(ObjectKind.PACKFILE, name, at, part);
                hasher.update(part);
                at += part.byteSize();
            }
            MemorySegment stored = window.asSlice(0, Mac.BYTES);
            repository.storage().read(ObjectKind.PACKFILE, name, macAt, stored);
            return hasher.finish().equals(Mac.read(stored, 0));
        }
    }
}
