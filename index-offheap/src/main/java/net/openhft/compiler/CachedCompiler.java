// SPDX-License-Identifier: ISC
package net.openhft.compiler;

import java.util.function.Consumer;
import java.util.function.Function;
import javax.tools.StandardJavaFileManager;
import org.jspecify.annotations.Nullable;

/** A compiler that compiles nothing: what is needed was generated when Armoire was built. */
public final class CachedCompiler {
    /** Set by Chronicle Values, and of no use here. */
    public volatile @Nullable Function<StandardJavaFileManager, MyJavaFileManager> fileManagerOverride;

    CachedCompiler() {}

    public void updateFileManagerForClassLoader(ClassLoader classLoader, Consumer<MyJavaFileManager> update) {}

    /** Says which class the build should have generated. */
    @SuppressWarnings("DoNotCallSuggester") // Chronicle Values calls it
    public Class<?> loadFromJava(ClassLoader classLoader, String className, String javaCode)
            throws ClassNotFoundException {
        throw new ClassNotFoundException(className + " was not generated when Armoire was built");
    }
}
