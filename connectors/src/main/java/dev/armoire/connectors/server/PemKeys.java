// SPDX-License-Identifier: ISC
package dev.armoire.connectors.server;

import dev.armoire.crypto.NativeServices;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Reads what a server proves itself with: a chain of certificates and a private key, both PEM. */
public final class PemKeys {
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----", Pattern.DOTALL);

    private PemKeys() {}

    /**
     * Reads them.
     *
     * @throws IOException that says what is wrong with which file
     */
    public static SSLContext load(Path chainFile, Path keyFile) throws IOException {
        NativeServices.register();
        char[] none = {};
        try {
            Certificate[] chain = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(read(chainFile)))
                    .toArray(Certificate[]::new);
            if (chain.length == 0) {
                throw new IOException(chainFile + " holds no certificate: a PEM file is wanted");
            }
            PrivateKey key = key(keyFile);
            if (!key.getAlgorithm().equals(chain[0].getPublicKey().getAlgorithm())
                    && !chain[0].getPublicKey().getAlgorithm().startsWith("Ed")) {
                throw new IOException(
                        "the key in " + keyFile + " does not belong to the first certificate in " + chainFile);
            }
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setKeyEntry("server", key, none, chain);
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(store, none);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "the certificates in " + chainFile + " cannot be used with the key in " + keyFile + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private static byte[] read(Path file) throws IOException {
        try {
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(file.toString(), null, file + ": no such file");
        }
    }

    private static PrivateKey key(Path file) throws IOException, GeneralSecurityException {
        Matcher pem = KEY.matcher(new String(read(file), StandardCharsets.US_ASCII));
        if (!pem.find()) {
            throw new IOException(
                    file + " holds no private key of the form BEGIN PRIVATE KEY; `openssl pkcs8 -topk8 -nodes" + " -in "
                            + file + "` makes one of the other forms");
        }
        byte[] encoded;
        try {
            encoded = Base64.getMimeDecoder().decode(pem.group(1));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": the private key is not valid base64"); // whose words would quote it
        }
        try {
            for (String algorithm : new String[] {"RSA", "EC", "Ed25519"}) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
                } catch (InvalidKeySpecException e) {
                    // Of another kind, perhaps.
                }
            }
        } finally {
            Arrays.fill(encoded, (byte) 0);
        }
        throw new IOException(
                file + ": the private key is of a kind that is not known here: RSA, EC or Ed25519 is wanted");
    }
}
