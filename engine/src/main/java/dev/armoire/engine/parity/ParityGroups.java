// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.simd.ReedSolomon;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The parity of a store, as far as it can be used. */
final class ParityGroups {
    private final Repository repository;
    private final List<ParityFile> files = new ArrayList<>();
    /** Names of objects that cannot be used, and why. */
    private final Map<Mac, String> damaged = new HashMap<>();

    private ParityGroups(Repository repository) {
        this.repository = repository;
    }

    /** Reads all headers. */
    static ParityGroups load(Repository repository, ParityEvents events) throws IOException {
        ParityGroups groups = new ParityGroups(repository);
        List<Mac> names = new ArrayList<>(repository.storage().list(ObjectKind.PARITY));
        names.sort(null);
        for (Mac name : names) {
            stopIfAsked();
            try {
                groups.files.add(ParityFile.load(repository, name));
            } catch (CorruptDataException e) {
                groups.damaged.put(name, String.valueOf(e.getMessage()));
                events.damagedParity(name, String.valueOf(e.getMessage()));
            } catch (UnsupportedVersionException e) {
                events.notice(String.valueOf(e.getMessage()));
            } catch (NoSuchFileException e) {
                events.notice("parity " + name.shortHex() + " is gone: somebody else has replaced it meanwhile");
            }
        }
        return groups;
    }

    static void stopIfAsked() {
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
    }

    /** Reads all parity cells and both headers, too, and takes objects with damaged ones for damaged: their packfiles are covered less well. */
    void verify(ParityEvents events) throws IOException {
        MacHasher hasher = repository.keys().newMacHasher();
        for (ParityFile file : List.copyOf(files)) {
            byte[] cell = new byte[file.cellBytes()];
            int bad = 0;
            for (int row = 0; row < file.rows(); row++) {
                stopIfAsked();
                for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
                    if (!readParity(repository, file, row, parity, cell, hasher)) {
                        bad++;
                    }
                }
            }
            boolean isHeaderWhole = file.isHeaderWhole(repository.storage());
            if (bad > 0 || !isHeaderWhole) {
                String reason = bad > 0
                        ? bad + " of its " + file.rows() * ReedSolomon.PARITIES + " cells are damaged"
                        : "one of the two copies of its header is damaged";
                files.remove(file);
                damaged.put(file.name(), reason);
                events.damagedParity(file.name(), reason);
            }
        }
    }

    /** Whether a parity cell could be read and is what it was. */
    static boolean readParity(
            Repository repository, ParityFile file, int row, int parity, byte[] into, MacHasher hasher)
            throws IOException {
        MemorySegment cell = MemorySegment.ofArray(into);
        try {
            repository.storage().read(ObjectKind.PARITY, file.name(), file.parityAt(row, parity), cell);
        } catch (EOFException e) {
            return false;
        }
        int number = file.parityCell(row, parity);
        return file.hasMac(number, file.macOf(number, cell, hasher));
    }

    List<ParityFile> files() {
        return files;
    }

    Map<Mac, String> damaged() {
        return damaged;
    }
}
