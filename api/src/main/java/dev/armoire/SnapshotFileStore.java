// SPDX-License-Identifier: ISC
package dev.armoire;

import java.nio.file.FileStore;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import org.jspecify.annotations.Nullable;

/** A snapshot as a volume: as large as what is in it, and full. */
final class SnapshotFileStore extends FileStore {
    private final SnapshotFileSystem fileSystem;

    SnapshotFileStore(SnapshotFileSystem fileSystem) {
        this.fileSystem = fileSystem;
    }

    @Override
    public String name() {
        return fileSystem.storeLocation() + " " + fileSystem.snapshotId();
    }

    @Override
    public String type() {
        return ArmoireFileSystemProvider.SCHEME;
    }

    @Override
    public boolean isReadOnly() {
        return true;
    }

    @Override
    public long getTotalSpace() {
        return fileSystem.size();
    }

    @Override
    public long getUsableSpace() {
        return 0;
    }

    @Override
    public long getUnallocatedSpace() {
        return 0;
    }

    @Override
    public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) {
        return ArmoireFileSystemProvider.isSupported(type);
    }

    @Override
    public boolean supportsFileAttributeView(String name) {
        return SnapshotFileSystem.VIEWS.contains(name);
    }

    @Override
    public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> type) {
        return null;
    }

    @Override
    public Object getAttribute(String attribute) {
        throw new UnsupportedOperationException("no attribute " + attribute);
    }
}
