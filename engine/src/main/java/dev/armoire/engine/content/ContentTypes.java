// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.lang.foreign.MemorySegment;

/**
 * Content types of files, such as {@code text/plain; charset=utf-8}. Only the start of a file decides, never its name.
 * Any thread may call; each keeps one small scratch buffer.
 */
public final class ContentTypes {
    /** How many bytes from the start of the first chunk are looked at. */
    public static final int INPUT_LIMIT_BYTES = Sample.LIMIT;

    /** Content type of directory listings (dirpacks), which are never looked at. */
    public static final String OCTET_STREAM = "application/octet-stream";

    private static final ThreadLocal<Sample> SAMPLES = ThreadLocal.withInitial(Sample::new);

    private ContentTypes() {}

    /**
     * The content type of a file whose first chunk is {@code firstChunk}; an empty segment stands for an empty file.
     * Never fails, whatever the bytes; the answer is a constant unless a document names an unusual charset.
     *
     * @param firstChunk borrowed for the call; at most its first {@value Sample#LIMIT} bytes are read
     */
    public static String detect(MemorySegment firstChunk) {
        Sample sample = SAMPLES.get();
        sample.fill(firstChunk);
        return detect(sample);
    }

    static String detect(Sample sample) {
        Rule found = BinaryRules.ROOT.deepestMatch(sample);
        return switch (found.charset()) {
            case NONE -> found.type();
            case PLAIN -> Charsets.ofPlain(sample).plain();
            case HTML -> Charsets.ofHtml(sample);
            case XML -> Charsets.ofXml(sample);
        };
    }
}
