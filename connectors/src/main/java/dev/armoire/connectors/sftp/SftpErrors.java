// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.apache.sshd.sftp.common.SftpConstants;
import org.apache.sshd.sftp.common.SftpException;

/** Failures of a server and of the way to it, as people read them. */
final class SftpErrors {
    private SftpErrors() {}

    /** The kind of failure that {@code e} is, with what was tried and where in its message. */
    static IOException named(String what, String path, IOException e) {
        IOException named = switch (e) {
            case NoSuchFileException missing -> new NoSuchFileException(path, null, what + ": no such file");
            case AccessDeniedException denied -> new AccessDeniedException(path, null, what + ": permission denied");
            case FileAlreadyExistsException exists ->
                new FileAlreadyExistsException(path, null, what + ": it is there already");
            case SftpException failure -> ofStatus(what, path, failure);
            default -> new IOException(what + ": " + path + ": " + reason(e));
        };
        named.initCause(e);
        return named;
    }

    private static IOException ofStatus(String what, String path, SftpException e) {
        return switch (e.getStatus()) {
            case SftpConstants.SSH_FX_NO_SUCH_FILE, SftpConstants.SSH_FX_NO_SUCH_PATH ->
                new NoSuchFileException(path, null, what + ": no such file");
            case SftpConstants.SSH_FX_PERMISSION_DENIED, SftpConstants.SSH_FX_WRITE_PROTECT ->
                new AccessDeniedException(path, null, what + ": permission denied");
            case SftpConstants.SSH_FX_FILE_ALREADY_EXISTS ->
                new FileAlreadyExistsException(path, null, what + ": it is there already");
            case SftpConstants.SSH_FX_NO_CONNECTION, SftpConstants.SSH_FX_CONNECTION_LOST ->
                new IOException(what + ": " + path + ": the connection to the server is lost");
            default -> new IOException(what + ": " + path + ": the server says: " + said(e));
        };
    }

    private static String said(SftpException e) {
        String message = e.getMessage();
        return message == null || message.isBlank() ? SftpConstants.getStatusName(e.getStatus()) : message;
    }

    /** Why an item of a source or target failed, in the words that the local system has for it. */
    static String itemReason(IOException e) {
        if (e instanceof SftpException failure) {
            return switch (failure.getStatus()) {
                case SftpConstants.SSH_FX_NO_SUCH_FILE -> "no such file or directory";
                case SftpConstants.SSH_FX_PERMISSION_DENIED -> "permission denied";
                default -> "the server says: " + said(failure);
            };
        }
        return reason(e);
    }

    static boolean isMissing(IOException e) {
        return e instanceof SftpException failure
                && (failure.getStatus() == SftpConstants.SSH_FX_NO_SUCH_FILE
                        || failure.getStatus() == SftpConstants.SSH_FX_NO_SUCH_PATH);
    }

    /** In few words, without names of hosts and users that a message of the library may hold. */
    static String reason(Throwable e) {
        if (e.getClass() == IOException.class && e.getMessage() != null) {
            return e.getMessage();
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "no host of that name is known";
            }
            if (cause instanceof ConnectException) {
                return "nothing answers there";
            }
        }
        if (e instanceof SftpException failure) {
            return said(failure);
        }
        return "the connection is lost (" + e.getClass().getSimpleName() + ')';
    }
}
