// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The only place that chooses between scalar and vector kernels. {@code -Darmoire.simd=scalar} and {@code =vector} decide at
 * once; with {@code auto}, the default, a program starts scalar and stays so until it has hashed {@value #AUTO_AFTER_MIB} MiB:
 * loading the Vector API takes a quarter of a second, and until C2 has compiled a vector kernel it is ten times slower than
 * scalar code. From then on a daemon thread runs the vector kernel on dummy data, and the hashers change over once it is
 * found to be faster. Thread-safe.
 */
public final class Kernels {
    private static final String PROPERTY = "armoire.simd";
    private static final String MODULE = "jdk.incubator.vector";
    private static final int AUTO_AFTER_MIB = 64;
    private static final int MIN_VECTOR_BITS = 256;

    private static final long GIVE_UP_NANOS = 30_000_000_000L;
    private static final int PROBES = 8;
    private static final int WINS_IN_A_ROW = 3;
    /** Leaves the CPU to the compiler, and to those who wait for their data. */
    private static final long PAUSE_MILLIS = 5;

    private static final boolean MODE_HAS_MACHINE_CODE =
            System.getProperty(PROPERTY, "auto").matches("auto|native");
    private static final Kernels PROCESS =
            new Kernels(System.getProperty(PROPERTY, "auto"), (long) AUTO_AFTER_MIB << 20);

    /** Whether hashers use the vector kernel, and what led to it. */
    private record Choice(boolean vector, String why) {}

    private final @Nullable String refusal;
    private final long autoAfterBytes;
    private final AtomicLong hashedBytes = new AtomicLong();
    private final AtomicBoolean warmUpStarted;
    // Written by the warm-up thread after it has compiled the kernel, read by every hasher now and then.
    private volatile Choice choice;

    Kernels(String mode, long autoAfterBytes) {
        boolean module = ModuleLayer.boot().findModule(MODULE).isPresent();
        String unfit = null;
        boolean vector = false;
        String why = "asked for";
        boolean fixed = true;
        switch (mode) {
            case "scalar" -> {}
            case "vector" -> {
                vector = module;
                unfit = module ? null : "-Darmoire.simd=vector needs --add-modules=" + MODULE;
            }
            case "auto" -> {
                fixed = !module;
                why = module ? "until " + (autoAfterBytes >> 20) + " MiB are hashed" : "no module " + MODULE;
            }
            default -> unfit = "-Darmoire.simd must be auto, scalar or vector, found \"" + mode + "\"";
        }
        this.refusal = unfit;
        this.autoAfterBytes = autoAfterBytes;
        this.warmUpStarted = new AtomicBoolean(fixed);
        this.choice = new Choice(vector, why);
    }

    /**
     * Whether kernels run as machine code: where the CPU has AVX-512 and the system lets memory be executed, unless
     * {@code -Darmoire.simd} asks for another form.
     */
    static boolean machineCode() {
        return MODE_HAS_MACHINE_CODE && MachineCode.refusal() == null;
    }

    /** The choice of this process. */
    static Kernels ofProcess() {
        return PROCESS;
    }

    /**
     * Which BLAKE3 kernel runs now and why, for reports: {@code blake3 scalar (until 64 MiB are hashed)}.
     *
     * @throws IllegalArgumentException if {@code armoire.simd} asks for what cannot be had
     */
    public static String describe() {
        return PROCESS.description();
    }

    String description() {
        refuse();
        Choice now = choice;
        String kernel = now.vector() ? "vector, " + VectorBlake3.vectorBits() + " bits" : "scalar";
        return "blake3 " + kernel + " (" + now.why() + ")";
    }

    /** A new vector kernel, or null while hashing is scalar. */
    @Nullable
    LeafKernel leafKernel() {
        refuse();
        return choice.vector() ? new VectorBlake3() : null;
    }

    /** Takes note of bytes hashed by scalar code; answers like {@link #leafKernel()}. */
    @Nullable
    LeafKernel hashed(long bytes) {
        if (!warmUpStarted.get()
                && hashedBytes.addAndGet(bytes) >= autoAfterBytes
                && warmUpStarted.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("blake3-warm-up").start(this::warmUp);
        }
        return leafKernel();
    }

    private void refuse() {
        if (refusal != null) {
            throw new IllegalArgumentException(refusal);
        }
    }

    private void warmUp() {
        choice = new Choice(false, "vector kernel warming up");
        try {
            choice = compileAndCompare();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            choice = new Choice(false, "warm-up interrupted");
        } catch (RuntimeException | LinkageError e) {
            // The scalar kernel does the same work: a CPU or JDK that cannot run the other one is no error.
            choice = new Choice(false, "vector kernel failed: " + e);
        }
    }

    private static Choice compileAndCompare() throws InterruptedException {
        int bits = VectorBlake3.vectorBits();
        if (bits < MIN_VECTOR_BITS) {
            return new Choice(false, "vectors of " + bits + " bits only");
        }
        var kernel = new VectorBlake3();
        int width = kernel.width();
        int[] chunks = new int[width * Blake3.CHUNK_BYTES / Integer.BYTES];
        int[] key = new int[8];
        int[] cvs = new int[2 * width * key.length];
        int[] state = new int[16];
        long bestScalar = Long.MAX_VALUE;
        int wins = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < GIVE_UP_NANOS) {
            long bestVector = Long.MAX_VALUE;
            for (int probe = 0; probe < PROBES; probe++) {
                long begin = System.nanoTime();
                kernel.hashChunks(chunks, key, probe, 0, cvs, 0);
                kernel.hashParents(cvs, 0, key, 0, cvs, 0);
                bestVector = Math.min(bestVector, System.nanoTime() - begin);
            }
            long begin = System.nanoTime();
            for (int at = 0; at < chunks.length; at += 16) {
                ScalarBlake3.compress(state, chunks, at, 64, 0, 0);
            }
            bestScalar = Math.min(bestScalar, System.nanoTime() - begin);
            wins = bestVector < bestScalar / 3 * 2 ? wins + 1 : 0;
            if (wins == WINS_IN_A_ROW) {
                double times = (double) bestScalar / bestVector;
                long millis = (System.nanoTime() - start) / 1_000_000;
                return new Choice(
                        true, String.format(Locale.ROOT, "%.1f times scalar, warm after %d ms", times, millis));
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        return new Choice(false, "vector kernel not faster within " + GIVE_UP_NANOS / 1_000_000_000L + " s");
    }
}
