// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Places of many contents, some with several names. */
final class ContentOrderTest {
    private static final int CONTENTS = 200_000;
    private static final int CHUNK = 1 << 16;

    private static TarItem item(long at, long bytes) {
        FileInfo info = new FileInfo(bytes, 0100644, 0, 0, 0, 0, 0, 0, 1, "", "", 0);
        return new TarItem(BytePath.ROOT, info, new byte[0], false, List.of(), at, bytes, null, null, null);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1000})
    void contentsAreInTheirPlaces(int everySoManyTwice) {
        try (ContentOrder order = new ContentOrder()) {
            for (int i = 0; i < CONTENTS; i++) {
                boolean isTwice = everySoManyTwice > 0 && i % everySoManyTwice == 0;
                for (int name = 0; name < (isTwice ? 2 : 1); name++) {
                    order.add(item(512L * i, 1 + i));
                }
                order.add(item(512L * i, 0));
            }
            assertThat(order.count()).isEqualTo(CONTENTS);
            for (int i = 0; i < CONTENTS; i++) {
                order.forgetBefore(i);
                assertThat(order.contentAt(i)).isEqualTo(512L * i);
                assertThat(order.length(i)).isEqualTo(1 + i);
            }
            for (int i = 0; i < CONTENTS; i += 500) {
                boolean isTwice = everySoManyTwice > 0 && i % everySoManyTwice == 0;
                assertThat(order.isOpenedAgain(512L * i)).as("%d", i).isEqualTo(isTwice);
                assertThat(order.isOpenedAgain(512L * i)).as("%d", i).isFalse();
            }
        }
    }

    @Test
    void whatWasPassedIsGivenBack() {
        try (ContentOrder order = new ContentOrder()) {
            for (int i = 0; i < 2 * CHUNK; i++) {
                order.add(item(512L * i, 1));
            }
            order.forgetBefore(CHUNK - 1);
            assertThat(order.contentAt(0)).isZero();
            order.forgetBefore(CHUNK);
            assertThatThrownBy(() -> order.contentAt(0)).isInstanceOf(IllegalStateException.class);
            assertThat(order.contentAt(CHUNK)).isEqualTo(512L * CHUNK);
        }
    }
}
