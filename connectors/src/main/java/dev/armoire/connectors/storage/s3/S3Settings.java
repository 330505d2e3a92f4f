// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a store in a bucket, checked. Those of Plakar's plug-in have its names; {@code connections},
 * {@code session_token}, {@code tls_ca_file}, {@code sse} and {@code sse_kms_key_id} are ours. Unknown words are refused: a misspelled one must
 * not be taken for the default.
 */
final class S3Settings {
    private static final Set<String> KNOWN = new TreeSet<>(Set.of(
            "access_key",
            "connections",
            "secret_access_key",
            "session_token",
            "endpoint",
            "port",
            "root",
            "region",
            "virtual_host",
            "use_tls",
            "tls_insecure_no_verify",
            "tls_ca_file",
            "storage_class",
            "sse",
            "sse_kms_key_id",
            "sse_customer_key"));

    private static final Set<String> STORAGE_CLASSES = new TreeSet<>(Set.of(
            "STANDARD",
            "REDUCED_REDUNDANCY",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER_IR",
            "GLACIER",
            "DEEP_ARCHIVE"));

    private static final int CUSTOMER_KEY_BYTES = 32;

    /** More than the engine and the parts of its packfiles ask for at once; who comes later waits. */
    private static final int USUAL_CONNECTIONS = 64;

    private final Map<String, String> settings;

    private S3Settings(Map<String, String> settings) {
        this.settings = settings;
    }

    static S3Settings parse(Map<String, String> given) throws IOException {
        for (String key : given.keySet()) {
            if (!KNOWN.contains(key)) {
                throw new IOException("s3: unknown setting " + key + "; known are " + String.join(", ", KNOWN));
            }
        }
        S3Settings settings = new S3Settings(Map.copyOf(given));
        settings.check();
        return settings;
    }

    private void check() throws IOException {
        if ((text("access_key") == null) != (text("secret_access_key") == null)) {
            throw new IOException("s3: access_key and secret_access_key go together: set both or none");
        }
        if (text("session_token") != null && text("access_key") == null) {
            throw new IOException("s3: session_token belongs to an access_key, which is not set");
        }
        for (String key : Set.of("use_tls", "tls_insecure_no_verify", "virtual_host")) {
            flag(key);
        }
        if (!STORAGE_CLASSES.contains(storageClass())) {
            throw new IOException("s3: storage_class is one of " + String.join(", ", STORAGE_CLASSES) + ", not "
                    + text("storage_class"));
        }
        String port = text("port");
        if (port != null && !port.matches("[1-9][0-9]{0,4}")) {
            throw new IOException("s3: port is a number from 1 to 65535, not " + port);
        }
        String connections = text("connections");
        if (connections != null && !connections.matches("[1-9][0-9]{0,2}")) {
            throw new IOException("s3: connections is a number from 1 to 999, not " + connections);
        }
        String sse = text("sse");
        if (sse != null && !sse.equals("AES256") && !sse.equals("aws:kms")) {
            throw new IOException("s3: sse is AES256 or aws:kms, not " + sse);
        }
        if (text("sse_kms_key_id") != null && !"aws:kms".equals(sse)) {
            throw new IOException("s3: sse_kms_key_id needs sse=aws:kms");
        }
        if (text("sse_customer_key") != null) {
            if (sse != null) {
                throw new IOException("s3: sse and sse_customer_key contradict each other: set one of them");
            }
            checkCustomerKey();
        }
    }

    private void checkCustomerKey() throws IOException {
        int bytes;
        try {
            bytes = Base64.getDecoder().decode(settings.getOrDefault("sse_customer_key", "")).length;
        } catch (IllegalArgumentException e) {
            bytes = 0; // its words would quote the key
        }
        if (bytes != CUSTOMER_KEY_BYTES) {
            throw new IOException("s3: sse_customer_key is not a key of " + CUSTOMER_KEY_BYTES + " bytes in base64;"
                    + " `openssl rand -base64 32` makes one");
        }
    }

    /** A setting, or null when it is not there or empty. */
    @Nullable
    String text(String key) {
        String value = settings.get(key);
        return value == null || value.isEmpty() ? null : value;
    }

    /** A setting that is true or false, or null when it is not there. */
    @Nullable
    Boolean flag(String key) throws IOException {
        String value = text(key);
        if (value == null) {
            return null;
        }
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true", "t", "1" -> true;
            case "false", "f", "0" -> false;
            default -> throw new IOException("s3: setting " + key + " is true or false, not " + value);
        };
    }

    /** How many requests may be under way at once. */
    int connections() {
        String value = text("connections");
        return value == null ? USUAL_CONNECTIONS : Integer.parseInt(value);
    }

    String storageClass() {
        String value = text("storage_class");
        return value == null ? "STANDARD" : value.toUpperCase(Locale.ROOT);
    }

    /** Whether what is written could not be read before somebody has had it thawed. */
    boolean isCold() {
        return storageClass().equals("GLACIER") || storageClass().equals("DEEP_ARCHIVE");
    }
}
