// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Plots as SVG files. A series keeps its place in the order of the map, and with it its colour. */
public final class Plot {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 420;
    /** Title, axis and legend of a chart of bars. */
    private static final int FRAME_HEIGHT = 130;

    private static final int BAR_HEIGHT = 16;
    /** Told apart by most people who do not see all colours (Okabe and Ito). */
    private static final Color[] COLOURS = {
        new Color(0x0072b2),
        new Color(0xd55e00),
        new Color(0x009e73),
        new Color(0xe69f00),
        new Color(0x56b4e9),
        new Color(0xcc79a7),
        new Color(0x555555),
        new Color(0xf0e442),
    };

    private Plot() {}

    /**
     * Bars from left to right in groups from top to bottom, each with its value.
     *
     * @param groups names of the groups
     * @param series one value per group; NaN leaves a gap
     */
    public static void bars(Path svg, String title, String unit, List<String> groups, Map<String, List<Double>> series)
            throws IOException {
        write(barChart(title, unit, groups, series), svg);
    }

    private static Chart<?, ?> barChart(
            String title, String unit, List<String> groups, Map<String, List<Double>> series) {
        HorizontalBarChart chart = new HorizontalBarChartBuilder()
                .width(WIDTH)
                .height(FRAME_HEIGHT + groups.size() * (series.size() + 1) * BAR_HEIGHT)
                .title(title)
                .xAxisTitle(unit)
                .build();
        style(chart.getStyler());
        chart.getStyler().setLabelsVisible(true).setLabelsPosition(1).setLabelsFont(font(10));
        chart.getStyler().setAvailableSpaceFill(0.85).setDecimalPattern("#.##");
        chart.getStyler().setXAxisMin(0.0).setPlotGridHorizontalLinesVisible(false);
        chart.getStyler().setYAxisTickMarkSpacingHint(BAR_HEIGHT); // or else some groups stay without their names
        shown(series).forEach((name, values) -> chart.addSeries(name, values, groups));
        return chart;
    }

    /** Lines over steps that are named and equally far apart, such as sizes; values as for {@link #bars}. */
    public static void lines(Path svg, String title, String unit, List<String> steps, Map<String, List<Double>> series)
            throws IOException {
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .yAxisTitle(unit)
                .build();
        style(chart.getStyler());
        chart.getStyler().setYAxisMin(0.0).setPlotGridVerticalLinesVisible(false);
        chart.getStyler().setDefaultSeriesRenderStyle(CategorySeriesRenderStyle.Line);
        chart.getStyler().setOverlapped(true); // all points of a step above each other
        shown(series)
                .forEach((name, values) -> chart.addSeries(name, steps, values)
                        .setMarker(SeriesMarkers.CIRCLE)
                        .setLineStyle(new BasicStroke(2.5f)));
        write(chart, svg);
    }

    /** Curves over numbers, all over the same ones. */
    public static void curves(
            Path svg, String title, String xUnit, String unit, List<Double> x, Map<String, List<Double>> series)
            throws IOException {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(xUnit)
                .yAxisTitle(unit)
                .build();
        style(chart.getStyler());
        series.forEach((name, values) ->
                chart.addSeries(name, x, values).setMarker(SeriesMarkers.NONE).setLineStyle(new BasicStroke(2.5f)));
        write(chart, svg);
    }

    private static void style(AxesChartStyler styler) {
        styler.setPlotBorderVisible(false);
        styler.setAxisTitlesVisible(true).setAxisTickLabelsFont(font(12)).setAxisTitleFont(font(12));
        styler.setChartBackgroundColor(Color.WHITE).setChartTitleFont(font(15)).setLegendFont(font(12));
        styler.setLegendPosition(LegendPosition.OutsideS).setLegendLayout(LegendLayout.Horizontal);
        styler.setLegendBorderColor(Color.WHITE).setSeriesColors(COLOURS);
    }

    private static Font font(int points) {
        return new Font(Font.SANS_SERIF, Font.PLAIN, points);
    }

    /** Without what has no value at all, for which XChart has no type. */
    private static Map<String, List<Double>> shown(Map<String, List<Double>> series) {
        var shown = new LinkedHashMap<>(series);
        shown.values().removeIf(values -> values.stream().allMatch(value -> value.isNaN()));
        return shown;
    }

    private static void write(Chart<?, ?> chart, Path svg) throws IOException {
        try (var out = new BufferedOutputStream(Files.newOutputStream(svg))) {
            ChartEncoder.saveChart(chart, out, "svg");
        }
    }
}
