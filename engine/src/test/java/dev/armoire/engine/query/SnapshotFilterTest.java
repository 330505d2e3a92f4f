// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class SnapshotFilterTest {
    private record Fields(
            String id,
            long timestampSeconds,
            int timestampNanos,
            String name,
            String category,
            String environment,
            String perimeter,
            String job,
            String dataset,
            List<String> tags,
            List<String> dataClasses,
            List<String> roots,
            List<String> origins,
            List<String> types)
            implements SnapshotFields {}

    private static final Instant TIME = Instant.parse("2026-11-23T09:24:20Z");

    private static final Fields OLD = new Fields(
            "old",
            TIME.getEpochSecond() - 60,
            0,
            "first",
            "cat1",
            "prod",
            "site-a",
            "nightly",
            "set",
            List.of("alpha", "beta"),
            List.of("pii"),
            List.of("/data/small"),
            List.of("host-a"),
            List.of("fs"));
    private static final Fields MIDDLE = new Fields(
            "middle",
            TIME.getEpochSecond(),
            300_000_000,
            "default",
            "",
            "",
            "",
            "",
            "",
            List.of(),
            List.of(),
            List.of("/data/wide", "/data/more"),
            List.of("host-a", "host-b"),
            List.of("fs", "tar"));
    private static final Fields NEW = new Fields(
            "new",
            TIME.getEpochSecond(),
            300_000_001,
            "default",
            "Cat1",
            "",
            "",
            "",
            "",
            List.of("beta"),
            List.of("pii", "health"),
            List.of("/data"),
            List.of("host-c"),
            List.of("s3"));

    private static List<String> select(UnaryOperator<SnapshotFilter.Builder> conditions) {
        SnapshotFilter filter = conditions.apply(SnapshotFilter.builder()).build();
        return filter.select(List.of(MIDDLE, OLD, NEW), fields -> fields).stream()
                .map(Fields::id)
                .toList();
    }

    @Test
    void orderIsNewestFirstToTheNanosecond() {
        assertThat(select(f -> f)).containsExactly("new", "middle", "old");
        assertThat(SnapshotFilter.all().isEmpty()).isTrue();
        assertThat(SnapshotFilter.builder().latest(true).build().isEmpty()).isFalse();
    }

    @Test
    void equalTimesKeepTheirOrder() {
        List<String> ids = List.of("a", "b", "c");
        assertThat(SnapshotFilter.all().select(ids, id -> OLD)).containsExactlyElementsOf(ids);
    }

    @Test
    void timesIncludeBothEndsAndCountNanoseconds() {
        assertThat(select(f -> f.before(TIME))).containsExactly("old");
        assertThat(select(f -> f.before(TIME.plusMillis(300)))).containsExactly("middle", "old");
        assertThat(select(f -> f.since(TIME.plusMillis(300)))).containsExactly("new", "middle");
        assertThat(select(f -> f.since(TIME.plusNanos(300_000_001)))).containsExactly("new");
        assertThat(select(f -> f.since(TIME).before(TIME.minusSeconds(1)))).isEmpty();
    }

    @Test
    void singleValuesMustBeEqual() {
        assertThat(select(f -> f.name("default"))).containsExactly("new", "middle");
        assertThat(select(f -> f.name("Default"))).isEmpty();
        assertThat(select(f -> f.name("first").name("default"))).containsExactly("new", "middle");
        assertThat(select(f -> f.name("first").name(""))).hasSize(3);
        assertThat(select(f -> f.category("cat1"))).containsExactly("old");
        assertThat(select(f -> f.environment("prod"))).containsExactly("old");
        assertThat(select(f -> f.perimeter("site-a"))).containsExactly("old");
        assertThat(select(f -> f.job("nightly"))).containsExactly("old");
        assertThat(select(f -> f.dataset("set"))).containsExactly("old");
        assertThat(select(f -> f.dataset("set").job("weekly"))).isEmpty();
    }

    @Test
    void allTagsMustBeThereAndNoneOfTheOthers() {
        assertThat(select(f -> f.tags("beta"))).containsExactly("new", "old");
        assertThat(select(f -> f.tags(" alpha , beta,"))).containsExactly("old");
        assertThat(select(f -> f.tags("beta").tags("alpha"))).containsExactly("old");
        assertThat(select(f -> f.tags("!alpha"))).containsExactly("new", "middle");
        assertThat(select(f -> f.tags("beta, !alpha"))).containsExactly("new");
        assertThat(select(f -> f.tags(""))).hasSize(3);
        assertThat(select(f -> f.tags("alph"))).isEmpty();
    }

    @Test
    void everyRootMustBeThereExactly() {
        assertThat(select(f -> f.roots("/data"))).containsExactly("new");
        assertThat(select(f -> f.roots("/data/wide"))).containsExactly("middle");
        assertThat(select(f -> f.roots("/data/wide, /data/more"))).containsExactly("middle");
        assertThat(select(f -> f.roots("/data/wide").roots("/data"))).isEmpty();
    }

    @Test
    void oneOfSeveralOriginsTypesOrDataClassesIsEnough() {
        assertThat(select(f -> f.origins("host-b,host-c"))).containsExactly("new", "middle");
        assertThat(select(f -> f.types("tar, s3"))).containsExactly("new", "middle");
        assertThat(select(f -> f.types("sftp"))).isEmpty();
        assertThat(select(f -> f.dataClasses("health").dataClasses("pii"))).containsExactly("new", "old");
    }

    @Test
    void latestComesAfterAllOthers() {
        assertThat(select(f -> f.latest(true))).containsExactly("new");
        assertThat(select(f -> f.latest(true).tags("alpha"))).containsExactly("old");
        assertThat(select(f -> f.latest(true).tags("none"))).isEmpty();
    }
}
