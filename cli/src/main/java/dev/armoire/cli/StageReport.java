// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.repository.StageTimes.Stage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** What {@code -time} says about the stages of a command, also to Java's flight recorder where that runs. */
final class StageReport {
    private StageReport() {}

    /** Tells the stages, the longest first. */
    static void tell(Map<Stage, Long> nanos, Report report) {
        if (nanos.isEmpty()) {
            return;
        }
        List<Map.Entry<Stage, Long>> longest = new ArrayList<>(nanos.entrySet());
        longest.sort(Map.Entry.<Stage, Long>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()));
        StringBuilder text = new StringBuilder("stages, all threads together:");
        List<Object> fields = new ArrayList<>();
        fields.add("longest");
        fields.add(longest.getFirst().getKey().text());
        String between = " ";
        for (Map.Entry<Stage, Long> taken : longest) {
            Stage stage = taken.getKey();
            text.append(between).append(stage.text()).append(' ').append(GoFormat.duration(taken.getValue()));
            between = "; ";
            fields.add(stage.field());
            fields.add(taken.getValue());
        }
        report.result(text.toString(), "stages", fields.toArray());
        if (ModuleLayer.boot().findModule("jdk.jfr").isPresent()) {
            nanos.forEach(StageEvent::commit);
        }
    }

    /** One stage in a flight recording. */
    @Name("dev.armoire.Stage")
    @Label("Stage")
    @Category("Armoire")
    @StackTrace(false)
    @SuppressWarnings("UnusedVariable") // the recorder reads the fields
    private static final class StageEvent extends Event {
        @Label("Stage")
        String stage = "";

        @Label("Time of all threads")
        @Timespan
        long threadTime;

        static void commit(Stage stage, long nanos) {
            StageEvent event = new StageEvent();
            event.stage = stage.text();
            event.threadTime = nanos;
            event.commit();
        }
    }
}
