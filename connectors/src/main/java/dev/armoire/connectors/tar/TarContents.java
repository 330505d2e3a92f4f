// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;

/** The contents of the files in a tar file, opened from many threads. */
interface TarContents extends AutoCloseable {
    /** What is stored of an item, without its holes. */
    ImportRecord.Content open(TarItem item) throws IOException;

    @Override
    void close();
}
