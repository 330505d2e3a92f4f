// SPDX-License-Identifier: ISC
package dev.armoire.engine.parity;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import dev.armoire.simd.ReedSolomon;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes parity for the packfiles that have none, and renews that of packfiles which have changed company: some of theirs were
 * removed, or their group is so small that it costs more than it should.
 *
 * <p>New parity is durable before what it replaces goes. So whatever stops it leaves each packfile covered that was.
 */
public final class Parity {
    /** At least as many columns as there are parities; at most as the code allows. */
    public static final int MIN_PERCENT = Math.ceilDiv(100 * ReedSolomon.PARITIES, ReedSolomon.MAX_COLUMNS);

    public static final int MAX_PERCENT = 100;

    /** Unless somebody asks for another share. */
    public static final int USUAL_PERCENT = 10;

    /** So many rows are wanted, or else a group of small packfiles would be mostly padding. */
    private static final int WANTED_ROWS = 16;

    /**
     * What was done, or would be.
     *
     * @param made groups made
     * @param covered packfiles in them
     * @param coveredBytes their size
     * @param parityBytes the size of the parity made
     * @param removed parity objects removed
     * @param kept packfiles whose parity was left as it is
     * @param keptBytes the size of that parity
     * @param uncovered packfiles that are needed and are left without parity
     * @param damaged parity objects that cannot be used and, in a dry run, would be removed
     */
    public record Result(
            long made,
            long covered,
            long coveredBytes,
            long parityBytes,
            long removed,
            long kept,
            long keptBytes,
            long uncovered,
            long damaged) {}

    private final Repository repository;
    private final ParityGroups groups;
    private final ParityEvents events;
    private final boolean applies;
    /** Groups that are to go, when all that they cover is covered by others. */
    private final List<ParityFile> dissolved = new ArrayList<>();

    /** Packfiles that are deleted, or about to be. */
    private final Set<Mac> gone;

    private final Map<Mac, ParityFile.Member> toCover = new HashMap<>();
    private final Set<Mac> coveredNow = new HashSet<>();
    private long made;
    private long covered;
    private long coveredBytes;
    private long parityBytes;
    private long removed;
    private long uncovered;

    private Parity(Repository repository, ParityGroups groups, boolean applies, ParityEvents events) {
        this.repository = repository;
        this.groups = groups;
        this.applies = applies;
        this.events = events;
        this.gone = deleted(repository.index().packfiles());
    }

    /**
     * Brings the parity of a store up to date.
     *
     * @param repository refreshed by the caller, who has a shared lock if this applies
     * @param percent the share of a full group that is parity; null for what the store has, or {@link #USUAL_PERCENT}. Groups of
     *     another share are made anew only if one is given
     * @param verifies also reads the parity that is there
     * @param applies false for a dry run
     */
    public static Result update(
            Repository repository, @Nullable Integer percent, boolean verifies, boolean applies, ParityEvents events)
            throws IOException {
        ParityGroups groups = ParityGroups.load(repository, events);
        if (verifies) {
            groups.verify(events);
        }
        Parity parity = new Parity(repository, groups, applies, events);
        int share = percent != null ? percent : usualPercent(groups.files());
        parity.planAll(share, percent != null);
        return parity.carryOut(share);
    }

    /**
     * Makes parity without some packfiles, before they are deleted.
     *
     * @return those of them that have to stay for now, as damaged packfiles may be made again only with their help
     */
    public static Set<Mac> release(Repository repository, Collection<Mac> names, ParityEvents events)
            throws IOException {
        if (names.isEmpty()) {
            return Set.of();
        }
        ParityGroups groups = ParityGroups.load(repository, events);
        Parity parity = new Parity(repository, groups, true, events);
        Set<Mac> going = Set.copyOf(names);
        parity.gone.addAll(going);
        for (ParityFile file : groups.files()) {
            if (file.members().stream().anyMatch(member -> going.contains(member.packfile()))) {
                parity.dissolve(file);
            }
        }
        parity.carryOut(usualPercent(groups.files()));
        Set<Mac> stay = new HashSet<>();
        for (ParityFile file : parity.dissolved) {
            file.members().forEach(member -> stay.add(member.packfile()));
        }
        stay.retainAll(going);
        return stay;
    }

    /**
     * Reads all parity of a store.
     *
     * @return whether there is any
     */
    public static boolean verify(Repository repository, ParityEvents events) throws IOException {
        ParityGroups groups = ParityGroups.load(repository, events);
        groups.verify(events);
        return !groups.files().isEmpty() || !groups.damaged().isEmpty();
    }

    private static int usualPercent(List<ParityFile> files) {
        return files.isEmpty() ? USUAL_PERCENT : files.getLast().percent();
    }

    private static int columns(int percent) {
        return Math.clamp(100L * ReedSolomon.PARITIES / percent, ReedSolomon.PARITIES, ReedSolomon.MAX_COLUMNS);
    }

    private void planAll(int percent, boolean isAskedFor) throws IOException {
        List<ParityFile> good = new ArrayList<>();
        for (ParityFile file : groups.files()) {
            boolean isOther = isAskedFor && file.percent() != percent;
            boolean hasLost = file.members().stream().anyMatch(member -> gone.contains(member.packfile()));
            if (isOther || hasLost) {
                dissolve(file);
            } else {
                good.add(file);
            }
        }
        Set<Mac> inGood = new HashSet<>();
        for (ParityFile file : good) {
            file.members().forEach(member -> inGood.add(member.packfile()));
        }
        PackfileTable table = repository.index().packfiles();
        for (int ordinal = 0; ordinal < table.size(); ordinal++) {
            Mac name = table.name(ordinal);
            if (table.isExpected(ordinal) && table.isListed(ordinal) && !inGood.contains(name)) {
                cover(name);
            }
        }
        if (!toCover.isEmpty()) {
            for (ParityFile file : good) {
                if (file.columns() < columns(file.percent()) / 2) {
                    dissolve(file);
                }
            }
        }
        inGood.removeAll(toCover.keySet());
        coveredNow.addAll(inGood);
    }

