// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class S3PlaceTest {
    private static S3Place place(String location, String settings, String environment) throws IOException {
        Map<String, String> variables = map(environment);
        return S3Place.of(Location.parse(location), S3Settings.parse(map(settings)), variables::get);
    }

    private static Map<String, String> map(String text) {
        Map<String, String> map = new LinkedHashMap<>();
        if (text != null) {
            for (String pair : text.split(" ", -1)) {
                int equals = pair.indexOf('=');
                map.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return map;
    }

    @ParameterizedTest
    @CsvSource({
        "s3://h/b, , , https://h, us-east-1, b, ''",
        "s3://h:9000/b/p/q, use_tls=false, , http://h:9000, us-east-1, b, p/q/",
        "s3://h/b/p/, port=9000, , https://h:9000, us-east-1, b, p/",
        "s3://h/b//p, , , https://h, us-east-1, b, p/",
        "s3://h/b/my%20store, , , https://h, us-east-1, b, 'my store/'",
        "s3://s3.eu-west-3.amazonaws.com/b, , , https://s3.eu-west-3.amazonaws.com, eu-west-3, b, ''",
        "s3://s3.eu-west-3.amazonaws.com/b, , AWS_REGION=us-west-1, https://s3.eu-west-3.amazonaws.com, eu-west-3, b, ''",
        "s3://s3.amazonaws.com/b, , AWS_REGION=us-west-1, https://s3.us-west-1.amazonaws.com, us-west-1, b, ''",
        "s3://s3.amazonaws.com/b, , , https://s3.amazonaws.com, us-east-1, b, ''",
        "s3://s3.fr-par.scw.cloud/b, , , https://s3.fr-par.scw.cloud, fr-par, b, ''",
        "s3://s3.gra.io.cloud.ovh.net/b, , , https://s3.gra.io.cloud.ovh.net, gra, b, ''",
        "s3://s3.wasabisys.com/b, region=eu-central-2, , https://s3.wasabisys.com, eu-central-2, b, ''",
        "s3://b/p, endpoint=https://h.example, , https://h.example, us-east-1, b, p/",
        "s3://h.example/b/p, endpoint=h.example, , https://h.example, us-east-1, b, p/",
        "s3://b/p, , AWS_ENDPOINT_URL=http://127.0.0.1:9000/, http://127.0.0.1:9000, us-east-1, b, p/",
        "s3://127.0.0.1:9000/b, , AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000, http://127.0.0.1:9000, us-east-1, b, ''",
        "s3://h.example/b, , AWS_ENDPOINT_URL=http://other.example, https://h.example, us-east-1, b, ''",
        "s3://h/b, root=/p/q, , https://h, us-east-1, b, p/q/",
        "s3://h/b, root=/b/q, , https://h, us-east-1, b, q/",
        "s3://h, root=/b/q, , https://h, us-east-1, b, q/",
    })
    void locationsAreReadAsPlakarReadsThem(
            String location,
            String settings,
            String environment,
            String endpoint,
            String region,
            String bucket,
            String prefix)
            throws IOException {
        S3Place place = place(location, settings, environment);
        assertThat(place.endpoint()).hasToString(endpoint);
        assertThat(place.region()).isEqualTo(region);
        assertThat(place.bucket()).isEqualTo(bucket);
        assertThat(place.prefix()).isEqualTo(prefix);
        assertThat(place.virtualHost()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "s3://b.s3.example/p, endpoint=s3.example virtual_host=true, b, p/",
        "s3://b.s3.example, endpoint=https://s3.example/ virtual_host=true root=/p/q/, b, p/q/",
    })
    void theBucketMayStandInTheHost(String location, String settings, String bucket, String prefix) throws IOException {
        S3Place place = place(location, settings, null);
        assertThat(place.host()).isEqualTo("s3.example");
        assertThat(place.bucket()).isEqualTo(bucket);
        assertThat(place.prefix()).isEqualTo(prefix);
        assertThat(place.virtualHost()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "s3://h, , names no bucket",
        "s3://, , names no bucket",
        "s3://key:secret@h/b, , keys do not belong in a location",
        "s3://h h/b, , not a host",
        "s3://h/b%zz, , two hexadecimal digits",
        "s3://h/b/p, root=/q, contradicts the prefix",
        "s3://b.h/p, virtual_host=true, needs endpoint=HOST",
        "s3://h/b, acces_key=x, unknown setting acces_key; known are access_key",
        "s3://h/b, access_key=x, go together",
        "s3://h/b, session_token=x, belongs to an access_key",
        "s3://h/b, use_tls=perhaps, use_tls is true or false",
        "s3://h/b, port=http, port is a number",
        "s3://h/b, storage_class=COLD, storage_class is one of DEEP_ARCHIVE",
        "s3://h/b, sse=AES, sse is AES256 or aws:kms",
        "s3://h/b, sse_kms_key_id=x, needs sse=aws:kms",
        "s3://h/b, sse_customer_key=c2VjcmV0, not a key of 32 bytes in base64",
    })
    void whatCannotBeRightIsRefused(String location, String settings, String message) {
        assertThatThrownBy(() -> place(location, settings, null))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("s3: ")
                .hasMessageContaining(message)
                .hasMessageNotContainingAny("secret@", "c2VjcmV0");
    }
}
