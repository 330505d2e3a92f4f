// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.packfile.FieldNames;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts of a directory: of its direct children, and of all that is below its sub-directories (format 2a §11). Filled by
 * one thread: children in path order, then {@link #finish}.
 */
public final class Summary {
    private static final FieldNames PARTS = FieldNames.of("directory", "below");
    private static final byte[] DIRECTORY = Entry.key("directory");
    private static final byte[] BELOW = Entry.key("below");

    private final Counters directory = new Counters();
    private final Counters below = new Counters();

    public Counters directory() {
        return directory;
    }

    public Counters below() {
        return below;
    }

    /** Counts a child that is no directory. */
    public void addFile(Entry entry) {
        Counters own = directory;
        int mode = entry.info().mode();
        own.children++;
        if ((mode & FileMode.SYMLINK) != 0) {
            own.symlinks++;
        } else if ((mode & FileMode.DEVICE) != 0) {
            own.devices++;
        } else if ((mode & FileMode.PIPE) != 0) {
            own.pipes++;
        } else if ((mode & FileMode.SOCKET) != 0) {
            own.sockets++;
        } else {
            own.files++;
        }
        own.setuid += (mode & FileMode.SETUID) != 0 ? 1 : 0;
        own.setgid += (mode & FileMode.SETGID) != 0 ? 1 : 0;
        own.sticky += (mode & FileMode.STICKY) != 0 ? 1 : 0;
        if (!entry.object().equals(Mac.ZERO)) {
            own.objects++;
            own.chunks += entry.chunks();
        }
        long size = entry.isRegular() ? entry.info().size() : 0;
        double entropy = entry.entropy();
        own.lowerTimeTo(entry.info().mtimeSeconds());
        own.raiseTimeTo(entry.info().mtimeSeconds());
        own.lowerSizeTo(size);
        own.raiseSizeTo(size);
        own.lowerEntropyTo(entropy);
        own.raiseEntropyTo(entropy);
        if (entropy <= 2.0) {
            own.loEntropy++;
        } else if (entropy >= 7.0) {
            own.hiEntropy++;
        }
        String type = entry.contentType();
        if (type.startsWith("text/")) {
            own.mimeText++;
        } else if (type.startsWith("image/")) {
            own.mimeImage++;
        } else if (type.startsWith("audio/")) {
            own.mimeAudio++;
        } else if (type.startsWith("video/")) {
            own.mimeVideo++;
        } else if (type.startsWith("application/")) {
            own.mimeApplication++;
        } else {
            own.mimeOther++;
        }
        own.size += size;
        own.sumEntropy += entropy;
    }

    /** Counts a sub-directory whose own summary is finished. */
    public void addDirectory(Summary child) {
        directory.children++;
        directory.directories++;
        below.fold(child.below);
        below.fold(child.directory);
    }

    /** Adds the errors of direct children and computes the averages. */
    public void finish(long errors) {
        below.errors += errors;
        if (directory.files > 0) {
            directory.avgSize = Long.divideUnsigned(directory.size, directory.files);
            directory.avgEntropy = directory.sumEntropy / directory.files;
        }
    }

    public void encode(MsgpackWriter out) {
        List<Field> own = directory.fields(true);
        out.mapHeader(own.isEmpty() ? 1 : 2);
        if (!own.isEmpty()) {
            out.str(DIRECTORY);
            encode(own, out);
        }
        out.str(BELOW);
        encode(below.fields(false), out);
    }

    private static void encode(List<Field> fields, MsgpackWriter out) {
        out.mapHeader(fields.size());
        for (Field field : fields) {
            out.str(field.name);
            switch (field.kind) {
                case UNSIGNED -> out.u64(field.bits);
                case SIGNED -> out.i64(field.bits);
                case FLOAT -> out.f64(Double.longBitsToDouble(field.bits));
            }
        }
    }

    public static Summary decode(MsgpackReader in) {
        Summary summary = new Summary();
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            switch (in.field(PARTS)) {
                case 0 -> summary.directory.decode(in);
                case 1 -> summary.below.decode(in);
                default -> in.skip();
            }
        }
        return summary;
    }

    private enum Kind {
        UNSIGNED,
        SIGNED,
        FLOAT
    }

    private record Field(String name, Kind kind, long bits) {}

    /** The numbers of one part. */
    public static final class Counters {
        private static final FieldNames FIELDS = FieldNames.of(
                "directories",
                "files",
                "symlinks",
                "devices",
                "pipes",
                "sockets",
                "children",
                "setuid",
                "setgid",
                "sticky",
                "objects",
                "chunks",
                "min_size",
                "max_size",
                "avg_size",
                "size",
                "min_mod_time",
                "max_mod_time",
                "min_entropy",
                "max_entropy",
                "sum_entropy",
                "avg_entropy",
                "hi_entropy",
                "lo_entropy",
                "MIME_audio",
                "MIME_video",
                "MIME_image",
                "MIME_text",
                "MIME_application",
                "MIME_other",
                "errors");

        public long directories;
        public long files;
        public long symlinks;
        public long devices;
        public long pipes;
        public long sockets;
        public long children;
        public long setuid;
        public long setgid;
        public long sticky;
        public long objects;
        public long chunks;
        public long minSize;
        public long maxSize;
        public long avgSize;
        public long size;
        public long minModTime;
        public long maxModTime;
        public double minEntropy;
        public double maxEntropy;
        public double sumEntropy;
        public double avgEntropy;
        public long hiEntropy;
        public long loEntropy;
        public long mimeAudio;
        public long mimeVideo;
        public long mimeImage;
        public long mimeText;
        public long mimeApplication;
        public long mimeOther;
        public long errors;

        // The rules for least and greatest take 0 for "none yet", which is Plakar's way and so part of the format.

        private void lowerSizeTo(long v) {
            minSize = minSize == 0 || Long.compareUnsigned(v, minSize) < 0 ? v : minSize;
        }

        private void raiseSizeTo(long v) {
            maxSize = maxSize == 0 || Long.compareUnsigned(v, maxSize) > 0 ? v : maxSize;
        }

        private void lowerTimeTo(long v) {
            minModTime = minModTime == 0 || v < minModTime ? v : minModTime;
        }

        private void raiseTimeTo(long v) {
            maxModTime = maxModTime == 0 || v > maxModTime ? v : maxModTime;
        }

        private void lowerEntropyTo(double v) {
            minEntropy = minEntropy == 0 || v < minEntropy ? v : minEntropy;
        }

        private void raiseEntropyTo(double v) {
            maxEntropy = maxEntropy == 0 || v > maxEntropy ? v : maxEntropy;
        }

        private void fold(Counters part) {
            directories += part.directories;
            files += part.files;
            symlinks += part.symlinks;
            devices += part.devices;
            pipes += part.pipes;
            sockets += part.sockets;
            children += part.children;
            setuid += part.setuid;
            setgid += part.setgid;
            sticky += part.sticky;
            objects += part.objects;
            chunks += part.chunks;
            size += part.size;
            hiEntropy += part.hiEntropy;
            loEntropy += part.loEntropy;
            mimeAudio += part.mimeAudio;
            mimeVideo += part.mimeVideo;
            mimeImage += part.mimeImage;
            mimeText += part.mimeText;
            mimeApplication += part.mimeApplication;
            mimeOther += part.mimeOther;
            errors += part.errors;
            lowerSizeTo(part.minSize);
            raiseSizeTo(part.maxSize);
            lowerTimeTo(part.minModTime);
            raiseTimeTo(part.maxModTime);
            lowerEntropyTo(part.minEntropy);
            raiseEntropyTo(part.maxEntropy);
        }

        /** The fields as they are written: in this order, zeros left out, but for the errors below a directory. */
        private List<Field> fields(boolean isDirectory) {
            List<Field> fields = new ArrayList<>();
            unsigned(fields, "directories", directories);
            unsigned(fields, "files", files);
            unsigned(fields, "symlinks", symlinks);
            unsigned(fields, "devices", devices);
            unsigned(fields, "pipes", pipes);
            unsigned(fields, "sockets", sockets);
            unsigned(fields, "children", children);
            unsigned(fields, "setuid", setuid);
            unsigned(fields, "setgid", setgid);
            unsigned(fields, "sticky", sticky);
            unsigned(fields, "objects", objects);
            unsigned(fields, "chunks", chunks);
            unsigned(fields, "min_size", minSize);
            unsigned(fields, "max_size", maxSize);
            if (isDirectory) {
                unsigned(fields, "avg_size", avgSize);
            }
            unsigned(fields, "size", size);
            add(fields, "min_mod_time", Kind.SIGNED, minModTime);
            add(fields, "max_mod_time", Kind.SIGNED, maxModTime);
            floating(fields, "min_entropy", minEntropy);
            floating(fields, "max_entropy", maxEntropy);
            if (isDirectory) {
                floating(fields, "sum_entropy", sumEntropy);
                floating(fields, "avg_entropy", avgEntropy);
            }
            unsigned(fields, "hi_entropy", hiEntropy);
            unsigned(fields, "lo_entropy", loEntropy);
            unsigned(fields, "MIME_audio", mimeAudio);
            unsigned(fields, "MIME_video", mimeVideo);
            unsigned(fields, "MIME_image", mimeImage);
            unsigned(fields, "MIME_text", mimeText);
            unsigned(fields, "MIME_application", mimeApplication);
            unsigned(fields, "MIME_other", mimeOther);
            if (isDirectory) {
                unsigned(fields, "errors", errors);
            } else {
                fields.add(new Field("errors", Kind.UNSIGNED, errors));
            }
            return fields;
        }

        private static void unsigned(List<Field> fields, String name, long value) {
            add(fields, name, Kind.UNSIGNED, value);
        }

        private static void floating(List<Field> fields, String name, double value) {
            if (value != 0) {
                fields.add(new Field(name, Kind.FLOAT, Double.doubleToRawLongBits(value)));
            }
        }

        private static void add(List<Field> fields, String name, Kind kind, long bits) {
            if (bits != 0) {
                fields.add(new Field(name, kind, bits));
            }
        }

        private void decode(MsgpackReader in) {
            for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
                switch (in.field(FIELDS)) {
                    case 0 -> directories = in.integer();
                    case 1 -> files = in.integer();
                    case 2 -> symlinks = in.integer();
                    case 3 -> devices = in.integer();
                    case 4 -> pipes = in.integer();
                    case 5 -> sockets = in.integer();
                    case 6 -> children = in.integer();
                    case 7 -> setuid = in.integer();
                    case 8 -> setgid = in.integer();
                    case 9 -> sticky = in.integer();
                    case 10 -> objects = in.integer();
                    case 11 -> chunks = in.integer();
                    case 12 -> minSize = in.integer();
                    case 13 -> maxSize = in.integer();
                    case 14 -> avgSize = in.integer();
                    case 15 -> size = in.integer();
                    case 16 -> minModTime = in.integer();
                    case 17 -> maxModTime = in.integer();
                    case 18 -> minEntropy = in.f64();
                    case 19 -> maxEntropy = in.f64();
                    case 20 -> sumEntropy = in.f64();
                    case 21 -> avgEntropy = in.f64();
                    case 22 -> hiEntropy = in.integer();
                    case 23 -> loEntropy = in.integer();
                    case 24 -> mimeAudio = in.integer();
                    case 25 -> mimeVideo = in.integer();
                    case 26 -> mimeImage = in.integer();
                    case 27 -> mimeText = in.integer();
                    case 28 -> mimeApplication = in.integer();
                    case 29 -> mimeOther = in.integer();
                    case 30 -> errors = in.integer();
                    default -> in.skip();
                }
            }
        }
    }
}
