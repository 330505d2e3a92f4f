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

    /** A file of which it is expected that it has so many bytes, few, read at once with few round trips. */
    static ImportRecord.Content ofSize(SftpConnection connection, String path, int size) throws IOException {
        SftpConnection.Whole whole;
        try {
            whole = connection.readWhole(path, size);
        } catch (IOException e) {
            whole = null; // one step after the other shows what fails
        }
        return whole == null ? new RemoteContent(connection, path) : new InMemory(whole);
    }

    /** One that was read. */
    private static final class InMemory implements ImportRecord.Content {
        private final SftpConnection.Whole whole;
        private int offset;

        InMemory(SftpConnection.Whole whole) {
            this.whole = whole;
        }

        @Override
        public long read(MemorySegment into) {
            int count = (int) Math.min(into.byteSize(), whole.bytes().length - offset);
            MemorySegment.copy(MemorySegment.ofArray(whole.bytes()), offset, into, 0, count);
            offset += count;
            return count;
        }

        @Override
        public ImportRecord.Version version() {
            return new ImportRecord.Version(whole.bytes().length, whole.mtimeSeconds(), 0);
        }

        @Override
        public void close() {}
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
