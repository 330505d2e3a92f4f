// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.simd.Blake3Pieces.Piece;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** However a message is cut, and in whatever order its pieces are hashed and joined: its digest is what it is in one go. */
final class Blake3PiecesTest {
    private static final byte[] KEY = "whats the Elvish word for friend".getBytes(StandardCharsets.US_ASCII);

    private static byte[] inOneGo(byte[] message, Kernels kernels) {
        Blake3 hasher = Blake3.keyed(KEY, kernels);
        hasher.update(MemorySegment.ofArray(message));
        byte[] digest = new byte[Blake3.DIGEST_BYTES];
        hasher.digest(MemorySegment.ofArray(digest), 0);
        return digest;
    }

    /** Hashes the pieces between cuts, in an order drawn at random, and joins each with the neighbours that are there. */
    private static byte[] inPieces(byte[] message, List<Integer> cuts, Random random, Kernels kernels) {
        Blake3Pieces hasher = Blake3Pieces.keyed(KEY, kernels);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i + 1 < cuts.size(); i++) {
            order.add(i);
        }
        Collections.shuffle(order, random);
        TreeMap<Long, Piece> there = new TreeMap<>();
        for (int i : order) {
            int from = cuts.get(i);
            Piece piece = hasher.piece(MemorySegment.ofArray(message).asSlice(from, cuts.get(i + 1) - from), from);
            var before = there.lowerEntry(piece.from());
            if (before != null && before.getValue().to() == piece.from()) {
                there.remove(before.getKey());
                piece = hasher.join(before.getValue(), piece, message.length);
            }
            Piece after = there.remove(piece.to());
            if (after != null) {
                piece = hasher.join(piece, after, message.length);
            }
            there.put(piece.from(), piece);
        }
        return hasher.digest(there.get(0L));
    }

    private static List<Integer> cuts(int length, int pieces, Random random) {
        TreeSet<Integer> cuts = new TreeSet<>(List.of(0, length));
        for (int i = 1; i < pieces; i++) {
            int cut = random.nextInt(length + 1);
            cuts.add(random.nextInt(3) == 0 ? cut / 1024 * 1024 : cut);
        }
        return List.copyOf(cuts);
    }

    @ParameterizedTest
    @MethodSource("dev.armoire.simd.Vectors#kernels")
    void piecesMakeTheWhole(Kernels kernels) {
        Random random = new Random(17);
        int[] lengths = {1025, 2047, 2048, 2049, 3072, 4096, 4097, 8192, 16384, 16385, 17408, 65536, 131072, 200_001};
        for (int round = 0; round < 150; round++) {
            int length = round < 2 * lengths.length
                    ? lengths[round % lengths.length]
                    : 1025 + random.nextInt(1 << (6 + random.nextInt(14)));
            byte[] message = new byte[length];
            random.nextBytes(message);
            List<Integer> cuts = cuts(length, 2 + random.nextInt(1 << random.nextInt(8)), random);
            if (cuts.size() < 3) {
                continue;
            }
            assertThat(inPieces(message, cuts, random, kernels))
                    .as("%d bytes, round %d", length, round)
                    .isEqualTo(inOneGo(message, kernels));
        }
    }

    @Test
    void piecesOfSomeMebibytes() {
        Random random = new Random(18);
        byte[] message = new byte[21 << 20];
        random.nextBytes(message);
        for (int pieces : new int[] {2, 5, 40}) {
            List<Integer> cuts = cuts(message.length, pieces, random);
            assertThat(inPieces(message, cuts, random, Kernels.ofProcess()))
                    .isEqualTo(inOneGo(message, Kernels.ofProcess()));
        }
    }

    @Test
    void whatIsNoWholeIsRefused() {
        Blake3Pieces hasher = Blake3Pieces.keyed(KEY);
        Piece first = hasher.piece(MemorySegment.ofArray(new byte[3000]), 0);
        Piece third = hasher.piece(MemorySegment.ofArray(new byte[3000]), 6000);
        assertThatThrownBy(() -> hasher.join(first, third, 9000)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> hasher.digest(third)).isInstanceOf(IllegalArgumentException.class);
        Piece short1 = hasher.piece(MemorySegment.ofArray(new byte[10]), 0);
        assertThatThrownBy(() -> hasher.digest(short1)).isInstanceOf(IllegalArgumentException.class);
    }
}
