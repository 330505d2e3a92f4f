// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.config.hosts.ConfigFileHostEntryResolver;
import org.apache.sshd.client.config.hosts.HostConfigEntry;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.keyverifier.AcceptAllServerKeyVerifier;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.core.CoreModuleProperties;
import org.jspecify.annotations.Nullable;

/** Connects to a server and proves who the user is: with keys from files, settings or an agent, or with a password. */
final class SftpLogin {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration AUTH_TIMEOUT = Duration.ofSeconds(60);
    /** A server that does not answer two questions in a row is taken for lost. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(30);

    private static final int SSH_PORT = 22;
    private static final List<String> USUAL_KEYS = List.of("id_ed25519", "id_ecdsa", "id_rsa");

    private final SftpPlace place;
    private final Path home;
    private final Function<String, @Nullable String> environment;
    private final HostConfigEntry host;

    private SftpLogin(SftpPlace place, Path home, Function<String, @Nullable String> environment) throws IOException {
        this.place = place;
        this.home = home;
        this.environment = environment;
        this.host = resolve();
    }

    /** A session with a client of its own, which whoever takes it stops. */
    record Login(SshClient client, ClientSession session) {}

    static Login login(SftpPlace place, Path home, Function<String, @Nullable String> environment) throws IOException {
        try {
            return new SftpLogin(place, home, environment).login();
        } catch (IOException | IllegalArgumentException e) {
            IOException told = new IOException(place.location() + ": " + SftpErrors.reason(e));
            told.initCause(e);
            throw told;
        }
    }

    private HostConfigEntry resolve() throws IOException {
        Path file = home.resolve(".ssh/config");
        HostConfigEntry found = null;
        if (Files.isReadable(file)) {
            found = new ConfigFileHostEntryResolver(file)
                    .resolveEffectiveHost(place.host(), place.port(), null, place.user(), null, null);
        }
        HostConfigEntry entry = found == null ? new HostConfigEntry() : found;
        for (String unsupported : List.of("ProxyJump", "ProxyCommand")) {
            String value = entry.getProperty(unsupported);
            if (value != null && !value.equalsIgnoreCase("none")) {
                throw new IOException(file + " has a " + unsupported + " for this host, which Armoire does not follow:"
                        + " open a tunnel with `ssh -N -L PORT:HOST:22 JUMPHOST`, and use 127.0.0.1:PORT");
            }
        }
        if (entry.getHostName() == null || entry.getHostName().isEmpty()) {
            entry.setHostName(place.host());
        }
        if (place.port() > 0 || entry.getPort() <= 0) {
            entry.setPort(place.port() > 0 ? place.port() : SSH_PORT);
        }
        String user = place.user();
        if (user != null || entry.getUsername() == null || entry.getUsername().isEmpty()) {
            entry.setUsername(user == null ? System.getProperty("user.name") : user);
        }
        return entry;
    }

    private Login login() throws IOException {
        List<KeyPair> keys = keys();
        SshClient client = SshClient.setUpDefaultClient();
        boolean isDone = false;
        try {
            HostKeys hostKeys = new HostKeys(knownHosts(), alias(), host.getPort());
            configure(client, keys, hostKeys);
            client.start();
            HostConfigEntry bare =
                    new HostConfigEntry(place.host(), host.getHostName(), host.getPort(), host.getUsername());
            ClientSession session = open(client, bare, hostKeys);
            isDone = true;
            return new Login(client, session);
        } finally {
            if (!isDone) {
                client.stop();
            }
        }
    }

    private ClientSession open(SshClient client, HostConfigEntry entry, HostKeys hostKeys) throws IOException {
        ClientSession session;
        try {
            session = client.connect(entry, null, null).verify(CONNECT_TIMEOUT).getSession();
        } catch (IOException e) {
            throw new IOException("cannot connect to port " + entry.getPort() + ": " + SftpErrors.reason(e), e);
        }
        String password = place.text("password");
        if (password != null) {
            session.addPasswordIdentity(password);
        }
        try {
            session.auth().verify(AUTH_TIMEOUT);
        } catch (IOException e) {
            String refusal = hostKeys.refusal();
            if (refusal != null) {
                throw new IOException(refusal, e);
            }
            if (!session.isOpen() || session.getSessionId() == null) {
                throw new IOException("cannot log in: " + SftpErrors.reason(e), e);
            }
            throw new IOException(
                    "cannot log in: the server accepts none of the keys"
                            + (password == null ? "" : ", nor the password")
                            + ". Set identity=FILE, load a key into ssh-agent, or check the user",
                    e);
        }
        return session;
    }

