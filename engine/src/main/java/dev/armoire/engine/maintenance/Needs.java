// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.PackWriter.Lane;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.BlobLocation;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.BooleanSupplier;

/** Which packfiles snapshots need, and how much of each. For one thread. */
final class Needs extends SnapshotBlobs {
    private final BitSet packfiles = new BitSet();
    private long[] liveBytes = new long[64];

    /** @param stopped asked now and then whether to give up */
    Needs(Repository repository, BooleanSupplier stopped) {
        super(repository, stopped);
    }

    /** Ordinals of the packfiles needed so far. */
    BitSet packfiles() {
        return packfiles;
    }

    /** Stored bytes of the blobs that are needed so far out of a packfile. */
    long liveBytes(int packfile) {
        return packfile < liveBytes.length ? liveBytes[packfile] : 0;
    }

    @Override
    boolean visit(Lane lane, int type, Mac mac, BlobLocation place) {
        int packfile = place.packfile();
        packfiles.set(packfile);
        if (packfile >= liveBytes.length) {
            liveBytes = Arrays.copyOf(liveBytes, Math.max(packfile + 1, 2 * liveBytes.length));
        }
        liveBytes[packfile] += place.length();
        return false;
    }
}
