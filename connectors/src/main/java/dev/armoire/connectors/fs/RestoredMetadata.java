// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter.Problems;
import dev.armoire.connectors.spi.Exporter.Xattr;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Gives restored items their owner, attributes, permissions and times, in this order: a change of owner clears setuid and
 * file capabilities, so neither may come before it. What cannot be set is told and left.
 */
final class RestoredMetadata {
    static final byte[] DEFAULT_ACCESS_LIST = "system.posix_acl_default".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ACCESS_LIST = "system.posix_acl_access".getBytes(StandardCharsets.US_ASCII);
    private static final long UNCHANGED = 0xffff_ffffL; // to chown it means "as it is": it can be no owner
    private static final int SET_ID = 06000;

    private final boolean restorePermissions;
    private final Problems problems;

    /** The ways to change an item: by an open descriptor, or by a name in a directory. Each returns 0 or -errno. */
    private interface Item {
        int owner(long uid, long gid);

        int xattr(Xattr xattr);

        int removeXattr(byte[] attribute);

        int permissions(int bits);

        int time(long seconds, int nanos);
    }

    RestoredMetadata(boolean restorePermissions, Problems problems) {
        this.restorePermissions = restorePermissions;
        this.problems = problems;
    }

    /**
     * For a file or directory, open to read or write.
     *
     * @param inherits whether it may have an access list from its surroundings, which must go
     */
    void restore(Posix posix, int fd, boolean inherits, byte[] path, FileInfo info, List<Xattr> xattrs) {
        restore(inherits, path, info, xattrs, new Item() {
            @Override
            public int owner(long uid, long gid) {
                return posix.fchown(fd, uid, gid);
            }

            @Override
            public int xattr(Xattr xattr) {
                return posix.setXattr(fd, xattr.name(), xattr.value());
            }

            @Override
            public int removeXattr(byte[] attribute) {
                return posix.removeXattr(fd, attribute);
            }

            @Override
            public int permissions(int bits) {
                return posix.fchmod(fd, bits);
            }

            @Override
            public int time(long seconds, int nanos) {
                return posix.setMtime(fd, seconds, nanos);
            }
        });
    }

    /** For what must not be opened: symbolic links and special files. */
    void restoreAt(
            Posix posix,
            DirectoryHandles.Handle directory,
            byte[] name,
            byte[] path,
            FileInfo info,
            List<Xattr> xattrs) {
        int parent = directory.fd();
        boolean inherits = directory.passesAccessList() && !FileMode.isSymlink(info.mode());
        int fd = posix.openat(parent, name, OpenFlags.PATH | OpenFlags.NO_FOLLOW, 0);
        if (fd < 0) {
            problems.lost(path, "owner, permissions, attributes and time: " + Errno.text(-fd));
            return;
        }
        try {
            restore(inherits, path, info, xattrs, new Item() {
                @Override
                public int owner(long uid, long gid) {
                    return posix.chownat(parent, name, uid, gid);
                }

                @Override
                public int xattr(Xattr xattr) {
                    return posix.setXattrOfPath(fd, xattr.name(), xattr.value());
                }

                @Override
                public int removeXattr(byte[] attribute) {
                    return posix.removeXattrOfPath(fd, attribute);
                }

                @Override
                public int permissions(int bits) {
                    return FileMode.isSymlink(info.mode()) ? 0 : posix.chmodOfPath(fd, bits); // links have none
                }

                @Override
                public int time(long seconds, int nanos) {
                    return posix.setMtimeAt(parent, name, seconds, nanos);
                }
            });
        } finally {
            posix.closeFile(fd);
        }
    }

    private void restore(boolean inherits, byte[] path, FileInfo info, List<Xattr> xattrs, Item item) {
        boolean isOwned = restorePermissions && restoreOwner(path, info, item);
        if (restorePermissions && inherits) {
            removeAccessList(path, ACCESS_LIST, item);
            if (FileMode.isDirectory(info.mode())) {
                removeAccessList(path, DEFAULT_ACCESS_LIST, item);
            }
        }
        for (Xattr xattr : xattrs) {
            if (restorePermissions || !grantsRights(xattr)) {
                restoreXattr(path, xattr, item);
            }
        }
        if (restorePermissions) {
            restoreMode(path, info, isOwned, item);
        }
        int failed = item.time(info.mtimeSeconds(), info.mtimeNanos());
        if (failed != 0) {
            problems.lost(path, "time of last change: " + Errno.text(-failed));
        }
    }

    private boolean restoreOwner(byte[] path, FileInfo info, Item item) {
        boolean isPossible = isPossible(info.uid()) && isPossible(info.gid());
        int failed = isPossible ? item.owner(info.uid(), info.gid()) : -Errno.EINVAL;
        if (failed == 0) {
            return true;
        }
        if (isPossible(info.gid())) {
            item.owner(UNCHANGED, info.gid()); // any user may give a file to a group of theirs: better than nothing
        }
        problems.lost(path, "owner " + info.uid() + ":" + info.gid() + ": " + Errno.text(-failed));
        return false;
    }

    private static boolean isPossible(long id) {
        return id >= 0 && id < UNCHANGED;
    }

    private void removeAccessList(byte[] path, byte[] list, Item item) {
        int failed = item.removeXattr(list);
        if (failed != 0 && failed != -Errno.ENODATA && failed != -Errno.EOPNOTSUPP) {
            problems.lost(path, "removal of " + BytePath.text(list) + ": " + Errno.text(-failed));
        }
    }

    private void restoreXattr(byte[] path, Xattr xattr, Item item) {
        int failed = item.xattr(xattr);
        if (failed != 0) {
            problems.lost(path, "attribute " + BytePath.text(xattr.name()) + ": " + Errno.text(-failed));
        }
    }

    /** Access lists and file capabilities are permissions by another name. */
    private static boolean grantsRights(Xattr xattr) {
        String name = BytePath.text(xattr.name());
        return name.startsWith("system.posix_acl_") || name.equals("security.capability");
    }

    private void restoreMode(byte[] path, FileInfo info, boolean isOwned, Item item) {
        int bits = FileMode.unixPermissions(info.mode());
        if (!isOwned && (bits & SET_ID) != 0 && !FileMode.isSymlink(info.mode())) {
            bits &= ~SET_ID; // would run with the rights of whoever restores
            problems.lost(path, "setuid and setgid bits: not set for another owner than the stored one");
        }
        int failed = item.permissions(bits);
        if (failed != 0) {
            problems.lost(path, "permissions " + Integer.toOctalString(bits) + ": " + Errno.text(-failed));
        }
    }
}
