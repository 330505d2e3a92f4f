// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import java.io.IOException;
import java.util.Map;

/** Settings of this connector. Unknown words are refused: a misspelled one must not be taken for the default. */
record FsSettings(boolean staysOnFileSystem) {
    private static final String ONE_FILE_SYSTEM = "dont_traverse_fs";

    static FsSettings forImport(Map<String, String> settings) throws IOException {
        boolean stays = false;
        for (var setting : settings.entrySet()) {
            if (!setting.getKey().equals(ONE_FILE_SYSTEM)) {
                throw new IOException("fs: unknown setting " + setting.getKey() + "; known is " + ONE_FILE_SYSTEM
                        + "=true, which leaves out other file systems mounted below the source");
            }
            stays = switch (setting.getValue()) {
                case "true" -> true;
                case "false" -> false;
                default ->
                    throw new IOException(
                            "fs: setting " + ONE_FILE_SYSTEM + " is true or false, not " + setting.getValue());
            };
        }
        return new FsSettings(stays);
    }

    static void forExport(Map<String, String> settings) throws IOException {
        if (!settings.isEmpty()) {
            throw new IOException("fs: unknown setting " + String.join(", ", settings.keySet())
                    + "; restoring to a file system has no settings");
        }
    }
}
