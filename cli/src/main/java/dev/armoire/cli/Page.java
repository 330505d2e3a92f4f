// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.record.SnapshotPath;

/** Lines of names and values, in up to three levels; with {@code -json} a {@code field} each. */
final class Page {
    private final Report report;
    private String section = "";

    Page(Report report) {
        this.report = report;
    }

    void line(String name, Object value) {
        section = "";
        print("", name, value);
    }

    /** A line whose value is any bytes, such as a path. */
    void path(String name, byte[] value) {
        section = "";
        report.result(
                (name + ": " + SnapshotPath.display(value)).stripTrailing(), "field", "name", name, "value", value);
    }

    /** A heading, which belongs to the names of the items below it. */
    void head(String name) {
        section = name + ".";
        if (!report.isJson()) {
            report.result(name + ":", "section");
        }
    }

    void item(String name, Object value) {
        print(" - ", name, value);
    }

    void subItem(String name, Object value) {
        print("   - ", name, value);
    }

    private void print(String indent, String name, Object value) {
        String shown = SnapshotPath.display(SnapshotPath.of(value.toString()));
        report.result(
                (indent + name + ": " + shown).stripTrailing(),
                "field",
                "name",
                section + name,
                "value",
                value instanceof Number ? value : value.toString());
    }
}
