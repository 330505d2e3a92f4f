// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/** Where an importer delivers what it finds. Calls block while the engine is busy: that is the back-pressure. */
public interface ImportSink {
    /** An item. Order is free, but siblings together and sorted by name is fastest. Not called twice for one path. */
    void record(ImportRecord record);

    /** An item that could not be read, with the reason as people see it: {@code open /a/b: permission denied}. */
    void error(byte[] path, String message);

    /** True once the engine wants no more: the importer returns soon after. */
    boolean isStopped();
}
