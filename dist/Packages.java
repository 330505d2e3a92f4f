// SPDX-License-Identifier: ISC
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Makes what people install: a folder with a Java runtime of its own, the same as .tar.gz and as .deb, and their checksums. The
 * same sources and the same JDK give the same bytes: times, owners and orders are fixed, and the AOT cache, which is never twice
 * the same, is made where it is used.
 *
 * <p>Run by Maven as {@code java Packages.java VERSION TIME PROJECT TARGET MAINTAINER}, with the jars to ship in {@code TARGET/lib}.
 */
public final class Packages {
    /** What jdeps finds, without java.desktop: nothing of ours draws. And what is found by name: elliptic curves, zip files, JFR. */
    private static final String MODULES = "java.base,java.compiler,java.logging,java.management,java.naming,java.net.http,"
            + "java.security.jgss,java.sql,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.incubator.vector,jdk.jfr,jdk.net,"
            + "jdk.unsupported,jdk.zipfs";

    /** What each jar is under, by the beginning of its name; a jar that is not here stops the build. Taken from the jars' POMs. */
    private static final Map<String, String> LICENCES = new TreeMap<>(Map.ofEntries(
            Map.entry("bcprov-", "MIT, Bouncy Castle Licence (LICENSE.md of the jar)"),
            Map.entry("slf4j-", "MIT (LICENSE.txt of the jar)"),
            Map.entry("reactive-streams-", "MIT-0"),
            Map.entry("zstd-jni-", "BSD-2-Clause; Zstandard: BSD-3-Clause (zstd.txt)"),
            Map.entry("lz4-java-", "Apache-2.0; LZ4: BSD-2-Clause (lz4.txt)"),
            Map.entry("conscrypt-", "Apache-2.0; BoringSSL: Apache-2.0 (conscrypt.txt)")));

    private static final Pattern APACHE = Pattern.compile("(agrona|annotations|apache5-client|arns|auth|aws-.*|checksums.*|chronicle-.*"
            + "|commons-.*|crt-core|endpoints-spi|eventstream|http-.*|httpclient5|httpcore5.*|identity-spi|jackson-.*|java-diff-utils"
            + "|javapoet|json-utils|jspecify|metrics-spi|picocli|posix|profiles|protocol-core|regions|retries.*|s3|sdk-core"
            + "|jcl-over-slf4j|snakeyaml-engine|third-party-.*|utils.*|sshd-.*|tools\\.jackson.*|helidon-.*)-[0-9].*\\.jar");
    private static final Pattern OURS =
            Pattern.compile("(core-simd|core-crypto|packfile|index-offheap|connectors|engine|armoire-api|web|cli)-[0-9].*\\.jar");
    private static final Pattern NOTICES = Pattern.compile("META-INF/([A-Za-z-]*(LICENSE|NOTICE|COPYING)[^/]*)");

    private final String version;
    private final Instant time;
    private final Path project;
    private final Path target;
    private final String maintainer;
    private final Path folder;

    private Packages(String version, Instant time, Path project, Path target, String maintainer) {
        this.version = version;
        this.time = time;
        this.project = project;
        this.target = target;
        this.maintainer = maintainer;
        this.folder = target.resolve("armoire-" + version + "-linux-" + architecture());
    }

    public static void main(String[] args) throws Exception {
        new Packages(args[0], Instant.parse(args[1]), Path.of(args[2]), Path.of(args[3]), args[4]).make();
    }

    private static String architecture() {
        String name = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return name.equals("aarch64") ? "arm64" : name;
    }

    private void make() throws Exception {
        delete(folder);
        Files.createDirectories(folder.resolve("lib"));
        jars();
        runtime();
        licences();
        launcher();
        permissions();
        Path archive = target.resolve(folder.getFileName() + ".tar.gz");
        try (TarArchiveOutputStream tar = tar(Files.newOutputStream(archive))) {
            addTree(tar, folder, folder.getFileName() + "/");
        }
        Path deb = deb();
        StringBuilder sums = new StringBuilder();
        for (Path file : List.of(deb, archive)) {
            sums.append(sha256(file)).append("  ").append(file.getFileName()).append('\n');
        }
        Files.writeString(target.resolve("SHA256SUMS"), sums);
        System.out.print(sums);
    }