    private void configure(SshClient client, List<KeyPair> keys, HostKeys hostKeys) throws IOException {
        client.setServerKeyVerifier(place.ignoresHostKey() ? AcceptAllServerKeyVerifier.INSTANCE : hostKeys);
        client.setHostConfigEntryResolver(HostConfigEntryResolver.EMPTY);
        client.setKeyIdentityProvider(KeyIdentityProvider.wrapKeyPairs(keys));
        String agent = place.text("ssh_auth_sock");
        if (agent == null) {
            agent = environment.apply("SSH_AUTH_SOCK");
        }
        if (agent != null && !agent.isEmpty() && place.text("ssh_private_key") == null) {
            client.setAgentFactory(AgentSocket.at(agent));
        }
        client.setSignatureFactories(ordered(client.getSignatureFactories(), hostKeys.knownTypes()));
        // Small requests that are answered one by one: none may wait for the acknowledgement of the one before.
        CoreModuleProperties.TCP_NODELAY.set(client, true);
        CoreModuleProperties.IDLE_TIMEOUT.set(client, Duration.ZERO);
        CoreModuleProperties.NIO2_READ_TIMEOUT.set(client, Duration.ZERO);
        CoreModuleProperties.HEARTBEAT_INTERVAL.set(client, HEARTBEAT);
        CoreModuleProperties.HEARTBEAT_NO_REPLY_MAX.set(client, 2);
    }

    /** Asks for a key of a kind that is known first: another one could not be compared. Host certificates are not known. */
    private static List<NamedFactory<Signature>> ordered(List<NamedFactory<Signature>> all, Set<String> known) {
        List<NamedFactory<Signature>> first = new ArrayList<>();
        List<NamedFactory<Signature>> rest = new ArrayList<>();
        for (NamedFactory<Signature> factory : all) {
            if (!factory.getName().contains("-cert-")) {
                (known.contains(KeyUtils.getCanonicalKeyType(factory.getName())) ? first : rest).add(factory);
            }
        }
        first.addAll(rest);
        return first;
    }

    private String alias() {
        String alias = host.getProperty("HostKeyAlias");
        return alias == null || alias.isEmpty() ? host.getHostName() : alias;
    }

    private List<Path> knownHosts() {
        String set = host.getProperty("UserKnownHostsFile");
        List<Path> files = new ArrayList<>();
        for (String file : (set == null || set.isBlank() ? "~/.ssh/known_hosts" : set)
                .strip()
                .split("[\\s,]+", -1)) {
            files.add(path(file));
        }
        files.add(Path.of("/etc/ssh/ssh_known_hosts"));
        return files;
    }

    /** A path as people write it: {@code ~/} is the home folder. */
    private Path path(String text) {
        String bare = text.replace("\"", "").replace("%d", home.toString());
        return bare.startsWith("~/") ? home.resolve(bare.substring(2)) : home.resolve(bare);
    }

    private List<KeyPair> keys() throws IOException {
        String text = place.text("ssh_private_key");
        if (text != null) {
            return parse("ssh_private_key", (text + '\n').getBytes(StandardCharsets.UTF_8), true);
        }
        String identity = place.text("identity");
        if (identity != null) {
            Path file = path(identity);
            try {
                return parse("identity " + file, Files.readAllBytes(file), agentIsMissing());
            } catch (NoSuchFileException e) {
                throw new IOException("identity " + file + " is not there", e);
            }
        }
        Set<Path> files = new LinkedHashSet<>();
        for (String file : host.getIdentities()) {
            files.add(path(file));
        }
        if (files.isEmpty()) {
            USUAL_KEYS.forEach(name -> files.add(home.resolve(".ssh").resolve(name)));
        }
        List<KeyPair> keys = new ArrayList<>();
        for (Path file : files) {
            if (Files.isReadable(file)) {
                keys.addAll(parse(file.toString(), Files.readAllBytes(file), false));
            }
        }
        return keys;
    }

    /** An encrypted key may be one that the agent holds. */
    private boolean agentIsMissing() {
        String agent = environment.apply("SSH_AUTH_SOCK");
        return place.text("ssh_auth_sock") == null && (agent == null || agent.isEmpty());
    }

    private List<KeyPair> parse(String name, byte[] content, boolean isNeeded) throws IOException {
        String passphrase = place.text("identity_passphrase");
        List<KeyPair> keys = new ArrayList<>();
        try {
            Iterable<KeyPair> found = SecurityUtils.loadKeyPairIdentities(
                    null,
                    NamedResource.ofName(name),
                    new ByteArrayInputStream(content),
                    passphrase == null ? FilePasswordProvider.EMPTY : FilePasswordProvider.of(passphrase));
            if (found != null) {
                found.forEach(keys::add);
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            if (isNeeded) {
                throw new IOException(
                        name + " cannot be used: "
                                + (passphrase == null
                                        ? "if it has a passphrase, load it into ssh-agent or set identity_passphrase"
                                        : "the passphrase is wrong, or this is no private key"),
                        e);
            }
        }
        if (keys.isEmpty() && isNeeded) {
            throw new IOException(name + " holds no private key");
        }
        return keys;
    }
}