    private static Set<Mac> deleted(PackfileTable table) {
        Set<Mac> gone = new HashSet<>();
        for (int ordinal = 0; ordinal < table.size(); ordinal++) {
            if (table.isDeleted(ordinal)) {
                gone.add(table.name(ordinal));
            }
        }
        return gone;
    }

    /** A group with lost packfiles stays as it is: it is what they can be made again from. */
    private void dissolve(ParityFile file) throws IOException {
        List<ParityFile.Member> stay = new ArrayList<>();
        for (ParityFile.Member member : file.members()) {
            if (!gone.contains(member.packfile())) {
                if (!isThere(member)) {
                    events.notice("packfile " + member.packfile().hex()
                            + " is missing or has another length than when parity was made of it: `armoire check -heal`"
                            + " makes it again; its parity is left as it is");
                    dissolved.add(file);
                    file.members().forEach(other -> toCover.remove(other.packfile()));
                    return;
                }
                stay.add(member);
            }
        }
        dissolved.add(file);
        stay.forEach(member -> toCover.put(member.packfile(), member));
    }

    private boolean isThere(ParityFile.Member member) throws IOException {
        try {
            return repository.storage().size(ObjectKind.PACKFILE, member.packfile()) == member.length();
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void cover(Mac name) throws IOException {
        try {
            long length = repository.storage().size(ObjectKind.PACKFILE, name);
            if (length > ParityFile.MAX_MEMBER_BYTES) {
                events.notice("packfile " + name.hex() + " has more than " + (ParityFile.MAX_MEMBER_BYTES >> 20)
                        + " MiB, and gets no parity");
                uncovered++;
            } else if (length > Mac.BYTES) {
                toCover.put(name, new ParityFile.Member(name, length));
            } else {
                events.damagedPackfile(name, "it has " + length + " bytes only");
                uncovered++;
            }
        } catch (NoSuchFileException e) {
            // Removed meanwhile: nobody needs it.
        }
    }

    private Result carryOut(int percent) throws IOException {
        List<ParityFile.Member> left = new ArrayList<>(toCover.values());
        // Of one size as far as can be, as the largest of a group says how much parity it gets.
        left.sort(Comparator.comparingLong(ParityFile.Member::length)
                .reversed()
                .thenComparing(ParityFile.Member::packfile));
        while (!left.isEmpty()) {
            ParityGroups.stopIfAsked();
            ParityFile file = nextGroup(left, percent);
            if (applies) {
                try {
                    new ParityWriter(repository, file).run();
                } catch (ParityWriter.UnfitException e) {
                    left.remove(e.member());
                    events.damagedPackfile(e.member().packfile(), String.valueOf(e.getMessage()));
                    uncovered++;
                    continue;
                }
            }
            made++;
            parityBytes += file.objectBytes();
            for (ParityFile.Member member : file.members()) {
                covered++;
                coveredBytes += member.length();
                coveredNow.add(member.packfile());
            }
            left.removeAll(new HashSet<>(file.members()));
        }
        removeReplaced();
        long keptBytes = 0;
        for (ParityFile file : groups.files()) {
            keptBytes += dissolved.contains(file) ? 0 : file.objectBytes();
        }
        return new Result(
                made,
                covered,
                coveredBytes,
                parityBytes,
                removed,
                coveredNow.size() - covered,
                keptBytes,
                uncovered,
                groups.damaged().size());
    }

    private ParityFile nextGroup(List<ParityFile.Member> left, int percent) {
        long largest = left.getFirst().length();
        int cellBytes = ParityFile.MAX_CELL_BYTES;
        while (cellBytes > ParityFile.MIN_CELL_BYTES
                && largest < (long) cellBytes * ReedSolomon.PARITIES * WANTED_ROWS) {
            cellBytes /= 2;
        }
        int rows = Math.ceilDiv(ParityFile.cellsOf(largest, cellBytes), ReedSolomon.PARITIES);
        long room = (long) rows * columns(percent);
        List<ParityFile.Member> members = new ArrayList<>();
        for (ParityFile.Member member : left) {
            int cells = ParityFile.cellsOf(member.length(), cellBytes);
            if (cells > room) {
                break;
            }
            members.add(member);
            room -= cells;
        }
        return new ParityFile(repository.random().nextMac(), percent, cellBytes, rows, members);
    }

    /** What somebody may still need to make a packfile again stays. */
    private void removeReplaced() throws IOException {
        List<ParityFile> stay = new ArrayList<>();
        for (ParityFile file : dissolved) {
            boolean isReplaced = file.members().stream()
                    .map(ParityFile.Member::packfile)
                    .allMatch(packfile -> coveredNow.contains(packfile) || gone.contains(packfile));
            if (!isReplaced) {
                stay.add(file);
                continue;
            }
            remove(file.name());
        }
        dissolved.clear();
        dissolved.addAll(stay);
        for (Mac name : groups.damaged().keySet()) {
            remove(name);
        }
    }

    private void remove(Mac name) throws IOException {
        ParityGroups.stopIfAsked();
        if (applies) {
            repository.storage().delete(ObjectKind.PARITY, name);
        }
        removed++;
    }
}
