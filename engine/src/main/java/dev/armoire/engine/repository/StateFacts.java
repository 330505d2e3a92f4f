// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.Mac;
import dev.armoire.index.BlobIndex;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a set of states says when merged, as far as every command needs it at once; where most blobs lie stands in other
 * files.
 *
 * @param states the states that were merged
 * @param packfiles all that locations name, by ordinal
 * @param colourChanges in the order in which they stand in their state
 * @param snapshots ordinals of the packfiles that hold each snapshot
 * @param locations a part of the locations, encoded
 * @param runs files with the other ones, older ones first
 */
record StateFacts(
        Map<Mac, StateInfo> states,
        List<Packfile> packfiles,
        List<ColourChange> colourChanges,
        Map<Mac, Set<Integer>> snapshots,
        Set<Mac> removedSnapshots,
        Locations locations,
        List<Run> runs) {

    /** Who a state's parent is, and when it was begun. */
    record StateInfo(Mac parent, long timestamp) {}

    /** A state colours a packfile at a time in nanoseconds since 1970, or takes its colour back. */
    record ColourChange(Mac state, Mac packfile, boolean isColoured, long whenNanos) {}

    /** A packfile, and what is for ever in what states say of it. */
    record Packfile(Mac name, boolean isKnown, boolean isDeleted) {}

    /** A file with locations. */
    record Run(String name, long entries) {}

    /** Locations of blobs one after the other, each {@link #BYTES} long. */
    record Locations(ByteBuffer encoded) {
        /** {@code | MAC (32) | type (1) | packfile (4) | offset (8) | length (4) |}. */
        static final int BYTES = Mac.BYTES + 17;

        int size() {
            return encoded.capacity() / BYTES;
        }

        void giveTo(BlobIndex.Visitor visitor) {
            ByteBuffer in = encoded.duplicate().rewind();
            while (in.hasRemaining()) {
                Mac mac = mac(in);
                int type = in.get() & 0xff;
                int packfile = in.getInt();
                long offset = in.getLong();
                visitor.location(type, mac, packfile, offset, Integer.toUnsignedLong(in.getInt()));
            }
        }

        /** Gathers locations. */
        static final class Writer implements BlobIndex.Visitor {
            private ByteBuffer out = ByteBuffer.allocate(64 * BYTES);

            @Override
            public void location(int type, Mac mac, int packfile, long offset, long length) {
                if (out.remaining() < BYTES) {
                    out = ByteBuffer.allocate(out.capacity() * 2).put(out.flip());
                }
                out.putLong(mac.w0()).putLong(mac.w1()).putLong(mac.w2()).putLong(mac.w3());
                out.put((byte) type).putInt(packfile).putLong(offset).putInt((int) length);
            }

            Locations written() {
                return new Locations(out.flip().slice());
            }
        }
    }

    private static Mac mac(ByteBuffer in) {
        return new Mac(in.getLong(), in.getLong(), in.getLong(), in.getLong());
    }

    byte[] encode() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(states.size());
        for (Map.Entry<Mac, StateInfo> state : states.entrySet()) {
            out.write(state.getKey().toBytes());
            out.write(state.getValue().parent.toBytes());
            out.writeLong(state.getValue().timestamp);
        }
        out.writeInt(packfiles.size());
        for (Packfile packfile : packfiles) {
            out.write(packfile.name.toBytes());
            out.writeByte((packfile.isKnown ? 1 : 0) | (packfile.isDeleted ? 2 : 0));
        }
        out.writeInt(colourChanges.size());
        for (ColourChange change : colourChanges) {
            out.write(change.state.toBytes());
            out.write(change.packfile.toBytes());
            out.writeBoolean(change.isColoured);
            out.writeLong(change.whenNanos);
        }
        out.writeInt(snapshots.size());
        for (Map.Entry<Mac, Set<Integer>> snapshot : snapshots.entrySet()) {
            out.write(snapshot.getKey().toBytes());
            out.writeInt(snapshot.getValue().size());
            for (int packfile : snapshot.getValue()) {
                out.writeInt(packfile);
            }
        }
        out.writeInt(removedSnapshots.size());
        for (Mac snapshot : removedSnapshots) {
            out.write(snapshot.toBytes());
        }
        out.writeInt(runs.size());
        for (Run run : runs) {
            out.writeUTF(run.name);
            out.writeLong(run.entries);
        }
        byte[] rest = new byte[locations.encoded.capacity()];
        locations.encoded.get(0, rest);
        out.write(rest);
        return bytes.toByteArray();
    }

    /**
     * Reads what {@link #encode} wrote.
     *
     * @throws java.nio.BufferUnderflowException or another RuntimeException when it is something else
     */
    static StateFacts decode(ByteBuffer in) {
        Map<Mac, StateInfo> states = new HashMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            states.put(mac(in), new StateInfo(mac(in), in.getLong()));
        }
        List<Packfile> packfiles = new ArrayList<>();
        for (int left = in.getInt(); left > 0; left--) {
            Mac name = mac(in);
            byte flags = in.get();
            packfiles.add(new Packfile(name, (flags & 1) != 0, (flags & 2) != 0));
        }
        List<ColourChange> changes = new ArrayList<>();
        for (int left = in.getInt(); left > 0; left--) {
            changes.add(new ColourChange(mac(in), mac(in), in.get() != 0, in.getLong()));
        }
        Map<Mac, Set<Integer>> snapshots = new HashMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            Mac snapshot = mac(in);
            int count = in.getInt();
            snapshots.put(snapshot, count == 1 ? Set.of(in.getInt()) : ordinals(in, count));
        }
        Set<Mac> removed = new HashSet<>();
        for (int left = in.getInt(); left > 0; left--) {
            removed.add(mac(in));
        }
        List<Run> runs = new ArrayList<>();
        for (int left = in.getInt(); left > 0; left--) {
            byte[] name = new byte[in.getShort()];
            in.get(name);
            runs.add(new Run(new String(name, java.nio.charset.StandardCharsets.UTF_8), in.getLong()));
        }
        return new StateFacts(states, packfiles, changes, snapshots, removed, new Locations(in.slice()), runs);
    }

    private static Set<Integer> ordinals(ByteBuffer in, int count) {
        Set<Integer> ordinals = new HashSet<>();
        for (int left = count; left > 0; left--) {
            ordinals.add(in.getInt());
        }
        return ordinals;
    }

    /** Whether these facts can still hold: what was learned from a state that is gone would be wrong. */
    boolean areAllStates(Collection<Mac> areThere) {
        return new HashSet<>(areThere).containsAll(states.keySet());
    }
}
