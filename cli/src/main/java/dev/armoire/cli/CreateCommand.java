// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Location;
import dev.armoire.crypto.Hashing;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** {@code create}: makes a store. */
final class CreateCommand implements Command {
    @Override
    public String usage() {
        return "create [-plaintext] [-no-compression] [-compression LZ4|ZSTD] [-hashing BLAKE3|SHA256] [-weak-passphrase]";
    }

    @Override
    public String description() {
        return """
            Makes an empty store at STORE, encrypted with a passphrase unless -plaintext is
            given. The passphrase comes from -keyfile, the environment (ARMOIRE_PASSPHRASE
            or PLAKAR_PASSPHRASE), stores.yml, or is asked for twice; a typed one must be
            strong. There is no way to read a store whose passphrase is lost.

            -compression ZSTD makes a smaller store, in more time, that Plakar up to v1.1.4
            refuses to open.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("plaintext", "do not encrypt")
                .flag("no-compression", "do not compress")
                .value("compression", "LZ4|ZSTD", "how to compress (default LZ4)")
                .value("hashing", "BLAKE3|SHA256", "how to name content (default BLAKE3)")
                .flag("weak-passphrase", "take a weak passphrase, too");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("create takes no argument: armoire at STORE create");
        }
        Hashing hashing = hashing(arguments.get("hashing", "BLAKE3"));
        Compression compression = compression(arguments);
        Location location = session.place().location();
        refuseStore(session.place());
        byte[] passphrase = arguments.is("plaintext")
                ? null
                : session.passphrases().forCreating(arguments.is("weak-passphrase"), session.report());
        UUID id = create(session, hashing, compression, passphrase);
        String shown = session.place().isDefault()
                ? ""
                : "at " + (session.place().localPath() == null ? location.toString() : location.path()) + " ";
        session.report()
                .summary(
                        "created repository " + id + " at " + location + "; back up into it with `armoire " + shown
                                + "backup DIR`",
                        "created",
                        "repository",
                        id,
                        "location",
                        location,
                        "encrypted",
                        !arguments.is("plaintext"));
        return ExitCode.OK;
    }

    static Hashing hashing(String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "BLAKE3" -> Hashing.BLAKE3;
            case "SHA256" -> Hashing.SHA256;
            default -> throw CommandException.usage("unknown hashing algorithm " + name + ": BLAKE3 or SHA256");
        };
    }

    static Compression compression(Flags.Arguments arguments) {
        String name = arguments.get("compression");
        if (!arguments.is("no-compression")) {
            return switch (name == null ? "LZ4" : name.toUpperCase(Locale.ROOT)) {
                case "LZ4" -> Compression.LZ4;
                case "ZSTD" -> Compression.ZSTD;
                default -> throw CommandException.usage("unknown compression " + name + ": LZ4 or ZSTD");
            };
        }
        if (name != null) {
            throw CommandException.usage("-no-compression and -compression " + name + " contradict each other");
        }
        return Compression.NONE;
    }

    /** Says so before a passphrase is asked for in vain. */
    private static void refuseStore(Session.StorePlace place) {
        Path path = place.localPath();
        if (path != null && Files.exists(path.resolve("CONFIG"))) {
            throw new CommandException(ExitCode.ERROR, path + " is already a store; nothing was changed");
        }
    }

    /** Makes a store and returns its id. Wipes the passphrase. */
    static UUID create(Session session, Hashing hashing, Compression compression, byte @Nullable [] passphrase) {
        NewStore made;
        try {
            made = NewStore.store(hashing, compression, passphrase);
        } finally {
            if (passphrase != null) {
                Arrays.fill(passphrase, (byte) 0);
            }
        }
        try (made) {
            session.place()
                    .create(MemorySegment.ofArray(made.object()), session.report()::warn)
                    .close();
            return made.repositoryId();
        } catch (IOException e) {
            boolean isNotEmpty = e.getMessage() != null && e.getMessage().endsWith("is not empty");
            String why = Failures.message(e);
            throw new CommandException(
                    isNotEmpty ? ExitCode.ERROR : ExitCode.CANNOT_CREATE,
                    why.startsWith("cannot create a store") ? why : "cannot create a store: " + why,
                    e);
        }
    }
}
