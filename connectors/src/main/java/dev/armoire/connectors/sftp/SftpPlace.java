// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A folder on a server, {@code sftp://[USER@]HOST[:PORT]/PATH}, and how to get there. Settings have the names that Plakar's
 * plug-in gives them; {@code password} and {@code identity_passphrase} are ours. Unknown words are refused.
 *
 * @param host as the user wrote it: a name that ~/.ssh/config may explain
 * @param port 0 when it is left to ~/.ssh/config
 * @param user null when it is left to ~/.ssh/config
 * @param root absolute and clean
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record SftpPlace(String host, int port, @Nullable String user, byte[] root, Map<String, String> settings) {
    private static final Set<String> KNOWN = new TreeSet<>(Set.of(
            "port",
            "root",
            "username",
            "password",
            "identity",
            "identity_passphrase",
            "insecure_ignore_host_key",
            "ssh_auth_sock",
            "ssh_private_key",
            "ssh_private_key_ttl"));

    static SftpPlace of(Location location, Map<String, String> settings) throws IOException {
        for (String key : settings.keySet()) {
            if (!KNOWN.contains(key)) {
                throw new IOException("sftp: unknown setting " + key + "; known are " + String.join(", ", KNOWN));
            }
        }
        String text = location.path();
        int slash = text.indexOf('/');
        String authority = slash < 0 ? text : text.substring(0, slash);
        String path = slash < 0 ? "/" : text.substring(slash);
        int at = authority.lastIndexOf('@');
        String user = at < 0 ? null : decoded(authority.substring(0, at));
        if (user != null && user.indexOf(':') >= 0) {
            throw new IOException("sftp: a password does not belong in a location, as locations are shown;"
                    + " use a key, an agent, or the setting password");
        }
        if (user != null && text(settings, "username") != null) {
            throw new IOException("sftp: the location names a user and so does the setting username: use one of them");
        }
        String host = authority.substring(at + 1);
        String port = text(settings, "port");
        int colon = host.startsWith("[") ? host.indexOf(':', host.indexOf(']')) : host.indexOf(':');
        if (colon >= 0) {
            port = host.substring(colon + 1);
            host = host.substring(0, colon);
        }
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        if (host.isEmpty()) {
            throw new IOException("sftp: this location names no host: sftp://[USER@]HOST[:PORT]/PATH is wanted");
        }
        String root = text(settings, "root");
        if (root != null && !root.startsWith("/")) {
            throw new IOException("sftp: root is an absolute path, not " + root);
        }
        byte[] folder = (root == null ? decoded(path) : root).getBytes(StandardCharsets.UTF_8);
        SftpPlace place = new SftpPlace(
                host,
                port == null ? 0 : number(port),
                user == null ? text(settings, "username") : user,
                BytePath.clean(BytePath.ROOT, folder),
                Map.copyOf(settings));
        place.ignoresHostKey(); // refuses what is neither true nor false
        return place;
    }

    private static int number(String port) throws IOException {
        if (port.matches("[1-9][0-9]{0,4}") && Integer.parseInt(port) <= 65535) {
            return Integer.parseInt(port);
        }
        throw new IOException("sftp: port is a number from 1 to 65535, not " + port);
    }

    private static String decoded(String text) throws IOException {
        if (text.indexOf('?') >= 0 || text.indexOf('#') >= 0) {
            throw new IOException("sftp: in a location ? is written %3F and # is written %23: " + text);
        }
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IOException("sftp: a % in a location is followed by two hexadecimal digits: " + text, e);
        }
    }

    /** A setting, or null when it is not there or empty. */
    @Nullable
    String text(String key) {
        return text(settings, key);
    }

    private static @Nullable String text(Map<String, String> settings, String key) {
        String value = settings.get(key);
        return value == null || value.isEmpty() ? null : value;
    }

    boolean ignoresHostKey() throws IOException {
        String value = text("insecure_ignore_host_key");
        return switch (value == null ? "false" : value) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IOException("sftp: setting insecure_ignore_host_key is true or false, not " + value);
        };
    }

    /** Host and port as the user wrote them: what Plakar calls the origin. */
    String origin() {
        String name = host.indexOf(':') >= 0 ? '[' + host + ']' : host;
        return port == 0 ? name : name + ':' + port;
    }

    /** How people name this place. Without the user, who may be a secret. */
    String location() {
        return "sftp://" + origin() + BytePath.text(root);
    }
}
