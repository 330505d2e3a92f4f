// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.ReedSolomon;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.util.List;

/**
 * Makes the parity of one group: reads its packfiles once, from front to back, and verifies each one as a whole, so that no
 * damage is covered. Holds the parity in memory, which is as large as the largest packfile.
 */
final class ParityWriter {
    private static final int WINDOW_BYTES = 4 << 20;

    private final Repository repository;
    private final ParityFile file;
    private final MacHasher cells;
    private final MacHasher whole;
    private final byte[] window = new byte[WINDOW_BYTES];
    private final long[] sums;

    /** A packfile that cannot be covered. */
    static final class UnfitException extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient ParityFile.Member member;

        UnfitException(ParityFile.Member member, String reason) {
            super(reason);
            this.member = member;
        }

        ParityFile.Member member() {
            return member;
        }
    }

    ParityWriter(Repository repository, ParityFile file) {
        this.repository = repository;
        this.file = file;
        this.cells = repository.keys().newMacHasher();
        this.whole = repository.keys().newMacHasher();
        this.sums = new long[file.cellBytes()];
    }

    /** Reads, and stores the parity durably. */
    void run() throws IOException, UnfitException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parity = arena.allocate(file.parityBytes());
            for (int member = 0; member < file.members().size(); member++) {
                add(member, parity);
            }
            for (int row = 0; row < file.rows(); row++) {
                finish(row, parity);
            }
            MemorySegment header = MemorySegment.ofArray(file.encodeHeader(cells));
            repository
                    .storage()
                    .write(
                            ObjectKind.PARITY,
                            file.name(),
                            List.of(header, parity, header, MemorySegment.ofArray(file.encodeTrailer())));
        }
    }

    private void add(int number, MemorySegment parity) throws IOException, UnfitException {
        ParityFile.Member member = file.members().get(number);
        long hashed = member.length() - Mac.BYTES;
        byte[] end = new byte[Mac.BYTES];
        int cell = file.firstCell(number);
        for (long at = 0; at < member.length(); at += WINDOW_BYTES) {
            ParityGroups.stopIfAsked();
            int length = (int) Math.min(WINDOW_BYTES, member.length() - at);
            MemorySegment read = MemorySegment.ofArray(window).asSlice(0, length);
            try {
                repository.storage().read(ObjectKind.PACKFILE, member.packfile(), at, read);
                if (at == 0) {
                    Envelope.checkHeader(
                            read,
                            ResourceType.PACKFILE,
                            "packfile " + member.packfile().shortHex());
                }
            } catch (NoSuchFileException e) {
                throw new UnfitException(member, "it is gone");
            } catch (EOFException | CorruptDataException e) {
                throw new UnfitException(member, String.valueOf(e.getMessage()));
            }
            long toHash = Math.clamp(hashed - at, 0, length);
            whole.update(read.asSlice(0, toHash));
            for (long i = toHash; i < length; i++) {
                end[(int) (at + i - hashed)] = window[(int) i];
            }
            for (int from = 0; from < length; from += file.cellBytes()) {
                int bytes = Math.min(file.cellBytes(), length - from);
                file.setMac(cell, file.macOf(cell, read.asSlice(from, bytes), cells));
                long sumsAt = sumsAt(cell % file.rows());
                MemorySegment.copy(parity, ValueLayout.JAVA_LONG, sumsAt, sums, 0, sums.length);
                ReedSolomon.add(cell / file.rows(), window, from, bytes, sums);
                MemorySegment.copy(sums, 0, parity, ValueLayout.JAVA_LONG, sumsAt, sums.length);
                cell++;
            }
        }
        if (!whole.finish().equals(Mac.of(end))) {
            throw new UnfitException(member, "its MAC differs");
        }
    }

    private long sumsAt(int row) {
        return (long) row * ReedSolomon.PARITIES * file.cellBytes();
    }

    /** The sums of a row and its parity cells take the same room. */
    private void finish(int row, MemorySegment parity) {
        long sumsAt = sumsAt(row);
        MemorySegment.copy(parity, ValueLayout.JAVA_LONG, sumsAt, sums, 0, sums.length);
        byte[] bytes = new byte[file.cellBytes()];
        for (int place = 0; place < ReedSolomon.PARITIES; place++) {
            ReedSolomon.extract(sums, sums.length, place, bytes);
            int cell = file.parityCell(row, place);
            file.setMac(cell, file.macOf(cell, MemorySegment.ofArray(bytes), cells));
            MemorySegment.copy(
                    bytes, 0, parity, ValueLayout.JAVA_BYTE, sumsAt + (long) place * file.cellBytes(), bytes.length);
        }
    }
}
