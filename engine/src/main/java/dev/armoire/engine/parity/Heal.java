// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.KlosetException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.ReedSolomon;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes damaged and lost packfiles again from parity. What was made is compared with the MACs that were noted when the packfile
 * was whole, cell by cell, and with the MAC of the packfile itself, before it takes the damaged one's place. Until then
 * nothing is changed, and the change is one step of the storage: so nothing gets worse.
 */
public final class Heal {
    private final Repository repository;
    private final Storage storage;
    private final ParityEvents events;
    private final boolean applies;
    private final MacHasher hasher;

    private long healed;

    /**
     * What came of it.
     *
     * @param healed packfiles that are as they were again, or would be
     * @param notHealed packfiles that are covered and damaged, and could not be made again
     */
    public record Result(long healed, long notHealed) {}

    private Heal(Repository repository, boolean applies, ParityEvents events) {
        this.repository = repository;
        this.storage = repository.storage();
        this.applies = applies;
        this.events = events;
        this.hasher = repository.keys().newMacHasher();
    }

    /**
     * Reads all packfiles that parity covers and heals those that are not what they were.
     *
     * @param repository refreshed by the caller, who has a shared lock if this applies
     * @param applies false for a dry run, which does all but the last step
     */
    public static Result run(Repository repository, boolean applies, ParityEvents events) throws IOException {
        ParityGroups groups = ParityGroups.load(repository, events);
        return new Heal(repository, applies, events).run(groups);
    }

    /** Which packfiles any parity covers. */
    public static Set<Mac> covered(Repository repository, ParityEvents events) throws IOException {
        return ParityGroups.load(repository, events).files().stream()
                .flatMap(file -> file.members().stream())
                .map(ParityFile.Member::packfile)
                .collect(Collectors.toSet());
    }

    /** What is wrong with a packfile. */
    private record Damage(int member, BitSet cells, boolean isMissing) {}

    private Result run(ParityGroups groups) throws IOException {
        // Of packfiles in several groups the first one that does it will do.
        Map<Mac, String> notHealed = new HashMap<>();
        Map<Mac, Boolean> isWell = new HashMap<>();
        for (ParityFile file : groups.files()) {
            for (int member = 0; member < file.members().size(); member++) {
                ParityGroups.stopIfAsked();
                Mac packfile = file.members().get(member).packfile();
                if (isWell.containsKey(packfile) || isDeleted(packfile)) {
                    continue;
                }
                Damage damage = look(file, member);
                if (damage == null) {
                    isWell.put(packfile, true);
                    continue;
                }
                String problem = heal(file, damage);
                if (problem == null) {
                    isWell.put(packfile, true);
                    notHealed.remove(packfile);
                } else {
                    notHealed.putIfAbsent(packfile, problem);
                }
            }
        }
        notHealed.forEach(events::notHealed);
        return new Result(healed, notHealed.size());
    }

    /** A packfile that a state has taken back is not to come again. */
    private boolean isDeleted(Mac packfile) {
        PackfileTable table = repository.index().packfiles();
        return table.isDeleted(table.ordinal(packfile));
    }

    /** Without encryption anybody can forge parity: it must not bring packfiles that no state names. */
    private boolean mayBeMade(Mac packfile) {
        PackfileTable table = repository.index().packfiles();
        return repository.keys().isEncrypted() || table.isKnown(table.ordinal(packfile));
    }

    /** Reads a packfile and compares its cells with what they were; null when all is well. */
    private @Nullable Damage look(ParityFile file, int member) throws IOException {
        Mac packfile = file.members().get(member).packfile();
        long length = file.members().get(member).length();
        BitSet bad = new BitSet();
        int cells = file.firstCell(member + 1) - file.firstCell(member);
        long size;
        try {
            size = storage.size(ObjectKind.PACKFILE, packfile);
        } catch (NoSuchFileException e) {
            if (!mayBeMade(packfile)) {
                return null;
            }
            bad.set(0, cells);
            return new Damage(member, bad, true);
        }
        byte[] buffer = new byte[file.cellBytes()];
        for (int i = 0; i < cells; i++) {
            ParityGroups.stopIfAsked();
            if (!readData(file, file.firstCell(member) + i, buffer)) {
                bad.set(i);
            }
        }
        return bad.isEmpty() && size == length ? null : new Damage(member, bad, false);
    }

