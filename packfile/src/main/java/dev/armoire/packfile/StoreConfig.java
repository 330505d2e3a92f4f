// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.UnsupportedVersionException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * CONFIG, the object that says how everything else in a store is written (format 1 §4). Encoding gives the bytes Plakar
 * gives; numbers that Go keeps unsigned are the {@code long} of the same bits.
 *
 * @param compression null: nothing is compressed
 * @param encryption null: nothing is encrypted
 */
public record StoreConfig(
        Instant timestamp,
        UUID repositoryId,
        PackfileSettings packfile,
        ChunkingSettings chunking,
        HashingSettings hashing,
        @Nullable CompressionSettings compression,
        @Nullable EncryptionSettings encryption) {

    /** Sizes in bytes; only the largest is used: a packfile is closed once it is longer. */
    public record PackfileSettings(long minSize, long avgSize, long maxSize) {}

    /** The chunker and its sizes in bytes, unsigned 32-bit; 0 means the algorithm's own default. */
    public record ChunkingSettings(String algorithm, long minSize, long normalSize, long maxSize) {}

    public record HashingSettings(String algorithm, int bits) {}

    /** Of these only the algorithm has any effect. */
    public record CompressionSettings(
            String algorithm, long level, long windowSize, long chunkSize, long blockSize, boolean enableCrc) {}

    /**
     * How everything but CONFIG is encrypted.
     *
     * @param segmentBytes plaintext bytes per encrypted segment, {@code ChunkSize} in CONFIG
     * @param canary opens under the right master key and no other
     */
    public record EncryptionSettings(
            String subkeyAlgorithm, String dataAlgorithm, int segmentBytes, KeyDerivation kdf, Bytes canary) {

        /** What a new store uses, around a key derivation and a canary made with the key it derived. */
        public static EncryptionSettings create(KeyDerivation kdf, byte[] canary) {
            return new EncryptionSettings(
                    DEFAULT_SUBKEYS, DATA_ALGORITHM, DEFAULT_SEGMENT_BYTES, kdf, Bytes.copyOf(canary));
        }

        /** The keys that a master key gives under these settings; not compared with the canary. */
        public StoreKeys keys(Hashing hashing, byte[] masterKey) {
            return StoreKeys.encrypted(hashing, masterKey, subkeyAlgorithm, segmentBytes);
        }
    }

    /** Form of subkeys in new stores. */
    public static final String DEFAULT_SUBKEYS = "AES256-KW";

    /** Plaintext bytes per encrypted segment in new stores. */
    public static final int DEFAULT_SEGMENT_BYTES = 64 << 10;

    private static final String NAME = "CONFIG";
    private static final String DATA_ALGORITHM = "AES256-GCM-SIV";
    private static final long DEFAULT_PACKFILE_BYTES = 64L << 20;
    private static final long LZ4_LEVEL = 128 << 10; // what the Go library calls level 9
    private static final long GZIP_LEVEL = -1;
    private static final long ZSTD_LEVEL = 2; // what the Go library calls its default
    private static final ChunkingSettings DEFAULT_CHUNKING =
            new ChunkingSettings("fastcdc-v1.0.0", 512 << 10, 1 << 20, 8 << 20);

    private static final FieldNames ROOT =
            FieldNames.of("Timestamp", "RepositoryID", "Packfile", "Chunking", "Hashing", "Compression", "Encryption");
    private static final FieldNames PACKFILE = FieldNames.of("MinSize", "AvgSize", "MaxSize");
    private static final FieldNames CHUNKING = FieldNames.of("Algorithm", "MinSize", "NormalSize", "MaxSize");
    private static final FieldNames HASHING = FieldNames.of("Algorithm", "Bits");
    private static final FieldNames COMPRESSION =
            FieldNames.of("Algorithm", "Level", "WindowSize", "ChunkSize", "BlockSize", "EnableCRC");
    private static final FieldNames ENCRYPTION =
            FieldNames.of("SubKeyAlgorithm", "DataAlgorithm", "ChunkSize", "KDFParams", "Canary");
    private static final FieldNames KDF = FieldNames.of("KDF", "Salt", "argon2id", "scrypt", "pbkdf2");
    private static final FieldNames ARGON2 = FieldNames.of("SaltSize", "Time", "Memory", "Threads", "KeyLen");
    private static final FieldNames SCRYPT = FieldNames.of("SaltSize", "N", "R", "P", "KeyLen");
    private static final FieldNames PBKDF2 = FieldNames.of("SaltSize", "Iterations", "KeyLen", "Hashing");

    /** What {@code create} writes; {@code encryption} null makes a store without a passphrase. */
    public static StoreConfig create(
            Instant timestamp,
            UUID repositoryId,
            Hashing hashing,
            Compression compression,
            @Nullable EncryptionSettings encryption) {
        CompressionSettings compressed = switch (compression) {
            case NONE -> null;
            case LZ4 -> new CompressionSettings("LZ4", LZ4_LEVEL, -1, -1, -1, false);
            case GZIP -> new CompressionSettings("GZIP", GZIP_LEVEL, -1, -1, -1, false);
            case ZSTD -> new CompressionSettings("ZSTD", ZSTD_LEVEL, -1, -1, -1, false);
        };
        return new StoreConfig(
                timestamp,
                repositoryId,
                new PackfileSettings(0, 0, DEFAULT_PACKFILE_BYTES),
                DEFAULT_CHUNKING,
                new HashingSettings(hashing.name(), 256),
                compressed,
                encryption);
    }

    /** The same for an archive, whose one packfile has no limit. */
    public StoreConfig forArchive() {
        return new StoreConfig(
                timestamp, repositoryId, new PackfileSettings(0, 0, -1), chunking, hashing, compression, encryption);
    }

    /**
     * Reads a CONFIG object before its MAC can be verified: the key comes out of it. Call {@link #verify} as soon as there
     * are keys.
     *
     * @throws UnsupportedVersionException when its version is not exactly 1.0.0, or it names an algorithm that is not known
     * @throws CorruptDataException when it does not parse
     */
    public static StoreConfig parse(MemorySegment object) {
        Envelope envelope = Envelope.openUnverified(object, ResourceType.CONFIG, NAME);
        if (envelope.version() != Version.V1_0_0) {
            throw new UnsupportedVersionException("CONFIG has version " + Version.toString(envelope.version())
                    + ", only 1.0.0 is known; this store needs another program");
        }
        return decode(envelope.payload());
    }

    /**
     * Checks the MAC at the end of a CONFIG object.
     *
     * @throws CorruptDataException when it is not the one these keys give
     */
    public static void verify(MemorySegment object, StoreKeys keys) {
        Envelope.openUnverified(object, ResourceType.CONFIG, NAME);
        Envelope.verify(
                object, keys.configMac(object.asSlice(0, object.byteSize() - dev.armoire.crypto.Mac.BYTES)), NAME);
    }

    /** The complete CONFIG object, allocated from {@code arena}. */
    public MemorySegment toObject(StoreKeys keys, Arena arena) {
        byte[] payload = encode();
        MemorySegment object = arena.allocate(payload.length + (long) Envelope.OVERHEAD_BYTES);
        Envelope.writeHeader(object, ResourceType.CONFIG);
        MemorySegment.copy(payload, 0, object, ValueLayout.JAVA_BYTE, Envelope.HEADER_BYTES, payload.length);
        long macAt = Envelope.HEADER_BYTES + (long) payload.length;
        keys.configMac(object.asSlice(0, macAt)).write(object, macAt);
        return object;
    }

    public boolean isEncrypted() {
        return encryption != null;
    }

    public Hashing hash() {
        return Hashing.parse(hashing.algorithm());
    }

    public Compression compressor() {
        return compression == null ? Compression.NONE : Compression.parse(compression.algorithm());
    }

    /** The 16 bytes of the repository id. */
    public byte[] repositoryIdBytes() {
        return idBytes(repositoryId);
    }

    /** Keys of a store without encryption. */
    public StoreKeys plaintextKeys() {
        if (encryption != null) {
            throw new IllegalStateException("the store is encrypted: its keys need a passphrase");
        }
        return StoreKeys.plaintext(hash(), repositoryIdBytes());
    }

    /**
     * Keys of an encrypted store, derived from a passphrase; this takes a second or more.
     *
     * @param passphrase borrowed; wiping it stays with the caller
     * @throws dev.armoire.crypto.WrongPassphraseException when the canary does not open
     */
    public StoreKeys unlock(byte[] passphrase) {
        byte[] master = masterKey(passphrase);
        try {
            return unlockWith(master);
        } finally {
            Arrays.fill(master, (byte) 0);
        }
    }

    /**
     * The key that a passphrase gives, whether or not it opens this store; this is what takes a second or more.
     *
     * @param passphrase borrowed; the caller wipes it and the key
     */
    public byte[] masterKey(byte[] passphrase) {
        EncryptionSettings known = encrypted();
        Thread.ofPlatform().daemon().name("prepare-codec").start(() -> prepareCodec(known));
        return known.kdf().derive(passphrase);
    }

    /**
     * Keys of an encrypted store.
     *
     * @param master what {@link #masterKey} gave; borrowed
     * @throws dev.armoire.crypto.WrongPassphraseException when the canary does not open
     */
    public StoreKeys unlockWith(byte[] master) {
        EncryptionSettings known = encrypted();
        StoreKeys keys = known.keys(hash(), master);
        try {
            keys.checkCanary(known.canary().toArray());
            return keys;
        } catch (RuntimeException e) {
            keys.close();
            throw e;
        }
    }

    private EncryptionSettings encrypted() {
        if (encryption == null) {
            throw new IllegalStateException("the store is not encrypted: it has no passphrase");
        }
        return encryption;
    }

    /** Loads what blobs are encoded and decoded with, which costs some 80 ms at its first use in a process. */
    private void prepareCodec(EncryptionSettings known) {
        byte[] nothing = new byte[StoreKeys.KEY_BYTES];
        try (StoreKeys keys = known.keys(hash(), nothing);
                BlobCodec codec = BlobCodec.of(this, keys)) {
            byte[] encoded = new byte[(int) codec.prepare(MemorySegment.ofArray(nothing))];
            codec.writeTo(MemorySegment.ofArray(encoded));
            codec.decode(MemorySegment.ofArray(encoded), nothing.length);
        } catch (RuntimeException | LinkageError e) {
            // Whoever encodes next meets it too, and says so.
        }
    }

    /** The payload, byte for byte as Plakar writes it. */
    public byte[] encode() {
        var out = new MsgpackWriter();
        out.mapHeader(7);
        out.str("Timestamp").time(timestamp.getEpochSecond(), timestamp.getNano());
        out.str("RepositoryID").bin(repositoryIdBytes());
        out.str("Packfile").mapHeader(3);
        out.str("MinSize").u64(packfile.minSize());
        out.str("AvgSize").u64(packfile.avgSize());
        out.str("MaxSize").u64(packfile.maxSize());
        out.str("Chunking").mapHeader(4);
        out.str("Algorithm").str(chunking.algorithm());
        out.str("MinSize").u32((int) chunking.minSize());
        out.str("NormalSize").u32((int) chunking.normalSize());
        out.str("MaxSize").u32((int) chunking.maxSize());
        out.str("Hashing").mapHeader(2);
        out.str("Algorithm").str(hashing.algorithm());
        out.str("Bits").u32(hashing.bits());
        encodeCompression(out.str("Compression"));
        encodeEncryption(out.str("Encryption"));
        return out.toByteArray();
    }

    private void encodeCompression(MsgpackWriter out) {
        if (compression == null) {
            out.nil();
            return;
        }
        out.mapHeader(6);
        out.str("Algorithm").str(compression.algorithm());
        out.str("Level").compactInt(compression.level());
        out.str("WindowSize").compactInt(compression.windowSize());
        out.str("ChunkSize").compactInt(compression.chunkSize());
        out.str("BlockSize").compactInt(compression.blockSize());
        out.str("EnableCRC").bool(compression.enableCrc());
    }

    private void encodeEncryption(MsgpackWriter out) {
        if (encryption == null) {
            out.nil();
            return;
        }
        out.mapHeader(5);
        out.str("SubKeyAlgorithm").str(encryption.subkeyAlgorithm());
        out.str("DataAlgorithm").str(encryption.dataAlgorithm());
        out.str("ChunkSize").compactInt(encryption.segmentBytes());
        out.str("KDFParams").mapHeader(3);
        switch (encryption.kdf()) {
            case KeyDerivation.Argon2 argon2 -> {
                out.str("KDF").str("ARGON2ID");
                out.str("Salt").bin(argon2.salt().toArray());
                out.str("argon2id").mapHeader(5);
                out.str("SaltSize").u32(argon2.salt().length());
                out.str("Time").u32((int) argon2.passes());
                out.str("Memory").u32((int) argon2.memoryKiB());
                out.str("Threads").u8(argon2.lanes());
                out.str("KeyLen").u32(KeyDerivation.KEY_BYTES);
            }
            case KeyDerivation.Scrypt scrypt -> {
                out.str("KDF").str("SCRYPT");
                out.str("Salt").bin(scrypt.salt().toArray());
                out.str("scrypt").mapHeader(5);
                out.str("SaltSize").u32(scrypt.salt().length());
                out.str("N").compactInt(scrypt.n());
                out.str("R").compactInt(scrypt.r());
                out.str("P").compactInt(scrypt.p());
                out.str("KeyLen").compactInt(KeyDerivation.KEY_BYTES);
            }
            case KeyDerivation.Pbkdf2 pbkdf2 -> {
                out.str("KDF").str("PBKDF2");
                out.str("Salt").bin(pbkdf2.salt().toArray());
                out.str("pbkdf2").mapHeader(4);
                out.str("SaltSize").u32(pbkdf2.salt().length());
                out.str("Iterations").compactInt(pbkdf2.iterations());
                out.str("KeyLen").compactInt(KeyDerivation.KEY_BYTES);
                out.str("Hashing").str(pbkdf2.hashing());
            }
        }
        out.str("Canary").bin(encryption.canary().toArray());
    }

    /** Reads a payload as tolerantly as Plakar does: fields in any order, unknown ones skipped. */
    public static StoreConfig decode(MemorySegment payload) {
        var in = new MsgpackReader(payload, NAME);
        Instant timestamp = Instant.EPOCH;
        UUID repositoryId = new UUID(0, 0);
        var packfile = new PackfileSettings(0, 0, 0);
        var chunking = new ChunkingSettings("", 0, 0, 0);
        var hashing = new HashingSettings("", 0);
        CompressionSettings compression = null;
        EncryptionSettings encryption = null;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(ROOT)) {
                case 0 -> timestamp = instant(in);
                case 1 -> repositoryId = id(in);
                case 2 -> packfile = packfile(in);
                case 3 -> chunking = chunking(in);
                case 4 -> hashing = hashing(in);
                case 5 -> compression = in.tryNil() ? null : compression(in);
                case 6 -> encryption = in.tryNil() ? null : encryption(in);
                default -> in.skip();
            }
        }
        if (!in.atEnd()) {
            throw in.corrupt("the record ends here, but more bytes follow", in.position());
        }
        var config = new StoreConfig(timestamp, repositoryId, packfile, chunking, hashing, compression, encryption);
        // Unknown algorithms are reported before anybody is asked for a passphrase.
        Hashing.parse(hashing.algorithm());
        if (compression != null) {
            Compression.parse(compression.algorithm());
        }
        return config;
    }

    private static PackfileSettings packfile(MsgpackReader in) {
        long minSize = 0;
        long avgSize = 0;
        long maxSize = 0;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(PACKFILE)) {
                case 0 -> minSize = in.integer();
                case 1 -> avgSize = in.integer();
                case 2 -> maxSize = in.integer();
                default -> in.skip();
            }
        }
        return new PackfileSettings(minSize, avgSize, maxSize);
    }

    private static ChunkingSettings chunking(MsgpackReader in) {
        String algorithm = "";
        long minSize = 0;
        long normalSize = 0;
        long maxSize = 0;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(CHUNKING)) {
                case 0 -> algorithm = in.string();
                case 1 -> minSize = Integer.toUnsignedLong(in.uint32());
                case 2 -> normalSize = Integer.toUnsignedLong(in.uint32());
                case 3 -> maxSize = Integer.toUnsignedLong(in.uint32());
                default -> in.skip();
            }
        }
        return new ChunkingSettings(algorithm, minSize, normalSize, maxSize);
    }

    private static HashingSettings hashing(MsgpackReader in) {
        String algorithm = "";
        int bits = 0;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(HASHING)) {
                case 0 -> algorithm = in.string();
                case 1 -> bits = in.uint32();
                default -> in.skip();
            }
        }
        return new HashingSettings(algorithm, bits);
    }

    private static CompressionSettings compression(MsgpackReader in) {
        String algorithm = "";
        long level = 0;
        long windowSize = 0;
        long chunkSize = 0;
        long blockSize = 0;
        boolean enableCrc = false;
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(COMPRESSION)) {
                case 0 -> algorithm = in.string();
                case 1 -> level = in.integer();
                case 2 -> windowSize = in.integer();
                case 3 -> chunkSize = in.integer();
                case 4 -> blockSize = in.integer();
                case 5 -> enableCrc = in.bool();
                default -> in.skip();
            }
        }
        return new CompressionSettings(algorithm, level, windowSize, chunkSize, blockSize, enableCrc);
    }

    private static EncryptionSettings encryption(MsgpackReader in) {
        String subkeyAlgorithm = "";
        String dataAlgorithm = "";
        int segmentBytes = 0;
        KeyDerivation kdf = null;
        byte[] canary = new byte[0];
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(ENCRYPTION)) {
                case 0 -> subkeyAlgorithm = in.string();
                case 1 -> dataAlgorithm = in.string();
                case 2 -> segmentBytes = (int) in.integer("segment bytes", 1, Integer.MAX_VALUE);
                case 3 -> kdf = kdf(in);
                case 4 -> canary = in.bytes();
                default -> in.skip();
            }
        }
        if (!dataAlgorithm.equalsIgnoreCase(DATA_ALGORITHM)) {
            throw UnsupportedVersionException.algorithm("encryption", dataAlgorithm, DATA_ALGORITHM);
        }
        if (kdf == null) {
            throw in.corrupt("encryption without KDFParams", in.position());
        }
        if (segmentBytes == 0) {
            throw in.corrupt("encryption without ChunkSize", in.position());
        }
        return new EncryptionSettings(subkeyAlgorithm, dataAlgorithm, segmentBytes, kdf, Bytes.copyOf(canary));
    }

    /** The sub-map of each function may come before its name, so all are read before one is chosen. */
    private static KeyDerivation kdf(MsgpackReader in) {
        String name = "";
        Bytes salt = Bytes.copyOf(new byte[0]);
        long[] argon2 = null;
        long[] scrypt = null;
        long[] pbkdf2 = null;
        String pbkdf2Hashing = "";
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(KDF)) {
                case 0 -> name = in.string();
                case 1 -> salt = Bytes.copyOf(in.bytes());
                case 2 -> argon2 = in.tryNil() ? null : numbers(in, ARGON2, 5);
                case 3 -> scrypt = in.tryNil() ? null : numbers(in, SCRYPT, 5);
                case 4 -> {
                    if (!in.tryNil()) {
                        pbkdf2 = new long[3];
                        for (int fields = in.mapHeader(); fields > 0; fields--) {
                            int field = in.field(PBKDF2);
                            switch (field) {
                                case 0, 1, 2 -> pbkdf2[field] = in.integer();
                                case 3 -> pbkdf2Hashing = in.string();
                                default -> in.skip();
                            }
                        }
                    }
                }
                default -> in.skip();
            }
        }
        if (name.equalsIgnoreCase("ARGON2ID") && argon2 != null) {
            keyLength(argon2[4]);
            return new KeyDerivation.Argon2(salt, argon2[1], argon2[2], Math.clamp(argon2[3], 0, 256));
        }
        if (name.equalsIgnoreCase("SCRYPT") && scrypt != null) {
            keyLength(scrypt[4]);
            return new KeyDerivation.Scrypt(salt, scrypt[1], scrypt[2], scrypt[3]);
        }
        if (name.equalsIgnoreCase("PBKDF2") && pbkdf2 != null) {
            keyLength(pbkdf2[2]);
            return new KeyDerivation.Pbkdf2(salt, pbkdf2[1], pbkdf2Hashing);
        }
        throw UnsupportedVersionException.algorithm(
                "key derivation", name, "ARGON2ID, SCRYPT, PBKDF2, each with its parameters");
    }

    private static long[] numbers(MsgpackReader in, FieldNames names, int count) {
        long[] values = new long[count];
        for (int fields = in.mapHeader(); fields > 0; fields--) {
            int field = in.field(names);
            if (field < 0) {
                in.skip();
            } else {
                values[field] = in.integer();
            }
        }
        return values;
    }

    private static void keyLength(long length) {
        if (length != KeyDerivation.KEY_BYTES) {
            throw new CorruptDataException("CONFIG says the master key has " + length + " bytes, expected 32");
        }
    }

    private static Instant instant(MsgpackReader in) {
        long at = in.position();
        in.time();
        try {
            return Instant.ofEpochSecond(in.timeSeconds(), in.timeNanos());
        } catch (DateTimeException e) {
            throw in.corrupt("a time of " + in.timeSeconds() + " seconds", at);
        }
    }

    private static UUID id(MsgpackReader in) {
        long at = in.position();
        byte[] bytes = in.bytes();
        if (bytes.length != 0 && bytes.length != 16) {
            throw in.corrupt("expected an id of 16 bytes, found " + bytes.length, at);
        }
        ByteBuffer id = ByteBuffer.wrap(Arrays.copyOf(bytes, 16));
        return new UUID(id.getLong(), id.getLong());
    }

    /** The 16 bytes of a UUID in the order of RFC 9562. */
    public static byte[] idBytes(UUID id) {
        return ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }
}
