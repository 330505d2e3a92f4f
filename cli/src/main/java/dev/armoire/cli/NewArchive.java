// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.Location;
import dev.armoire.crypto.Hashing;
import dev.armoire.engine.archive.ArchiveBuilder;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.repository.MemoryBudget;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An archive that is to be made. What is at its place stays until the new one is whole.
 *
 * @param location a file, {@code ptar:-} for standard output, or an object of a bucket
 * @param replaces whether a file that is there may give way
 */
record NewArchive(Location location, boolean replaces) {
    /** A file, standard output, or an object of a bucket. */
    static Location parse(String text) {
        if (text.startsWith("s3://")) {
            return Location.parse(text);
        }
        return Location.parse("ptar:" + (text.equals("-") ? text : Path.of(text).toAbsolutePath()));
    }

    private boolean isLocal() {
        return location.scheme().equals("ptar");
    }

    /** As people name it. */
    String shown() {
        return isLocal() ? location.path() : location.toString();
    }

    boolean isStream() {
        return isLocal() && location.path().equals("-");
    }

    /** Where it will lie on this machine, or null. */
    @Nullable
    Path file() {
        return isStream() || !isLocal() ? null : Path.of(location.path()).toAbsolutePath();
    }

    /** Says so before a passphrase is asked for in vain. */
    void refuseExisting() {
        Path file = file();
        if (file != null && !replaces && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw exists(null);
        }
    }

    private CommandException exists(@Nullable Exception cause) {
        return new CommandException(
                ExitCode.ERROR, "ptar archive " + shown() + " already exists, use -overwrite to overwrite it", cause);
    }

    /**
     * Begins.
     *
     * @param passphrase null for one without encryption; wiped
     */
    ArchiveBuilder begin(
            Hashing hashing,
            Compression compression,
            byte @Nullable [] passphrase,
            MemoryBudget memory,
            BackupOptions options)
            throws IOException {
        NewStore made;
        try {
            made = NewStore.archive(hashing, compression, passphrase);
        } finally {
            if (passphrase != null) {
                Arrays.fill(passphrase, (byte) 0);
            }
        }
        try (made) {
            return ArchiveBuilder.begin(made, create(made.object()), Repository.thisHost(), memory, options);
        }
    }

    private ArchiveOutput create(byte[] config) {
        try {
            return Session.factory(location).createArchive(location, MemorySegment.ofArray(config), replaces);
        } catch (FileAlreadyExistsException e) {
            throw exists(e);
        } catch (IOException e) {
            throw new CommandException(ExitCode.CANNOT_CREATE, "cannot make an archive: " + Failures.message(e), e);
        }
    }

    /** Makes it visible; returns the bytes of its packfile and state. */
    long finish(ArchiveBuilder archive) throws IOException {
        try {
            return archive.finish();
        } catch (FileAlreadyExistsException e) {
            throw exists(e); // it was not there when this began
        }
    }
}
