// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.engine.record.Entry;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the NIO interfaces want to know of an item of a snapshot. Only one time was recorded; it stands for all three. */
record SnapshotFileAttributes(Entry entry) implements PosixFileAttributes {
    /** Permissions in the order of their bits. */
    private static final PosixFilePermission[] PERMISSIONS = {
        PosixFilePermission.OTHERS_EXECUTE,
        PosixFilePermission.OTHERS_WRITE,
        PosixFilePermission.OTHERS_READ,
        PosixFilePermission.GROUP_EXECUTE,
        PosixFilePermission.GROUP_WRITE,
        PosixFilePermission.GROUP_READ,
        PosixFilePermission.OWNER_EXECUTE,
        PosixFilePermission.OWNER_WRITE,
        PosixFilePermission.OWNER_READ
    };

    /** A user or a group, by name, or by number where the name was not known. */
    record Principal(String name) implements GroupPrincipal {
        static Principal of(String name, long number) {
            return new Principal(name.isEmpty() ? Long.toUnsignedString(number) : name);
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** Items that share it are one file with several names. */
    private record Key(long device, long inode) {}

    private FileInfo info() {
        return entry.info();
    }

    private Kind kind() {
        return Kind.of(info().mode());
    }

    @Override
    public FileTime lastModifiedTime() {
        return FileTime.from(Instant.ofEpochSecond(info().mtimeSeconds(), info().mtimeNanos()));
    }

    @Override
    public FileTime lastAccessTime() {
        return lastModifiedTime();
    }

    @Override
    public FileTime creationTime() {
        return lastModifiedTime();
    }

    @Override
    public boolean isRegularFile() {
        return kind() == Kind.FILE;
    }

    @Override
    public boolean isDirectory() {
        return kind() == Kind.DIRECTORY;
    }

    @Override
    public boolean isSymbolicLink() {
        return kind() == Kind.SYMBOLIC_LINK;
    }

    @Override
    public boolean isOther() {
        return kind() == Kind.OTHER;
    }

    @Override
    public long size() {
        return info().size();
    }

    @Override
    public @Nullable Object fileKey() {
        return info().ino() == 0 ? null : new Key(info().dev(), info().ino());
    }

    @Override
    public UserPrincipal owner() {
        return Principal.of(info().username(), info().uid());
    }

    @Override
    public GroupPrincipal group() {
        return Principal.of(info().groupname(), info().gid());
    }

    @Override
    public Set<PosixFilePermission> permissions() {
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        int bits = FileMode.unixPermissions(info().mode());
        for (int i = 0; i < PERMISSIONS.length; i++) {
            if ((bits >> i & 1) != 0) {
                permissions.add(PERMISSIONS[i]);
            }
        }
        return permissions;
    }
}
