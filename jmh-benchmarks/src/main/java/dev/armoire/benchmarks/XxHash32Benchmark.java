// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.XxHash32;
import net.jpountz.xxhash.XXHash32;
import net.jpountz.xxhash.XXHashFactory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The checksum of LZ4 frames, next to lz4-java's in C and in Java. */
public class XxHash32Benchmark extends Suite {
    /** Both forms of lz4-java. */
    @State(Scope.Thread)
    public static class Judges {
        private final XXHash32 jni = XXHashFactory.nativeInstance().hash32();
        private final XXHash32 java = XXHashFactory.fastestJavaInstance().hash32();
    }

    /** Compares before anything is timed. */
    @State(Scope.Thread)
    public static class Ours {
        /** Compares the first checksum with lz4-java's. */
        @Setup
        public void prepare(Form form, Content content, Judges judges) {
            int expected = judges.jni.hash(content.heap, content.firstOffset(), content.size, 0);
            check(XxHash32.of(content.first()) == expected, "xxHash32 is not lz4-java's");
        }
    }

    /** Armoire. */
    @Benchmark
    public int hash(Form form, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return XxHash32.of(content.next());
    }

    /** lz4-java through JNI. */
    @Benchmark
    public int hashByLz4JavaJni(Content content, Judges judges, Bytes bytes) {
        bytes.bytes += content.size;
        return judges.jni.hash(content.heap, content.nextOffset(), content.size, 0);
    }

    /** lz4-java in Java. */
    @Benchmark
    public int hashByLz4Java(Content content, Judges judges, Bytes bytes) {
        bytes.bytes += content.size;
        return judges.java.hash(content.heap, content.nextOffset(), content.size, 0);
    }
}
