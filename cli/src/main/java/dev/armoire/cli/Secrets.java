// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Settings that nobody may see. Each can stand in clear, or be what a command prints ({@code KEY_cmd}: that of a key ring, for
 * instance) or what an environment variable holds ({@code KEY_env}); the first of these counts.
 */
final class Secrets {
    static final String COMMAND = "_cmd";
    static final String VARIABLE = "_env";
    private static final String HIDDEN = "********";
    private static final int MAX_COMMAND_BYTES = 1 << 16;

    private static final List<String> KEYS = List.of(
            "access_key",
            "secret_access_key",
            "passphrase",
            "password",
            "pass",
            "private_key",
            "token",
            "client_id",
            "client_secret",
            "auth_token",
            "customer_key");

    private static final Pattern PASSWORD_IN_URL = Pattern.compile("^([A-Za-z0-9+.-]+://[^/@:]*):[^/@]*@");

    private Secrets() {}

    static boolean isSecret(String key) {
        String lower = key.toLowerCase(Locale.ROOT);
        return KEYS.stream().anyMatch(secret -> lower.equals(secret) || lower.endsWith('_' + secret));
    }

    /** The same settings as they may be shown. */
    static Map<String, String> hidden(Map<String, String> settings) {
        Map<String, String> shown = new TreeMap<>(settings);
        shown.replaceAll((key, value) ->
                isSecret(key) ? HIDDEN : PASSWORD_IN_URL.matcher(value).replaceFirst("$1:" + HIDDEN + "@"));
        return shown;
    }

    /** The settings with what commands print and variables hold put in their stead. The passphrase stays as it is. */
    static Map<String, String> resolved(Map<String, String> settings, Surroundings surroundings) {
        Map<String, String> resolved = new TreeMap<>();
        settings.forEach((key, value) -> {
            String secret = base(key);
            if (secret.isEmpty() || secret.equals("passphrase")) {
                resolved.put(key, value);
            }
        });
        settings.forEach((key, value) -> {
            String secret = base(key);
            if (!secret.isEmpty() && !secret.equals("passphrase") && !resolved.containsKey(secret)) {
                if (key.endsWith(COMMAND)) {
                    byte[] printed = printedBy(value, key);
                    resolved.put(secret, new String(printed, StandardCharsets.UTF_8));
                    Arrays.fill(printed, (byte) 0);
                } else {
                    resolved.put(secret, variable(value, key, surroundings));
                }
            }
        });
        return resolved;
    }

    /** The key of the secret that {@code key} tells where to find, or nothing. */
    private static String base(String key) {
        if (!key.endsWith(COMMAND) && !key.endsWith(VARIABLE)) {
            return "";
        }
        String base = key.substring(0, key.length() - COMMAND.length());
        return isSecret(base) ? base : "";
    }

    /** What an environment variable holds. */
    static String variable(String name, String key, Surroundings surroundings) {
        String value = surroundings.plain(name);
        if (value == null) {
            throw new CommandException(
                    ExitCode.PASSPHRASE, key + ": the environment variable " + name + " is not set, or empty");
        }
        return value;
    }

    /**
     * What a command prints, without the line feed at its end. The caller wipes it.
     *
     * @param key the setting that holds it
     */
    static byte[] printedBy(String command, String key) {
        try {
            Process process = new ProcessBuilder("sh", "-c", command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            byte[] printed;
            try (var out = process.getInputStream()) {
                printed = out.readNBytes(MAX_COMMAND_BYTES);
            }
            int code = process.waitFor();
            if (code != 0) {
                Arrays.fill(printed, (byte) 0);
                throw new CommandException(ExitCode.PASSPHRASE, key + " failed with exit code " + code);
            }
            return withoutLineFeed(printed, key);
        } catch (IOException e) {
            throw new CommandException(ExitCode.PASSPHRASE, key + " cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException(ExitCode.INTERRUPTED, "interrupted", e);
        }
    }

    /** A secret as a file or a command gives it. Wipes what it was given. */
    static byte[] withoutLineFeed(byte[] bytes, String origin) {
        boolean hasOne = bytes.length > 0 && bytes[bytes.length - 1] == '\n';
        byte[] secret = hasOne ? Arrays.copyOf(bytes, bytes.length - 1) : bytes.clone();
        Arrays.fill(bytes, (byte) 0);
        if (secret.length == 0) {
            String what = origin.endsWith(COMMAND) && !origin.startsWith("passphrase") ? "secret" : "passphrase";
            throw new CommandException(ExitCode.PASSPHRASE, origin + " gives an empty " + what);
        }
        return secret;
    }
}
