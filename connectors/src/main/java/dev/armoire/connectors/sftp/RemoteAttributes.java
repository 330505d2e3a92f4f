// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import java.io.IOException;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.BufferException;
import org.apache.sshd.sftp.client.impl.SftpResponse;
import org.apache.sshd.sftp.client.impl.SftpStatus;
import org.apache.sshd.sftp.common.SftpConstants;
import org.apache.sshd.sftp.common.SftpException;

/**
 * What a server tells of a file in version 3 of the protocol: 0 where it says nothing. The library's own takes half a KiB.
 *
 * @param permissions with the kind of file, as in Unix
 */
record RemoteAttributes(long size, int user, int group, int permissions, long mtimeSeconds) {
    static RemoteAttributes of(Buffer wire) {
        int flags = wire.getInt();
        long size = (flags & SftpConstants.SSH_FILEXFER_ATTR_SIZE) == 0 ? 0 : wire.getLong();
        boolean hasOwner = (flags & SftpConstants.SSH_FILEXFER_ATTR_UIDGID) != 0;
        int user = hasOwner ? wire.getInt() : 0;
        int group = hasOwner ? wire.getInt() : 0;
        int permissions = (flags & SftpConstants.SSH_FILEXFER_ATTR_PERMISSIONS) == 0 ? 0 : wire.getInt();
        long mtimeSeconds = 0;
        if ((flags & SftpConstants.SSH_FILEXFER_ATTR_ACMODTIME) != 0) {
            wire.getUInt();
            mtimeSeconds = wire.getUInt();
        }
        if ((flags & SftpConstants.SSH_FILEXFER_ATTR_EXTENDED) != 0) {
            for (int left = wire.getInt(); left > 0; left--) {
                wire.getBytes();
                wire.getBytes();
            }
        }
        return new RemoteAttributes(size, user, group, permissions, mtimeSeconds);
    }

    /** Those in the answer to a question for them. */
    static RemoteAttributes ofAnswer(SftpResponse answer) throws IOException {
        if (answer.getType() != SftpConstants.SSH_FXP_ATTRS) {
            SftpStatus status = SftpStatus.parse(answer);
            throw new SftpException(status.getStatusCode(), status.getMessage());
        }
        try {
            return of(answer.getBuffer());
        } catch (BufferException e) {
            throw new IOException("what the server tells of a file cannot be understood", e);
        }
    }
}
