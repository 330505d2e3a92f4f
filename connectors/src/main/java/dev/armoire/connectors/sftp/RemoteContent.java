// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.apache.sshd.sftp.client.FullAccessSftpClient;
import org.apache.sshd.sftp.client.SftpClient.CloseableHandle;
import org.apache.sshd.sftp.client.SftpClient.OpenMode;

/** One file of the server, read front to back. */
final class RemoteContent implements ImportRecord.Content {
    private final String path;
    private final FullAccessSftpClient channel;
    private final CloseableHandle handle;
    private long offset;

    RemoteContent(SftpConnection connection, String path) throws IOException {
        this.path = path;
        try {
            this.channel = connection.channel();
            this.handle = channel.open(path, OpenMode.Read);
        } catch (IOException e) {
            throw failure("open", e);
        }
    }

    private IOException failure(String what, IOException e) {
        return new IOException(what + ' ' + SftpConnection.text(path) + ": " + SftpErrors.itemReason(e), e);
    }

    @Override
    public long read(MemorySegment into) throws IOException {
        try {
            long count = SftpConnection.read(channel, handle, offset, into);
            offset += count;
            return count;
        } catch (IOException e) {
            throw failure("read", e);
        }
    }

    @Override
    public ImportRecord.Version version() throws IOException {
        try {
            FileInfo now = SftpImporter.info(channel.stat(handle));
            return new ImportRecord.Version(now.size(), now.mtimeSeconds(), now.mtimeNanos());
        } catch (IOException e) {
            throw failure("fstat", e);
        }
    }

    @Override
    public void close() {
        try {
            handle.close();
        } catch (IOException e) {
            // It was read; what the server does with its handle is not ours to tell.
        }
    }
}
