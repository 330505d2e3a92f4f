// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a passphrase comes from: key file, configuration, environment, the person at the terminal, in this order. */
final class Passphrases {
    /** Settings of a store that say where its passphrase is. */
    static final String COMMAND = "passphrase_cmd";

    static final String VARIABLE = "passphrase_env";

    private static final int CREATE_TRIES = 3;
    private static final double WANTED_BITS = 80;

    private final @Nullable String keyFile;
    private final Map<String, String> settings;
    private final Surroundings surroundings;
    private final List<String> variables;
    private final String question;
    private boolean typed;

    Passphrases(@Nullable String keyFile, Map<String, String> settings, Surroundings surroundings) {
        this(keyFile, settings, surroundings, List.of("PASSPHRASE"), "passphrase: ");
    }

    private Passphrases(
            @Nullable String keyFile,
            Map<String, String> settings,
            Surroundings surroundings,
            List<String> variables,
            String question) {
        this.keyFile = keyFile;
        this.settings = settings;
        this.surroundings = surroundings;
        this.variables = variables;
        this.question = question;
    }

    /** For a second store that a command uses: it may have a passphrase of its own. */
    static Passphrases forPeer(String location, Map<String, String> settings, Surroundings surroundings) {
        return new Passphrases(
                null,
                settings,
                surroundings,
                List.of("PEER_PASSPHRASE", "PASSPHRASE"),
                "passphrase of " + location + ": ");
    }

    /** Whether the last one was typed, so that asking again makes sense. */
    boolean wasTyped() {
        return typed;
    }

    /** Whether one is at hand: nobody need be asked, and nothing run. */
    boolean isAtHand() {
        String configured = settings.get("passphrase");
        return keyFile != null
                || configured != null && !configured.isEmpty()
                || settings.get(COMMAND) == null && variable() != null;
    }

    /** For a store that is there. The caller wipes it. */
    byte[] forOpening() {
        byte[] given = given();
        return given != null ? given : ask(question);
    }

    /**
     * For a new store: a typed one is asked for twice, and must be strong.
     *
     * @param allowsWeak whether a typed one may be weak
     */
    byte[] forCreating(boolean allowsWeak, Report report) {
        byte[] given = given();
        if (given != null) {
            if (Strength.bits(given) < WANTED_BITS) {
                report.warn("the passphrase is weak: whoever gets hold of the store may find it by trying; some random"
                        + " words would be better");
            }
            return given;
        }
        for (int attempt = 1; ; attempt++) {
            byte[] first = ask("passphrase: ");
            String problem = first.length == 0 ? "the passphrase is empty" : null;
            if (problem == null && !allowsWeak && Strength.bits(first) < WANTED_BITS) {
                problem = "the passphrase is weak: take a longer one, or -weak-passphrase";
            }
            if (problem == null) {
                byte[] second = ask("passphrase (again): ");
                boolean isSame = Arrays.equals(first, second);
                Arrays.fill(second, (byte) 0);
                if (isSame) {
                    return first;
                }
                problem = "the two passphrases differ";
            }
            Arrays.fill(first, (byte) 0);
            if (attempt == CREATE_TRIES) {
                throw new CommandException(ExitCode.PASSPHRASE, problem);
            }
            report.error(problem);
        }
    }

    /** What needs nobody at the terminal, or null. */
    private byte @Nullable [] given() {
        typed = false;
        if (keyFile != null) {
            return fromKeyFile(keyFile);
        }
        String configured = settings.get("passphrase");
        if (configured != null && !configured.isEmpty()) {
            return configured.getBytes(StandardCharsets.UTF_8);
        }
        String command = settings.get(COMMAND);
        if (command != null && !command.isEmpty()) {
            return Secrets.printedBy(command, COMMAND);
        }
        String named = settings.get(VARIABLE);
        if (named != null && !named.isEmpty()) {
            return Secrets.variable(named, VARIABLE, surroundings).getBytes(StandardCharsets.UTF_8);
        }
        String variable = variable();
        return variable == null ? null : variable.getBytes(StandardCharsets.UTF_8);
    }

    private @Nullable String variable() {
        for (String name : variables) {
            String value = surroundings.variable(name);
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    private static byte[] fromKeyFile(String file) {
        try {
            return Secrets.withoutLineFeed(Files.readAllBytes(Path.of(file)), "-keyfile " + file);
        } catch (IOException | InvalidPathException e) {
            throw new CommandException(ExitCode.ERROR, "-keyfile: cannot read " + Failures.message(e), e);
        }
    }

    private byte[] ask(String text) {
        char[] line = surroundings.prompt().ask(text);
        if (line == null) {
            throw new CommandException(
                    ExitCode.PASSPHRASE,
                    "no terminal to ask for the passphrase: set ARMOIRE_PASSPHRASE or PLAKAR_PASSPHRASE, -keyfile or"
                            + " passphrase_cmd");
        }
        typed = true;
        CharBuffer characters = CharBuffer.wrap(line);
        ByteBuffer encoded = ByteBuffer.allocate(line.length * 3); // no character has more bytes in UTF-8
        StandardCharsets.UTF_8.newEncoder().encode(characters, encoded, true);
        byte[] secret = Arrays.copyOf(encoded.array(), encoded.position());
        Arrays.fill(encoded.array(), (byte) 0);
        Arrays.fill(line, '\0');
        return secret;
    }

    /** How much work a passphrase is to guess, roughly. */
    static final class Strength {
        private Strength() {}

        /**
         * Bits of entropy of a passphrase whose characters were picked at random from the kinds it has. Repetitions and runs
         * such as {@code 1234} or {@code abcd} add next to nothing.
         */
        static double bits(byte[] passphrase) {
            boolean[] has = new boolean[5];
            double characters = 0;
            for (int i = 0; i < passphrase.length; i++) {
                byte c = passphrase[i];
                has[kind(c)] = true;
                int step = i == 0 ? 2 : c - passphrase[i - 1];
                characters += step >= -1 && step <= 1 ? 0.1 : 1;
            }
            int[] sizes = {26, 26, 10, 33, 128};
            int alphabet = 0;
            for (int i = 0; i < sizes.length; i++) {
                alphabet += has[i] ? sizes[i] : 0;
            }
            return alphabet == 0 ? 0 : characters * Math.log(alphabet) / Math.log(2);
        }

        private static int kind(byte c) {
            if (c >= 'a' && c <= 'z') {
                return 0;
            }
            if (c >= 'A' && c <= 'Z') {
                return 1;
            }
            if (c >= '0' && c <= '9') {
                return 2;
            }
            return c >= 0 ? 3 : 4;
        }
    }
}
