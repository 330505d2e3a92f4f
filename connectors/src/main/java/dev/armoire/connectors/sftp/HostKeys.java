// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.sshd.client.config.hosts.KnownHostEntry;
import org.apache.sshd.client.keyverifier.ServerKeyVerifier;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntryResolver;
import org.jspecify.annotations.Nullable;

/** Compares the keys of servers with the user's known_hosts files, which it never writes. */
final class HostKeys implements ServerKeyVerifier {
    private final List<KnownHostEntry> entries = new ArrayList<>();
    private final String files;
    private final String host;
    private final int port;
    private volatile @Nullable String refusal;

    /** Reads the files that are there. */
    HostKeys(List<Path> files, String host, int port) throws IOException {
        for (Path file : files) {
            if (Files.isReadable(file)) {
                read(file);
            }
        }
        this.files = String.join(", ", files.stream().map(Path::toString).toList());
        this.host = host;
        this.port = port;
    }

    private void read(Path file) throws IOException {
        for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            try {
                KnownHostEntry entry = KnownHostEntry.parseKnownHostEntry(text);
                if (entry != null && entry.getKeyEntry() != null) {
                    entries.add(entry);
                }
            } catch (RuntimeException e) {
                // A line that OpenSSH would pass over, too: it makes no key known.
            }
        }
    }

    /** The types of the keys that are known of the host, so that the server shows one of them. */
    Set<String> knownTypes() {
        Set<String> types = new LinkedHashSet<>();
        for (KnownHostEntry entry : entries) {
            if (entry.getMarker() == null && entry.isHostMatch(host, port)) {
                types.add(entry.getKeyEntry().getKeyType());
            }
        }
        return types;
    }

    /** Why a key was refused, or null when none was. */
    @Nullable
    String refusal() {
        return refusal;
    }

    @Override
    public boolean verifyServerKey(ClientSession session, SocketAddress address, PublicKey key) {
        boolean isKnown = false;
        String other = null;
        for (KnownHostEntry entry : entries) {
            if (!entry.isHostMatch(host, port) || "cert-authority".equals(entry.getMarker())) {
                continue;
            }
            boolean isSame = KeyUtils.compareKeys(key, key(session, entry));
            if ("revoked".equals(entry.getMarker())) {
                if (isSame) {
                    refusal = "its key " + shown(key) + " is revoked in " + files + ": do not connect to it";
                    return false;
                }
            } else if (isSame) {
                isKnown = true;
            } else {
                other = entry.getKeyEntry().getKeyType();
            }
        }
        if (isKnown) {
            return true;
        }
        String place = port == 22 ? host : '[' + host + "]:" + port;
        refusal = other == null
                ? "the host is not known: its key is " + shown(key) + ", and none of it is in " + files
                        + ". Compare this with what the host's owner tells you, then add it, for instance with"
                        + " `ssh-keyscan" + (port == 22 ? "" : " -p " + port) + ' ' + host + " >> ~/.ssh/known_hosts`"
                : "THE KEY OF THE HOST HAS CHANGED: it shows " + shown(key) + ", which is not the " + other
                        + " key that " + files + " has. Somebody may be listening in. If the host's owner says that"
                        + " the new key is right, take the old one out with `ssh-keygen -R '" + place + "'`";
        return false;
    }

    private static @Nullable PublicKey key(ClientSession session, KnownHostEntry entry) {
        try {
            return entry.getKeyEntry().resolvePublicKey(session, PublicKeyEntryResolver.IGNORING);
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            return null; // of a kind that nothing here knows, so the server's key is another
        }
    }

    private static String shown(PublicKey key) {
        return KeyUtils.getKeyType(key) + ' ' + KeyUtils.getFingerPrint(key);
    }
}
