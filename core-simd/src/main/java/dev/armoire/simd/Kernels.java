// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The only place that chooses between the forms of kernels. {@code -Darmoire.simd=scalar}, {@code =vector}, {@code =native}
 * and {@code =avx2}, which is native code without AVX-512, decide at once. With {@code auto}, the default, machine code runs where it can: it is at full speed from its first call. To
 * get it ready takes longer than to hash a little, so without {@link #prepare} the first {@value #NATIVE_AFTER_KIB} KiB are left to
 * scalar code.
 * Elsewhere BLAKE3 starts scalar and stays so until {@value #AUTO_AFTER_MIB} MiB are hashed: loading the Vector API takes
 * a quarter of a second, and until C2 has compiled a vector kernel it is ten times slower than scalar code. From then on
 * a daemon thread runs the vector kernel on dummy data, and the hashers change over once it is found to be faster.
 * Thread-safe.
 */
public final class Kernels {
    private static final String PROPERTY = "armoire.simd";
    private static final String MODULE = "jdk.incubator.vector";
    private static final String MACHINE_CODE_MODES = "auto|native|avx2";
    private static final int AUTO_AFTER_MIB = 64;
    /** Some milliseconds of work for interpreted code, where getting machine code ready takes 30 and more. */
    private static final int NATIVE_AFTER_KIB = 64;

    private static final int MIN_VECTOR_BITS = 256;

    private static final long GIVE_UP_NANOS = 30_000_000_000L;
    private static final int PROBES = 8;
    private static final int WINS_IN_A_ROW = 3;
    /** Leaves the CPU to the compiler, and to those who wait for their data. */
    private static final long PAUSE_MILLIS = 5;

    private static final String MODE = System.getProperty(PROPERTY, "auto");
    private static final Kernels PROCESS = MODE.equals("auto") ? new Kernels() : of(MODE);

    /** Apart, because to find out takes the linker of native calls. */
    private static final class OfProcessor {
        static final boolean MACHINE_CODE = MODE.matches(MACHINE_CODE_MODES) && MachineCode.refusal() == null;
        static final boolean AVX512 = MACHINE_CODE && !MODE.equals("avx2") && MachineCode.hasAvx512();
    }

    /** How BLAKE3 is computed. */
    enum Form {
        SCALAR,
        VECTOR,
        AVX2,
        AVX512;

        private static Form ofMachineCode() {
            return MachineCode.hasAvx512() ? AVX512 : AVX2;
        }

        Blake3Kernel kernel(int[] key, int modeFlags) {
            return switch (this) {
                case SCALAR -> new ScalarBlake3(key, modeFlags);
                case VECTOR -> new VectorBlake3(key, modeFlags);
                case AVX2 -> new NativeBlake3(key, modeFlags, false);
                case AVX512 -> new NativeBlake3(key, modeFlags, true);
            };
        }

        private String description() {
            return switch (this) {
                case SCALAR -> "scalar";
                case VECTOR -> "vector, " + VectorBlake3.vectorBits() + " bits";
                case AVX2 -> "native, AVX2";
                case AVX512 -> "native, AVX-512";
            };
        }
    }

    /** The form that hashers use, and what led to it. */
    private record Choice(Form form, String why) {}

    private final @Nullable String refusal;
    private final long autoAfterBytes;
    private final AtomicLong hashedBytes = new AtomicLong();
    private final AtomicBoolean warmUpStarted;
    // Written by the warm-up thread after it has compiled the kernel, read by every hasher now and then.
    private volatile Choice choice;
    /** Whether nobody has asked yet what this processor can do. Written once, after {@link #choice}. */
    private volatile boolean isUndecided;

    /** What {@code -Darmoire.simd=}{@code mode} gives. */
    static Kernels of(String mode) {
        String refusal = mode.matches(MACHINE_CODE_MODES) ? MachineCode.refusal() : null;
        return new Kernels(mode, refusal, (long) AUTO_AFTER_MIB << 20);
    }

    /** Scalar until it is worth to find out what there is. */
    private Kernels() {
        this.refusal = null;
        this.autoAfterBytes = (long) AUTO_AFTER_MIB << 20;
        this.warmUpStarted = new AtomicBoolean(true);
        this.choice = new Choice(Form.SCALAR, "until " + NATIVE_AFTER_KIB + " KiB are hashed");
        this.isUndecided = true;
    }

    /**
     * @param noMachineCode why machine code cannot run, or null if it can
     * @param autoAfterBytes when {@code auto} begins to compile the vector kernel, if it cannot
     */
    Kernels(String mode, @Nullable String noMachineCode, long autoAfterBytes) {
        boolean module = hasVectorModule();
        this.autoAfterBytes = autoAfterBytes;
        Form form = Form.SCALAR;
        String unfit = null;
        switch (mode) {
            case "scalar" -> {}
            case "vector" -> {
                form = Form.VECTOR;
                unfit = module ? null : "-Darmoire.simd=vector needs --add-modules=" + MODULE;
            }
            case "native", "avx2" -> {
                form = mode.equals("avx2") ? Form.AVX2 : Form.ofMachineCode();
                unfit = noMachineCode == null ? null : "-Darmoire.simd=" + mode + " cannot be had: " + noMachineCode;
            }
            case "auto" -> {}
            default -> unfit = "-Darmoire.simd must be auto, native, avx2, scalar or vector, found \"" + mode + "\"";
        }
        this.refusal = unfit;
        boolean isAuto = mode.equals("auto");
        this.warmUpStarted = new AtomicBoolean(!(isAuto && canWarmUp(noMachineCode)));
        this.choice = isAuto ? automatic(noMachineCode) : new Choice(form, "asked for");
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule(MODULE).isPresent();
    }

    private static boolean canWarmUp(@Nullable String noMachineCode) {
        return noMachineCode != null && hasVectorModule();
    }

    private Choice automatic(@Nullable String noMachineCode) {
        if (noMachineCode == null) {
            return new Choice(Form.ofMachineCode(), "CPU and system allow it");
        }
        String till = hasVectorModule() ? "until " + (autoAfterBytes >> 20) + " MiB are hashed" : "no module " + MODULE;
        return new Choice(Form.SCALAR, till + "; " + noMachineCode);
    }

    private synchronized void decide() {
        if (isUndecided) {
            String noMachineCode = MachineCode.refusal();
            choice = automatic(noMachineCode);
            warmUpStarted.set(!canWarmUp(noMachineCode));
            isUndecided = false;
        }
    }

    /**
     * Whether kernels run as machine code: where the CPU has AVX2 and the system lets memory be executed, unless
     * {@code -Darmoire.simd} asks for another form.
     */
    static boolean machineCode() {
        return OfProcessor.MACHINE_CODE;
    }

    /** Whether that machine code is for AVX-512. */
    static boolean avx512() {
        return OfProcessor.AVX512;
    }

    /**
     * Whether {@code -Darmoire.simd} wants the Vector API wherever it can be used.
     *
     * @throws IllegalArgumentException if it asks for what cannot be had
     */
    static boolean asksForVector() {
        PROCESS.refuse();
        return MODE.equals("vector");
    }

    /** The choice of this process. */
    static Kernels ofProcess() {
        return PROCESS;
    }

    /**
     * Gets the kernels ready, which costs some 80 ms at the first use of machine code in a process. For a thread of its own,
     * beside whatever else has to be done first; failures come again where the kernels are used.
     */
    public static void prepare() {
        PROCESS.decide();
        if (machineCode()) {
            Blake3 hasher = Blake3.plain();
            hasher.update(new byte[2 * Blake3.CHUNK_BYTES], 0, 2 * Blake3.CHUNK_BYTES);
            hasher.digest(MemorySegment.ofArray(new byte[Blake3.DIGEST_BYTES]), 0);
        }
    }

    /**
     * Which kernels run now and why, for reports: {@code blake3 scalar (until 64 MiB are hashed), gear scalar}.
     *
     * @throws IllegalArgumentException if {@code armoire.simd} asks for what cannot be had
     */
    public static String describe() {
        PROCESS.decide();
        return PROCESS.description() + ", " + GearForm.describe();
    }

    @Override
    public String toString() {
        return description();
    }

    String description() {
        refuse();
        Choice now = choice;
        return "blake3 " + now.form().description() + " (" + now.why() + ")";
    }

    /** What a new hasher uses. */
    Form form() {
        refuse();
        return choice.form();
    }

    /** Takes note of bytes hashed by scalar code; answers like {@link #form()}. */
    Form hashed(long bytes) {
        if (isUndecided && hashedBytes.addAndGet(bytes) >= (long) NATIVE_AFTER_KIB << 10) {
            decide();
        }
        if (!warmUpStarted.get()
                && hashedBytes.addAndGet(bytes) >= autoAfterBytes
                && warmUpStarted.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("blake3-warm-up").start(this::warmUp);
        }
        return form();
    }

    private void refuse() {
        if (refusal != null) {
            throw new IllegalArgumentException(refusal);
        }
    }

    private void warmUp() {
        choice = new Choice(Form.SCALAR, "vector kernel warming up");
        try {
            choice = compileAndCompare();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            choice = new Choice(Form.SCALAR, "warm-up interrupted");
        } catch (RuntimeException | LinkageError e) {
            // The scalar kernel does the same work: a CPU or JDK that cannot run the other one is no error.
            choice = new Choice(Form.SCALAR, "vector kernel failed: " + e);
        }
    }

    private static Choice compileAndCompare() throws InterruptedException {
        int bits = VectorBlake3.vectorBits();
        if (bits < MIN_VECTOR_BITS) {
            return new Choice(Form.SCALAR, "vectors of " + bits + " bits only");
        }
        var kernel = new VectorBlake3(new int[Blake3.CV_WORDS], 0);
        int width = VectorBlake3.width();
        int[] chunks = new int[width * Blake3.CHUNK_BYTES / Integer.BYTES];
        int[] cvs = new int[2 * width * Blake3.CV_WORDS];
        int[] state = new int[16];
        long bestScalar = Long.MAX_VALUE;
        int wins = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < GIVE_UP_NANOS) {
            long bestVector = Long.MAX_VALUE;
            for (int probe = 0; probe < PROBES; probe++) {
                long begin = System.nanoTime();
                kernel.hashChunks(chunks, probe, cvs, 0);
                kernel.hashParents(cvs, 0, cvs, 0);
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
                        Form.VECTOR, String.format(Locale.ROOT, "%.1f times scalar, warm after %d ms", times, millis));
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        return new Choice(Form.SCALAR, "vector kernel not faster within " + GIVE_UP_NANOS / 1_000_000_000L + " s");
    }
}
