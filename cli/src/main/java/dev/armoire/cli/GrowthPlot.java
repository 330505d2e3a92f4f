// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Draws how a store has grown, as SVG: sizes over time, and below them the ratios. No fonts or scripts from elsewhere. */
final class GrowthPlot {
    private static final int WIDTH = 900;
    private static final int PANEL_HEIGHT = 240;
    private static final int LEFT = 90;
    private static final int RIGHT = 20;
    private static final int TOP = 40;
    private static final int GAP = 70;
    private static final int TICKS = 5;
    private static final int HEIGHT = TOP + 2 * PANEL_HEIGHT + GAP + 40;

    private final StringBuilder svg = new StringBuilder(16 << 10);
    private final List<StatsCommand.Point> points;
    private final double from;
    private final double to;

    private GrowthPlot(List<StatsCommand.Point> points) {
        this.points = points;
        double first = points.isEmpty() ? 0 : seconds(points.getFirst());
        double last = points.isEmpty() ? 1 : seconds(points.getLast());
        from = first;
        to = last > first ? last : first + 1;
    }

    private static double seconds(StatsCommand.Point point) {
        return point.header().timestamp().toEpochMilli() / 1000.0;
    }

    static String svg(List<StatsCommand.Point> points) {
        return new GrowthPlot(points).draw();
    }

    /** A line of the plot. */
    private record Curve(String name, String colour, ToDoubleFunction<StatsCommand.Point> value) {}

    private String draw() {
        add(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">",
                WIDTH,
                HEIGHT));
        add(String.format(Locale.ROOT, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>", WIDTH, HEIGHT));
        panel(
                TOP,
                List.of(
                        new Curve("all files of all snapshots", "#888", StatsCommand.Point::logicalBytes),
                        new Curve("stored", "#06c", StatsCommand.Point::storedBytes)),
                true);
        panel(
                TOP + PANEL_HEIGHT + GAP,
                List.of(
                        new Curve("deduplication", "#080", StatsCommand.Point::deduplication),
                        new Curve("compression", "#c60", StatsCommand.Point::compression)),
                false);
        svg.append("</svg>\n");
        return svg.toString();
    }

    private void panel(int top, List<Curve> curves, boolean isBytes) {
        double max = 0;
        for (Curve curve : curves) {
            for (StatsCommand.Point point : points) {
                max = Math.max(max, curve.value.applyAsDouble(point));
            }
        }
        max = max == 0 ? 1 : max * 1.05;
        for (int tick = 0; tick <= TICKS; tick++) {
            double value = max * tick / TICKS;
            double y = top + PANEL_HEIGHT - (double) PANEL_HEIGHT * tick / TICKS;
            add(String.format(
                    Locale.ROOT,
                    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>",
                    LEFT,
                    y,
                    WIDTH - RIGHT,
                    y));
            String label = isBytes ? GoFormat.bytes((long) value) : String.format(Locale.ROOT, "%.2f", value);
            add(String.format(
                    Locale.ROOT, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 8, y + 4, label));
        }
        for (int tick = 0; tick <= TICKS; tick++) {
            double at = from + (to - from) * tick / TICKS;
            add(String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>",
                    x(at),
                    top + PANEL_HEIGHT + 18,
                    tick == TICKS ? "end" : "middle", // the last one would reach beyond the edge
                    label(at)));
        }
        int legend = LEFT;
        for (Curve curve : curves) {
            add(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>",
                    legend,
                    top - 10,
                    curve.colour,
                    curve.name));
            legend += 200;
            curve(curve, top, max);
        }
    }

    /** Steps: between two snapshots nothing changes. */
    private void curve(Curve curve, int top, double max) {
        StringBuilder path = new StringBuilder();
        for (StatsCommand.Point point : points) {
            double y = top + PANEL_HEIGHT - curve.value.applyAsDouble(point) / max * PANEL_HEIGHT;
            path.append(
                    path.isEmpty()
                            ? String.format(Locale.ROOT, "M%.1f,%.1f", x(seconds(point)), y)
                            : String.format(Locale.ROOT, "H%.1fV%.1f", x(seconds(point)), y));
        }
        add(String.format(
                Locale.ROOT, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>", path, curve.colour));
        if (points.size() == 1) {
            double y = top + PANEL_HEIGHT - curve.value.applyAsDouble(points.getFirst()) / max * PANEL_HEIGHT;
            add(String.format(
                    Locale.ROOT, "<circle cx=\"%d\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>", LEFT, y, curve.colour));
        }
    }

    private double x(double seconds) {
        return LEFT + (seconds - from) / (to - from) * (WIDTH - LEFT - RIGHT);
    }

    private String label(double seconds) {
        String time = GoFormat.time(Instant.ofEpochSecond((long) seconds));
        if (to - from > 5 * 86_400.0) {
            return time.substring(0, 10);
        }
        return time.substring(5, to - from > 10 * 60.0 ? 16 : 19).replace('T', ' ');
    }

    private void add(String line) {
        svg.append(line).append('\n');
    }
}
