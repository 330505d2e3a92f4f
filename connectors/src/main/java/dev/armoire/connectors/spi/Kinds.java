// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.util.ServiceLoader;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds factories. That of folders on this machine is asked first, by its name: ServiceLoader opens jars and their manifests, for
 * 25 ms of each process, and most places are folders.
 */
final class Kinds {
    private static final String CONNECTORS = "dev.armoire.connectors.";

    private Kinds() {}

    /**
     * The first factory of a kind that a place is one for, or null.
     *
     * @param folders class of the factory of folders, below the package of the connectors
     */
    static <T> @Nullable T find(Class<T> kind, String folders, Predicate<T> accepts) {
        try {
            T first = Class.forName(CONNECTORS + folders)
                    .asSubclass(kind)
                    .getDeclaredConstructor()
                    .newInstance();
            if (accepts.test(first)) {
                return first;
            }
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("a connector is missing", e);
        }
        for (T factory : ServiceLoader.load(kind)) {
            if (accepts.test(factory)) {
                return factory;
            }
        }
        return null;
    }
}
