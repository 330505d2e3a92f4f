// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.util.Arrays;
import java.util.stream.IntStream;

/** The format's definitions (1 §17), word for word, with the library's table. */
final class ReferenceChunkers {
    private ReferenceChunkers() {}

    static int cut(Chunker chunker, byte[] data, int at, int window) {
        String algorithm = chunker.algorithm();
        if (algorithm.startsWith("fixed")) {
            return Math.min(window, chunker.normalSize());
        }
        if (algorithm.startsWith("ultracdc")) {
            return ultraCdc(chunker, data, at, window);
        }
        return algorithm.startsWith("jc") ? jc(chunker, data, at, window) : fastCdc(chunker, data, at, window);
    }

    private static boolean areDefaults(Chunker chunker) {
        return chunker.minSize() == 2048 && chunker.normalSize() == 8192 && chunker.maxSize() == 65536;
    }

    private static int log2(int n) {
        return (int) Math.floor(Math.log(n) / Math.log(2) + 1e-9);
    }

    private static long mask(int ones) {
        return IntStream.range(0, ones)
                .mapToLong(i -> 1L << (63 - i * (64 / ones)))
                .reduce(0, (a, b) -> a | b);
    }

    private static int fastCdc(Chunker chunker, byte[] data, int at, int window) {
        int n = window;
        int normal = chunker.normalSize();
        if (n <= chunker.minSize()) {
            return n;
        }
        if (n >= chunker.maxSize()) {
            n = chunker.maxSize();
        } else if (n <= normal) {
            normal = n;
        }
        boolean legacy = !chunker.algorithm().equals("fastcdc-v1.0.0") || areDefaults(chunker);
        int bits = log2(chunker.normalSize());
        long fp = 0;
        long mask = legacy ? 0x0003590703530000L : mask(bits + 2);
        for (int i = chunker.minSize(); i < n; i++) {
            if (i == normal) {
                mask = legacy ? 0x0000d90003530000L : mask(bits - 2);
            }
            fp = (fp << 1) + GearTable.GEAR[data[at + i] & 0xff];
            if ((fp & mask) == 0) {
                return i;
            }
        }
        return n;
    }

    private static int jc(Chunker chunker, byte[] data, int at, int window) {
        int n = window;
        if (!chunker.algorithm().equals("jc-v1.1.0") && n <= chunker.normalSize()) {
            return n;
        }
        n = Math.min(n, chunker.maxSize());
        int ones = log2(chunker.normalSize()) - 1;
        boolean computed = chunker.algorithm().equals("jc-v1.0.0") && !areDefaults(chunker);
        long maskC = computed ? mask(ones) : 0x590003570000L;
        long maskJ = computed ? maskC & (maskC - 1) : 0x590003560000L;
        long fp = 0;
        int i = chunker.minSize();
        while (i < n) {
            fp = (fp << 1) + GearTable.GEAR[data[at + i] & 0xff];
            if ((fp & maskJ) == 0) {
                if ((fp & maskC) == 0) {
                    return i;
                }
                fp = 0;
                i += 1 << ones;
            } else {
                i++;
            }
        }
        return Math.min(i, n);
    }

    private static int ultraCdc(Chunker chunker, byte[] data, int at, int window) {
        int n = Math.min(window, chunker.maxSize());
        int min = chunker.minSize();
        if (n < min + 8) {
            return n;
        }
        int out = min;
        int dist = 0;
        for (int i = min; i < min + 8; i++) {
            dist += distance(data[at + i]);
        }
        int low = 0;
        for (int i = min + 8; i <= n - 8; i += 8) {
            int mask = i >= Math.min(chunker.normalSize(), n) ? 0x2C : 0x2F;
            if (Arrays.equals(data, at + i, at + i + 8, data, at + out, at + out + 8)) {
                if (++low >= 64) {
                    return i + 8;
                }
                continue;
            }
            low = 0;
            for (int j = 0; j < 8; j++) {
                if ((dist & mask) == 0) {
                    return chunker.algorithm().equals("ultracdc") ? i + j : i + 8;
                }
                dist += distance(data[at + i + j]) - distance(data[at + i + j - 8]);
            }
            out = i;
        }
        return n;
    }

    private static int distance(byte b) {
        return Integer.bitCount((b & 0xff) ^ 0xAA);
    }
}
