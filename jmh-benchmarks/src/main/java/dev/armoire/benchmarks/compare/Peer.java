// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A backup program and how each step of the comparison is said to it. All stores are local and encrypted; everything else is
 * the program's default. The caches of a program lie in the HOME that it is given.
 */
enum Peer {
    ARMOIRE,
    PLAKAR,
    RESTIC,
    BORG,
    KOPIA,
    RUSTIC;

    private static final String PASSPHRASE = "comparison of six programs, no secret";

    /** For every program, as it costs nothing and none of them reads another's. */
    static final Map<String, String> ENVIRONMENT = Map.ofEntries(
            Map.entry("ARMOIRE_PASSPHRASE", PASSPHRASE),
            Map.entry("PLAKAR_PASSPHRASE", PASSPHRASE),
            Map.entry("RESTIC_PASSWORD", PASSPHRASE),
            Map.entry("BORG_PASSPHRASE", PASSPHRASE),
            Map.entry("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "no"),
            Map.entry("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes"),
            Map.entry("KOPIA_PASSWORD", PASSPHRASE),
            Map.entry("KOPIA_CHECK_FOR_UPDATES", "false"),
            Map.entry("RUSTIC_PASSWORD", PASSPHRASE));

    /** Name in reports and, in capitals, of the variable that names its program. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The program: what its variable names, else what PATH has. Armoire is the checkout's. */
    Optional<Path> find(Path root) {
        if (this == ARMOIRE) {
            return Optional.of(root.resolve("armoire"));
        }
        String named = System.getenv(name());
        if (named != null) {
            return Optional.of(Path.of(named).toAbsolutePath());
        }
        return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .map(folder -> Path.of(folder, label()))
                .filter(Files::isExecutable)
                .findFirst();
    }

    List<String> version(Path program) {
        return List.of(program.toString(), this == BORG || this == KOPIA || this == RUSTIC ? "--version" : "version");
    }

    List<String> create(Path program, Path store) {
        return switch (this) {
            case ARMOIRE -> command(program, "at", store, "create");
            case PLAKAR -> command(program, "-quiet", "at", store, "create");
            case RESTIC, RUSTIC -> command(program, "-r", store, "init");
            case BORG -> command(program, "init", "--encryption=repokey-blake2", store);
            case KOPIA -> command(program, "repository", "create", "filesystem", "--path", store);
        };
    }

    /** Backs up the folder in which the program is started. */
    List<String> backup(Path program, Path store, String name, Path source) {
        return switch (this) {
            case ARMOIRE -> command(program, "at", store, "-quiet", "backup", source);
            case PLAKAR -> command(program, "-quiet", "at", store, "backup", source);
            case RESTIC, RUSTIC -> command(program, "-r", store, "backup", source);
            case BORG -> command(program, "create", store + "::" + name, source);
            case KOPIA -> command(program, "snapshot", "create", "--no-progress", source);
        };
    }

    /** Reads and verifies every stored byte. */
    List<String> check(Path program, Path store) {
        return switch (this) {
            case ARMOIRE -> command(program, "at", store, "-quiet", "check");
            case PLAKAR -> command(program, "-quiet", "at", store, "check");
            case RESTIC, RUSTIC -> command(program, "-r", store, "check", "--read-data");
            case BORG -> command(program, "check", "--verify-data", store);
            case KOPIA -> command(program, "snapshot", "verify", "--verify-files-percent=100");
        };
    }

    /** Restores the latest backup into a folder; {@link #restored} says where in it the source then is. */
    List<String> restore(Path program, Path store, String name, Path source, Path target) {
        return switch (this) {
            case ARMOIRE -> command(program, "at", store, "-quiet", "restore", "-to", target);
            case PLAKAR -> command(program, "-quiet", "at", store, "restore", "-to", target);
            case RESTIC -> command(program, "-r", store, "restore", "latest", "--target", target);
            case RUSTIC -> command(program, "-r", store, "restore", "latest", target);
            case BORG -> command(program, "extract", store + "::" + name);
            case KOPIA -> command(program, "snapshot", "restore", source, target);
        };
    }

    /** Where the copy of the source is: some programs restore its whole path. */
    static Path restored(Path source, Path target) {
        Path deep = target.resolve(source.getRoot().relativize(source));
        return Files.isDirectory(deep) ? deep : target;
    }

    private static List<String> command(Path program, Object... words) {
        var command = new ArrayList<String>();
        command.add(program.toString());
        for (Object word : words) {
            command.add(word.toString());
        }
        return command;
    }
}
