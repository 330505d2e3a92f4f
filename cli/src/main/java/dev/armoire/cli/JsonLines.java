// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Lines of {@code -json}: an object with version, time, command and type, and then what belongs to the type. */
final class JsonLines {
    /** Raised when a field changes its meaning or goes away; new fields and types may come without. */
    private static final int VERSION = 1;

    private final JsonFactory factory = new JsonFactory();
    private final String command;

    JsonLines(String command) {
        this.command = command;
    }

    /** @param fields names and values in turn */
    String line(String type, @Nullable Object... fields) {
        StringWriter text = new StringWriter(160);
        try (JsonGenerator json = factory.createGenerator(text)) {
            json.writeStartObject();
            json.writeNumberField("version", VERSION);
            json.writeStringField("time", Instant.now().toString());
            json.writeStringField("command", command);
            json.writeStringField("type", type);
            for (int i = 0; i < fields.length; i += 2) {
                field(json, String.valueOf(fields[i]), fields[i + 1]);
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a StringWriter does not fail
        }
        return text.toString();
    }

    private static void field(JsonGenerator json, String name, @Nullable Object value) throws IOException {
        if (value instanceof byte[] path) {
            String text = utf8(path);
            json.writeStringField(name, text == null ? SnapshotPath.display(path) : text);
            if (text == null) { // then the bytes are the name, and the text only shows it
                json.writeStringField(name + "_hex", HexFormat.of().formatHex(path));
            }
            return;
        }
        json.writeFieldName(name);
        value(json, value);
    }

    private static void value(JsonGenerator json, @Nullable Object value) throws IOException {
        switch (value) {
            case null -> json.writeNull();
            case Boolean flag -> json.writeBoolean(flag);
            case Double number -> json.writeNumber(number);
            case Number number -> json.writeNumber(number.longValue());
            case List<?> list -> {
                json.writeStartArray();
                for (Object item : list) {
                    value(json, item);
                }
                json.writeEndArray();
            }
            case Map<?, ?> map -> {
                json.writeStartObject();
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    field(json, String.valueOf(entry.getKey()), entry.getValue());
                }
                json.writeEndObject();
            }
            default -> json.writeString(value.toString());
        }
    }

    private static @Nullable String utf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}
