// SPDX-License-Identifier: ISC
package dev.armoire.index;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** All that holds in memory holds as well where most is in a file. */
class SpillingMacSetTest extends MacSetTest {
    @TempDir
    Path folder;

    @Override
    MacSet newSet(boolean hasNumbers) {
        return new MacSet(hasNumbers, folder, 16 * 400);
    }
}
