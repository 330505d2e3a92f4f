// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.ptar.PtarOutput;
import dev.armoire.connectors.storage.ptar.PtarStorage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Opens and creates stores in a bucket, {@code s3://HOST[:PORT]/BUCKET[/PREFIX]}, and archives: prefixes that end in {@code .ptar}. */
public final class S3StorageFactory implements StorageFactory {
    private final Function<String, @Nullable String> environment;
    private Consumer<String> notices = text -> {};

    public S3StorageFactory() {
        this(System::getenv);
    }

    S3StorageFactory(Function<String, @Nullable String> environment) {
        this.environment = environment;
    }

    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("s3");
    }

    @Override
    public void useNotices(Consumer<String> told) {
        notices = told;
    }

    @Override
    public Storage open(Location location) throws IOException {
        return open(location, Map.of());
    }

    @Override
    public Storage open(Location location, Map<String, String> settings) throws IOException {
        S3Place place = S3Place.of(location, S3Settings.parse(settings), environment);
        return place.objectKey().endsWith(".ptar")
                ? PtarStorage.open(S3Archive.open(place, notices))
                : S3Storage.open(place, notices);
    }

    @Override
    public void check(Location location, Map<String, String> settings) throws IOException {
        S3Place.of(location, S3Settings.parse(settings), environment);
    }

    @Override
    public Storage create(Location location, MemorySegment config) throws IOException {
        return create(location, config, Map.of());
    }

    @Override
    public Storage create(Location location, MemorySegment config, Map<String, String> settings) throws IOException {
        return S3Storage.create(S3Place.of(location, S3Settings.parse(settings), environment), config, notices);
    }

    @Override
    public ArchiveOutput createArchive(Location location, MemorySegment config, boolean replaces) throws IOException {
        S3Place place = S3Place.of(location, S3Settings.parse(Map.of()), environment);
        return PtarOutput.to(
                location.toString(), config, S3ArchiveSink.open(place, replaces, S3ArchiveSink.PART_BYTES));
    }
}