    private static void delete(Path path) throws IOException {
        if (Files.exists(path)) {
            for (Path file : walk(path).reversed()) {
                Files.delete(file);
            }
        }
    }

    /** All at and below a path, folders first, in the order of their names. */
    private static List<Path> walk(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            return files.sorted(Comparator.comparing(Path::toString)).toList();
        }
    }

    // The folder

    private void jars() throws Exception {
        List<String> names = new ArrayList<>();
        for (Path jar : walk(target.resolve("lib"))) {
            if (!jar.toString().endsWith(".jar")) {
                continue;
            }
            String name = jar.getFileName().toString();
            licence(name);
            names.add(name);
            if (OURS.matcher(name).matches()) {
                copyJar(jar, folder.resolve("lib").resolve(name));
            } else {
                Files.copy(jar, folder.resolve("lib").resolve(name));
            }
        }
        // Ours first: whoever looks for something of ours opens no other jar.
        names.sort(Comparator.comparing((String name) -> !OURS.matcher(name).matches()).thenComparing(name -> name));
        Files.writeString(folder.resolve("lib/classpath"), String.join("\n", names) + "\n");
        String cli = names.stream().filter(name -> name.startsWith("cli-")).findFirst().orElseThrow();
        for (String name : names) {
            if (name.startsWith("picocli-")) { // its class files are too old for the AOT cache
                Path old = target.resolve("lib").resolve(name);
                Path newer = folder.resolve("lib").resolve(name);
                Files.delete(newer);
                run(java("java"), "-cp", folder.resolve("lib").resolve(cli).toString(), "dev.armoire.cli.NewerClassFiles",
                        old.toString(), newer.toString());
            }
        }
    }

    /** Without the modes of its files, which Maven takes from the umask of who builds. */
    private void copyJar(Path from, Path to) throws IOException {
        try (ZipFile jar = new ZipFile(from.toFile());
                ZipOutputStream copy = new ZipOutputStream(Files.newOutputStream(to))) {
            for (ZipEntry entry : jar.stream().toList()) {
                ZipEntry plain = new ZipEntry(entry.getName());
                plain.setTimeLocal(LocalDateTime.ofInstant(time, ZoneOffset.UTC));
                copy.putNextEntry(plain);
                try (InputStream content = jar.getInputStream(entry)) {
                    content.transferTo(copy);
                }
                copy.closeEntry();
            }
        }
    }

    private static String java(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }

    private static void run(String... command) throws Exception {
        int code = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (code != 0) {
            throw new IOException("exit code " + code + " of " + String.join(" ", command));
        }
    }

    private void runtime() throws Exception {
        run(java("jlink"), "--add-modules", MODULES, "--strip-debug", "--no-header-files", "--no-man-pages",
                "--output", folder.resolve("runtime").toString());
    }

    private static String licence(String jar) {
        if (OURS.matcher(jar).matches()) {
            return "ISC (LICENSE)";
        }
        for (Map.Entry<String, String> known : LICENCES.entrySet()) {
            if (jar.startsWith(known.getKey())) {
                return known.getValue();
            }
        }
        if (APACHE.matcher(jar).matches()) {
            return "Apache-2.0";
        }
        throw new IllegalStateException("the licence of " + jar + " is not known: look it up and add it to Packages.java");
    }

    /** Ours, the standard texts, and whatever the jars say of themselves. That of the runtime is in runtime/legal. */
    private void licences() throws IOException {
        Path into = Files.createDirectories(folder.resolve("licenses"));
        Files.copy(project.resolve("../LICENSE"), folder.resolve("LICENSE"));
        for (Path text : walk(project.resolve("licenses"))) {
            if (Files.isRegularFile(text)) {
                Files.copy(text, into.resolve(text.getFileName().toString()));
            }
        }
        StringBuilder list = new StringBuilder("What is in this folder, and under which licences:\n\n");
        for (Path jar : walk(folder.resolve("lib"))) {
            String name = jar.getFileName().toString();
            if (!name.endsWith(".jar")) {
                continue;
            }
            list.append(name).append(": ").append(licence(name)).append('\n');
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                for (ZipEntry entry : zip.stream().sorted(Comparator.comparing(ZipEntry::getName)).toList()) {
                    var matcher = NOTICES.matcher(entry.getName());
                    if (matcher.matches()) {
                        Path own = Files.createDirectories(into.resolve(name.replace(".jar", "")));
                        try (InputStream text = zip.getInputStream(entry)) {
                            Files.write(own.resolve(matcher.group(1)), text.readAllBytes());
                        }
                    }
                }
            }
        }
        list.append("runtime: GPL-2.0 with Classpath Exception, and others (runtime/legal)\n");
        Files.writeString(into.resolve("README.txt"), list);
    }

    /** The launcher of the checkout, without what builds. */
    private void launcher() throws Exception {
        String checkout = Files.readString(project.resolve("../armoire"));
        MessageDigest jars = MessageDigest.getInstance("SHA-256");
        for (Path file : walk(folder.resolve("lib"))) {
            if (Files.isRegularFile(file)) {
                jars.update(Files.readAllBytes(file));
            }
        }
        String script = "#!/bin/sh\n# SPDX-License-Identifier: ISC\n# Runs Armoire: becomes the JVM beside it.\n"
                + "# ARMOIRE_JAVA_OPTS   further options for the JVM, for instance -Xmx1g\nset -eu\n\n"
                + part(checkout, "self=$0\n", "target=$root")
                + Files.readString(project.resolve("launcher.sh"))
                        .replace("#PART options\n", part(checkout, "# Compact object headers", "# Sets java to the JVM"))
                        .replace("#PART read_class_path\n", part(checkout, "# Sets class_path", "# Waits until"))
                        .replace("#PART drop_incubator_warning\n", part(checkout, "# Hands on what arrives", "if ! is_current"))
                        .replace("#PART start\n", checkout.substring(checkout.indexOf("set -f #")))
                        .replace("@ID@", version + "-" + HexFormat.of().formatHex(jars.digest(), 0, 8));
        Files.writeString(folder.resolve("armoire"), script);
    }

    private static String part(String text, String from, String to) {
        int start = text.indexOf(from);
        int end = text.indexOf(to, Math.max(0, start));
        if (start < 0 || end < 0) {
            throw new IllegalStateException("the launcher has no part from \"" + from + "\" to \"" + to + "\"");
        }
        return text.substring(start, end);
    }

    /** Whatever the umask of who builds. */
    private void permissions() throws IOException {
        for (Path file : walk(folder)) {
            if (!Files.isSymbolicLink(file)) {
                boolean isExecutable = Files.isDirectory(file) || Files.isExecutable(file)
                        || file.equals(folder.resolve("armoire"));
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(isExecutable ? "rwxr-xr-x" : "rw-r--r--"));
            }
        }
    }

    // Archives

    private static TarArchiveOutputStream tar(OutputStream out) throws IOException {
        TarArchiveOutputStream tar =
                new TarArchiveOutputStream(new GZIPOutputStream(new BufferedOutputStream(out), 1 << 16), "UTF-8");
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
        return tar;
    }

    private void addTree(TarArchiveOutputStream tar, Path root, String prefix) throws IOException {
        for (Path file : walk(root)) {
            String name = prefix + root.relativize(file);
            if (Files.isSymbolicLink(file)) {
                TarArchiveEntry link = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
                link.setLinkName(Files.readSymbolicLink(file).toString());
                put(tar, link, 0777, new byte[0]);
            } else if (Files.isDirectory(file)) {
                put(tar, new TarArchiveEntry(name.endsWith("/") ? name : name + "/"), 0755, new byte[0]);
            } else {
                put(tar, new TarArchiveEntry(name), Files.isExecutable(file) ? 0755 : 0644, Files.readAllBytes(file));
            }
        }
    }

    private void put(TarArchiveOutputStream tar, TarArchiveEntry entry, int mode, byte[] content) throws IOException {
        entry.setMode(mode);
        entry.setSize(content.length);
        entry.setModTime(time.toEpochMilli());
        entry.setIds(0, 0);
        entry.setNames("root", "root");
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    private Path deb() throws IOException {
        String architecture = architecture();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        long bytes = 0;
        for (Path file : walk(folder)) {
            bytes += Files.isRegularFile(file) ? Files.size(file) : 0;
        }
        try (TarArchiveOutputStream tar = tar(data)) {
            for (String directory : List.of("./", "./usr/", "./usr/bin/", "./usr/lib/", "./usr/share/", "./usr/share/doc/",
                    "./usr/share/doc/armoire/")) {
                put(tar, new TarArchiveEntry(directory), 0755, new byte[0]);
            }
            TarArchiveEntry command = new TarArchiveEntry("./usr/bin/armoire", TarConstants.LF_SYMLINK);
            command.setLinkName("../lib/armoire/armoire");
            put(tar, command, 0777, new byte[0]);
            addTree(tar, folder, "./usr/lib/armoire/");
            String copyright = Files.readString(folder.resolve("LICENSE")) + "\n"
                    + Files.readString(folder.resolve("licenses/README.txt"))
                    + "\nThe texts are in /usr/lib/armoire/licenses and /usr/lib/armoire/runtime/legal.\n";
            put(tar, new TarArchiveEntry("./usr/share/doc/armoire/copyright"), 0644, utf8(copyright));
        }
        ByteArrayOutputStream control = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = tar(control)) {
            put(tar, new TarArchiveEntry("./"), 0755, new byte[0]);
            put(tar, new TarArchiveEntry("./control"), 0644, utf8("""
                    Package: armoire
                    Version: %s
                    Architecture: %s
                    Maintainer: %s
                    Installed-Size: %d
                    Depends: libc6
                    Section: utils
                    Priority: optional
                    Description: backup engine for Kloset stores
                     Writes and reads the stores of Plakar: deduplicated, compressed and encrypted
                     backups. Brings a Java runtime of its own.
                    """.formatted(version, architecture, maintainer, bytes / 1024)));
            put(tar, new TarArchiveEntry("./postinst"), 0755, utf8("""
                    #!/bin/sh
                    # Without its AOT cache Armoire starts slower, and that is all.
                    [ "$1" != configure ] || ARMOIRE_AOT=make /usr/lib/armoire/armoire > /dev/null 2>&1 || true
                    """));
            put(tar, new TarArchiveEntry("./prerm"), 0755, utf8("""
                    #!/bin/sh
                    rm -f /usr/lib/armoire/lib/armoire.aot /usr/lib/armoire/lib/armoire-*.aot
                    """));
        }
        Path deb = target.resolve("armoire_" + version + "_" + architecture + ".deb");
        try (ArArchiveOutputStream ar = new ArArchiveOutputStream(Files.newOutputStream(deb))) {
            part(ar, "debian-binary", utf8("2.0\n"));
            part(ar, "control.tar.gz", control.toByteArray());
            part(ar, "data.tar.gz", data.toByteArray());
        }
        return deb;
    }

    private void part(ArArchiveOutputStream ar, String name, byte[] content) throws IOException {
        ar.putArchiveEntry(new ArArchiveEntry(name, content.length, 0, 0, 0100644, time.getEpochSecond()));
        ar.write(content);
        ar.closeArchiveEntry();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }
}