    /** Whether a data cell could be read and is what it was; what is behind it in the buffer is zero. */
    private boolean readData(ParityFile file, int cell, byte[] into) throws IOException {
        int member = file.memberOf(cell);
        int bytes = file.lengthOf(cell, member);
        MemorySegment part = MemorySegment.ofArray(into).asSlice(0, bytes);
        MemorySegment.ofArray(into).asSlice(bytes).fill((byte) 0);
        try {
            storage.read(
                    ObjectKind.PACKFILE,
                    file.members().get(member).packfile(),
                    (long) (cell - file.firstCell(member)) * file.cellBytes(),
                    part);
        } catch (EOFException | NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // A bad sector, a broken file: what cannot be read is lost, and the rest may do.
            events.notice(String.valueOf(e.getMessage()));
            return false;
        }
        return file.hasMac(cell, file.macOf(cell, part, hasher));
    }

    /** Makes a packfile again and puts it in its place; says what stands in the way. */
    private @Nullable String heal(ParityFile file, Damage damage) throws IOException {
        ParityFile.Member member = file.members().get(damage.member());
        int first = file.firstCell(damage.member());
        int cells = file.firstCell(damage.member() + 1) - first;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment whole = arena.allocate(member.length());
            byte[] buffer = new byte[file.cellBytes()];
            BitSet rows = new BitSet();
            for (int i = 0; i < cells; i++) {
                if (damage.cells().get(i)) {
                    rows.set((first + i) % file.rows());
                } else if (readData(file, first + i, buffer)) {
                    put(file, first + i, damage.member(), buffer, whole);
                } else {
                    return "it changes while it is read";
                }
            }
            for (int row = rows.nextSetBit(0); row >= 0; row = rows.nextSetBit(row + 1)) {
                ParityGroups.stopIfAsked();
                String problem = recover(file, row, damage.member(), whole);
                if (problem != null) {
                    return problem;
                }
            }
            try {
                Envelope.open(
                        whole,
                        ResourceType.PACKFILE,
                        hasher,
                        "packfile " + member.packfile().shortHex());
            } catch (KlosetException e) {
                return "what parity makes of it is not a packfile of this store: " + e.getMessage();
            }
            if (applies) {
                if (damage.isMissing()) {
                    storage.write(ObjectKind.PACKFILE, member.packfile(), List.of(whole));
                } else {
                    storage.replace(ObjectKind.PACKFILE, member.packfile(), List.of(whole));
                }
            }
            healed++;
            long bytes = Math.min(member.length(), (long) damage.cells().cardinality() * file.cellBytes());
            events.healed(member.packfile(), bytes, damage.isMissing());
            return null;
        }
    }

    private static void put(ParityFile file, int cell, int member, byte[] content, MemorySegment whole) {
        MemorySegment.copy(
                content,
                0,
                whole,
                ValueLayout.JAVA_BYTE,
                (long) (cell - file.firstCell(member)) * file.cellBytes(),
                file.lengthOf(cell, member));
    }

    /** Solves a row for the cells of one packfile in it. */
    private @Nullable String recover(ParityFile file, int row, int member, MemorySegment whole) throws IOException {
        byte[] buffer = new byte[file.cellBytes()];
        long[] sums = new long[file.cellBytes()];
        List<Integer> lostColumns = new ArrayList<>();
        for (int column = 0; column * file.rows() + row < file.cells(); column++) {
            int cell = column * file.rows() + row;
            if (readData(file, cell, buffer)) {
                ReedSolomon.add(column, buffer, 0, buffer.length, sums);
            } else {
                lostColumns.add(column);
            }
        }
        List<Integer> parities = new ArrayList<>();
        int there = 0;
        for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
            if (ParityGroups.readParity(repository, file, row, parity, buffer, hasher)) {
                there++;
                if (parities.size() < lostColumns.size()) {
                    ReedSolomon.addParity(parity, buffer, buffer.length, sums);
                    parities.add(parity);
                }
            }
        }
        if (parities.size() < lostColumns.size()) {
            return "too much is damaged: of " + file.cellBytes() + "-byte parts that depend on each other "
                    + lostColumns.size() + " are lost, and parity is there for " + there;
        }
        int[] lostArray = lostColumns.stream().mapToInt(column -> column).toArray();
        new ReedSolomon.Recovery(
                        lostArray, parities.stream().mapToInt(parity -> parity).toArray())
                .run(sums, sums.length);
        for (int at = 0; at < lostArray.length; at++) {
            int cell = lostArray[at] * file.rows() + row;
            if (file.memberOf(cell) != member) {
                continue;
            }
            ReedSolomon.extract(sums, sums.length, at, buffer);
            MemorySegment content = MemorySegment.ofArray(buffer).asSlice(0, file.lengthOf(cell, member));
            if (!file.hasMac(cell, file.macOf(cell, content, hasher))) {
                return "what parity makes of it is not what it was";
            }
            put(file, cell, member, buffer, whole);
        }
        return null;
    }
}
