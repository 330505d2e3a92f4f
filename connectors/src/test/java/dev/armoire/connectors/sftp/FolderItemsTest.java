// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FolderItemsTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 17, 1000, 1024, 1025, 60_000})
    void whatWasToldComesBackInTheOrderOfNames(int count) {
        Random random = new Random(count);
        TreeMap<byte[], RemoteAttributes> expected = new TreeMap<>(Arrays::compareUnsigned);
        try (FolderItems items = new FolderItems()) {
            while (expected.size() < count) {
                byte[] name = new byte[random.nextInt(expected.size() == 5 ? 2_000_000 : 40)];
                random.nextBytes(name);
                RemoteAttributes attributes = new RemoteAttributes(
                        random.nextLong(), random.nextInt(), random.nextInt(), random.nextInt(), random.nextLong());
                if (expected.putIfAbsent(name, attributes) == null) {
                    items.add(name, attributes);
                }
            }
            items.sort();
            assertThat(items.count()).isEqualTo(count);
            assertThat(items.isLarge()).isEqualTo(count > 5);
            int i = 0;
            for (var item : expected.entrySet()) {
                assertThat(items.name(i)).isEqualTo(item.getKey());
                assertThat(items.attributes(i)).isEqualTo(item.getValue());
                assertThat((byte[]) items.target(i)).isEmpty();
                if (i % 7 == 3) {
                    items.setTarget(i, item.getKey());
                    assertThat(items.target(i)).isSameAs(item.getKey());
                }
                i++;
            }
        }
    }
}
