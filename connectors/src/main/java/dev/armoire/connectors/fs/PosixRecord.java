// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.util.List;

/** An item that a walk has met. Usable until its importer is closed. */
final class PosixRecord implements ImportRecord {
    private final PosixImporter importer;
    private final byte[] path;
    private final FileInfo info;
    private final byte[] linkTarget;
    private final List<byte[]> xattrNames;

    PosixRecord(PosixImporter importer, byte[] path, FileInfo info, byte[] linkTarget, List<byte[]> xattrNames) {
        this.importer = importer;
        this.path = path;
        this.info = info;
        this.linkTarget = linkTarget;
        this.xattrNames = xattrNames;
    }

    @Override
    public byte[] path() {
        return path;
    }

    @Override
    public FileInfo info() {
        return info;
    }

    @Override
    public byte[] linkTarget() {
        return linkTarget;
    }

    @Override
    public List<byte[]> xattrNames() {
        return xattrNames;
    }

    @Override
    public byte[] readXattr(byte[] name) throws IOException {
        return importer.readXattr(path, name);
    }

    @Override
    public boolean readAhead() {
        return importer.readAhead(path, info);
    }

    @Override
    public Content open() throws IOException {
        if (!FileMode.isRegular(info.mode())) {
            throw new IOException("open " + BytePath.text(path) + ": not a regular file");
        }
        return importer.openContent(path, info.uid());
    }
}
