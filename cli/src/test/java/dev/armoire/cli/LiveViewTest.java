// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LiveViewTest {
    private static final long SECOND = 1_000_000_000;
    private static final LiveView.Figures HALF_DONE =
            new LiveView.Figures("3f544fc3", "items", 40, 100, 512 << 20, 1 << 30, 512 << 20, "3.0 MiB new", 2);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Report report = new Report(out, err, true);

    @ParameterizedTest
    @CsvSource({
        "abc, 3",
        "ü, 1",
        "日本語, 6",
        "한글, 4",
        "ｆｕｌｌ, 8",
        "😀, 2",
        "e\u0301, 1",
        "a\u200bb, 2",
        "'', 0",
    })
    void widthIsThatOfTerminals(String text, int columns) {
        assertThat(TextWidth.of(text)).isEqualTo(columns);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 8, 9, 20, 39, 40, 41, 200})
    void shortenedTextsFit(int columns) {
        String path = "/home/日本語の長い名前のフォルダ/名前-e\u0301\u0301-😀😀😀.txt";
        String shown = TextWidth.shorten(path, columns);
        assertThat(TextWidth.of(shown)).isLessThanOrEqualTo(columns);
        if (columns >= 20) {
            assertThat(shown).endsWith(".txt");
        }
    }

    @Test
    void saysHowFarItIsAndHowLongItWillTake() {
        LiveView view = new LiveView(report, "backup", false);
        view.done("/home/a/file".getBytes(StandardCharsets.UTF_8));

        List<String> lines = view.lines(HALF_DONE, System.nanoTime() + 60 * SECOND, 100);

        assertThat(lines.getFirst())
                .startsWith("backup 3f544fc3  1:00  50%  512 MiB of 1.0 GiB  8.5 MiB/s")
                .endsWith("left 1:00");
        assertThat(lines.get(1)).isEqualTo("40 of 100 items, 3.0 MiB new  2 errors");
        assertThat(lines.getLast()).isEqualTo("/home/a/file");
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 20, 40, 80, 200})
    void noLineReachesTheEdge(int columns) {
        LiveView view = new LiveView(report, "backup", false);
        view.done("/home/日本語の長い名前のフォルダ/a-file-with-a-rather-long-name.txt".getBytes(StandardCharsets.UTF_8));

        for (String line : view.lines(HALF_DONE, System.nanoTime() + 3600 * SECOND, columns)) {
            if (columns >= 20) {
                assertThat(TextWidth.of(line)).isLessThan(columns);
            }
        }
    }

    @Test
    void otherLinesGoAboveIt() {
        LiveView view = new LiveView(report, "backup", false);
        report.attach(view);
        report.draw(List.of("one", "two"), 80);
        report.warn("careful");
        report.draw(List.of("three"), 80);
        report.detach();

        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo("\rone\033[K\ntwo\033[K\033[J" + "\r\033[1A\033[J" + "\rthree\033[K\033[J" + "\r\033[J");
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("warn: careful\n");
    }

    @Test
    void aTerminalThatBecameNarrowerHasWrappedTheLines() {
        report.attach(new LiveView(report, "backup", false));
        report.draw(List.of("x".repeat(79), "y"), 80);
        out.reset();
        report.draw(List.of("z"), 40);

        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("\r\033[2A");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-json", "-quiet", "-silent", "-stdio", "-no-progress", "TERM=dumb", "TERM="})
    void whoWantsNoViewGetsNone(String flag, @TempDir Path folder) throws IOException {
        String text = backUp(flag, folder);
        assertThat(text).doesNotContain("\033");
    }

    @Test
    void withAViewItemsAreNotListed(@TempDir Path folder) throws IOException {
        String text = backUp("-time", folder);
        assertThat(text).contains(": backup completed without errors").doesNotContain("OK");
    }

    private String backUp(String flag, Path folder) throws IOException {
        ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
        String terminal = flag.startsWith("TERM=") ? flag.substring(5) : "xterm";
        Surroundings surroundings =
                new Surroundings(Map.of("TERM", terminal), run.home(), out, err, true, text -> null);
        List<String> words = flag.startsWith("TERM=")
                ? List.of("at", run.path("store"), "backup", run.path("source"))
                : List.of("at", run.path("store"), "backup", flag, run.path("source"));
        assertThat(Cli.run(words, surroundings)).isZero();
        return out.toString(StandardCharsets.UTF_8);
    }
}
