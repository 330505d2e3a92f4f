// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/**
 * What is known of a file beside its path and content; the fields of format 2a §4.1 and the device number.
 *
 * @param size bytes, as stat gives them; -1 when a source cannot know before reading
 * @param mode Go's FileMode bits (format 2a §5), see {@link FileMode}
 * @param mtimeSeconds seconds since 1970 UTC, negative before
 * @param mtimeNanos 0 to 999,999,999, always forward from the second
 * @param nlink number of hard links
 * @param username name of the owner, empty when unknown
 * @param groupname name of the group, empty when unknown
 * @param rdev device number of a device node as major &lt;&lt; 32 | minor, or {@link #UNKNOWN_RDEV}; else 0
 */
public record FileInfo(
        long size,
        int mode,
        long mtimeSeconds,
        int mtimeNanos,
        long dev,
        long ino,
        long uid,
        long gid,
        long nlink,
        String username,
        String groupname,
        long rdev) {
    /** Of a device node in a snapshot by Plakar, which does not keep the number. */
    public static final long UNKNOWN_RDEV = -1;

    /** The same with another size. */
    public FileInfo withSize(long newSize) {
        return new FileInfo(
                newSize, mode, mtimeSeconds, mtimeNanos, dev, ino, uid, gid, nlink, username, groupname, rdev);
    }

    /** The same with another owner and group. */
    public FileInfo withOwner(long newUid, String newUser, long newGid, String newGroup) {
        return new FileInfo(
                size, mode, mtimeSeconds, mtimeNanos, dev, ino, newUid, newGid, nlink, newUser, newGroup, rdev);
    }

    /** The same with another device number. */
    public FileInfo withRdev(long newRdev) {
        return new FileInfo(
                size, mode, mtimeSeconds, mtimeNanos, dev, ino, uid, gid, nlink, username, groupname, newRdev);
    }
}
