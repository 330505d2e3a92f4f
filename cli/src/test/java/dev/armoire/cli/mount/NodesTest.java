// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What the kernel remembers, and is asked to forget. */
class NodesTest {
    private final Nodes nodes = new Nodes(place("/"), 8);

    private static Nodes.Place place(String path) {
        return new Nodes.Place(null, path.getBytes(StandardCharsets.UTF_8), null, false);
    }

    @Test
    void anInodeIsKnownUntilEachLookupIsForgotten() {
        long id = nodes.retain(place("/a"), Nodes.ROOT, false);
        assertThat(nodes.retain(place("/a"), Nodes.ROOT, false)).isEqualTo(id);
        nodes.retain(place("/a"), Nodes.ROOT, false);

        nodes.forget(id, 2);
        assertThat(nodes.find(id)).isNotNull();
        nodes.forget(id, 1);
        assertThat(nodes.find(id)).isNull();
        assertThat(nodes.find(Nodes.ROOT)).isNotNull();
    }

    @Test
    void whenThereAreTooManyTheOldestFilesAreToGo() throws InterruptedException {
        long folder = nodes.retain(place("/d"), Nodes.ROOT, true);
        for (int i = 0; i < 8; i++) {
            nodes.retain(place("/d/" + i), folder, false);
        }
        assertThat(nodes.awaitTooMany()).singleElement().satisfies(item -> {
            assertThat(item.parent()).isEqualTo(folder);
            assertThat(item.name()).isEqualTo(new byte[] {'0'});
        });
        // In use: not forgotten. It stands at the end of the line when it is asked for again.
        nodes.retain(place("/d/0"), folder, false);
        for (int i = 1; i < 8; i++) {
            assertThat(nodes.awaitTooMany().getFirst().name()).isEqualTo(new byte[] {(byte) ('0' + i)});
        }
        assertThat(nodes.awaitTooMany().getFirst().name()).isEqualTo(new byte[] {'0'});
    }

    @Test
    void aNoticeIsAsTheKernelWantsIt() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(64);
            int length = FuseServer.notice(new Nodes.Forgettable(77, new byte[] {'a', 'b'}), out);

            assertThat(length).isEqualTo(16 + 16 + 3);
            assertThat(out.get(ValueLayout.JAVA_INT, 0)).isEqualTo(length);
            assertThat(out.get(ValueLayout.JAVA_INT, 4)).isEqualTo(3); // FUSE_NOTIFY_INVAL_ENTRY
            assertThat(out.get(ValueLayout.JAVA_LONG, 8)).isZero();
            assertThat(out.get(ValueLayout.JAVA_LONG, 16)).isEqualTo(77);
            assertThat(out.get(ValueLayout.JAVA_INT, 24)).isEqualTo(2);
            assertThat(out.asSlice(32, 3).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(new byte[] {'a', 'b', 0});
        }
    }
}
