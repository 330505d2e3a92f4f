// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/** What a storage holds beside CONFIG. */
public enum ObjectKind {
    PACKFILE("packfiles"),
    STATE("states"),
    LOCK("locks"),
    /** What heals packfiles; an addition of Armoire's that Plakar never looks at. Stores have the folder when they have some. */
    PARITY("parity");

    private final String folder;

    ObjectKind(String folder) {
        this.folder = folder;
    }

    /** The folder, key prefix or URL part under which a storage keeps them. */
    public String folder() {
        return folder;
    }
}
