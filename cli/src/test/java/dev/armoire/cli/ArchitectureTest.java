// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The boundaries between the modules, one rule and one reason each. It stands here because only the command line sees
 * every module. The order of the modules is that of the parent pom.
 */
class ArchitectureTest {
    private static final String SIMD = "dev.armoire.simd..";
    private static final String CRYPTO = "dev.armoire.crypto..";
    private static final String PACKFILE = "dev.armoire.packfile..";
    private static final String INDEX = "dev.armoire.index..";
    private static final String CONNECTORS = "dev.armoire.connectors..";
    private static final String SPI = "dev.armoire.connectors.spi..";
    /** Not a kind of connector: what gives a storage out. */
    private static final String SERVER = "dev.armoire.connectors.server..";

    private static final String ENGINE = "dev.armoire.engine..";
    /** The library's package itself, without those below it. */
    private static final String API = "dev.armoire";

    private static final String WEB = "dev.armoire.web..";
    private static final String CLI = "dev.armoire.cli..";

    /** Classes outside the {@code ffi} packages that call a restricted method, because they stand before all modules. */
    private static final Set<String> RESTRICTED_ELSEWHERE = Set.of("dev.armoire.cli.StandardError");

    /** Restricted methods of Java 25: each can crash the JVM when its arguments are wrong. */
    private static final Map<Class<?>, Set<String>> RESTRICTED = Map.of(
            Linker.class, Set.of("downcallHandle", "upcallStub"),
            MemorySegment.class, Set.of("reinterpret"),
            AddressLayout.class, Set.of("withTargetLayout"),
            SymbolLookup.class, Set.of("libraryLookup"),
            System.class, Set.of("load", "loadLibrary"),
            Runtime.class, Set.of("load", "loadLibrary"),
            ModuleLayer.Controller.class, Set.of("enableNativeAccess"));

    private static JavaClasses armoire;

    @BeforeAll
    static void readClassFiles() {
        armoire = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.armoire");
    }

    @TestFactory
    Stream<DynamicTest> eachModuleUsesOnlyWhatIsLeftOfIt() {
        return Stream.of(
                        neverUses(
                                SIMD,
                                "the kernels are the bottom: anything may stand on them",
                                CRYPTO,
                                PACKFILE,
                                INDEX),
                        neverUses(SIMD, "the kernels know bytes, not stores", CONNECTORS, ENGINE, WEB, CLI),
                        neverUses(
                                CRYPTO,
                                "keys and MACs know nothing of the layout of what they protect",
                                PACKFILE,
                                INDEX),
                        neverUses(CRYPTO, "keys never depend on who asks for them", CONNECTORS, ENGINE, WEB, CLI),
                        neverUses(PACKFILE, "a packfile is bytes; where they lie is the index's word for it", INDEX),
                        neverUses(PACKFILE, "a packfile is bytes, whoever carries them", CONNECTORS, ENGINE, WEB, CLI),
                        neverUses(INDEX, "the index is a cache of locations and fetches nothing", CONNECTORS),
                        neverUses(INDEX, "the engine fills and asks the index, not the other way", ENGINE, WEB, CLI),
                        neverUses(
                                CONNECTORS,
                                "a connector moves bytes and entries and knows no repository",
                                INDEX,
                                ENGINE),
                        neverUses(CONNECTORS, "a connector serves every face alike", WEB, CLI),
                        neverUses(ENGINE, "the engine has several faces and prefers none", API, WEB, CLI),
                        neverUses(API, "a program that embeds Armoire has a face of its own", WEB, CLI),
                        neverUses(WEB, "the two faces of the engine stand beside each other", CLI))
                .map(ArchitectureTest::asTest);
    }

    @Test
    void theKernelsNeedNothingButTheJdk() {
        classes()
                .that()
                .resideInAPackage(SIMD)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(SIMD, "java..", "jdk.incubator.vector..", "org.jspecify..")
                .because("kernels are measured and tested alone, and must run wherever Java does")
                .check(armoire);
    }

    @Test
    void onlyTheSpiOfTheConnectorsIsSeen() {
        noClasses()
                .that()
                .resideInAnyPackage(ENGINE, API, WEB, CLI)
                .should()
                .dependOnClassesThat(resideInAPackage(CONNECTORS).and(not(resideInAnyPackage(SPI, SERVER))))
                .because(
                        "kinds of connectors are found by ServiceLoader, so that one more kind changes no other module")
                .check(armoire);
    }

    @Test
    void kindsOfConnectorsDoNotKnowEachOther() {
        slices().matching("dev.armoire.connectors.(**)")
                .should()
                .notDependOnEachOther()
                .ignoreDependency(
                        alwaysTrue(),
                        resideInAnyPackage(
                                SPI, "dev.armoire.connectors.ffi..", "dev.armoire.connectors.storage.blocks.."))
                // A .ptar is a file of the local file system, and is read as the files of a store there are.
                .ignoreDependency(
                        resideInAPackage("dev.armoire.connectors.storage.ptar.."),
                        resideInAPackage("dev.armoire.connectors.storage.fs.."))
                // Behind a web server or in a bucket an archive is the same bytes, which come another way.
                .ignoreDependency(
                        resideInAnyPackage(
                                "dev.armoire.connectors.storage.http..", "dev.armoire.connectors.storage.s3.."),
                        resideInAPackage("dev.armoire.connectors.storage.ptar.."))
                .because("what two kinds share belongs to the spi, to the bindings of the C library, or to blocks")
                .check(armoire);
    }

    @Test
    void theSpiKnowsNoKind() {
        noClasses()
                .that()
                .resideInAPackage(SPI)
                .should()
                .dependOnClassesThat(resideInAPackage(CONNECTORS).and(not(resideInAPackage(SPI))))
                .because("the interface of the connectors is what others write connectors against")
                .check(armoire);
    }

    @Test
    void onlyTheKernelsUseTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage(SIMD)
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .because("the Vector API still changes between releases, and a kernel has its scalar twin beside it")
                .check(armoire);
    }

    @Test
    void onlyBindingsCallRestrictedMethods() {
        noClasses()
                .that(not(resideInAPackage("..ffi..")).and(not(named(RESTRICTED_ELSEWHERE))))
                .should()
                .callMethodWhere(restricted())
                .because(
                        "a wrong call there crashes the JVM instead of throwing: each one is reviewed in an ffi package")
                .check(armoire);
    }

    @Test
    void namesSayWhatAClassIsFor() {
        noClasses()
                .should()
                .haveSimpleNameEndingWith("Impl")
                .orShould()
                .haveSimpleNameEndingWith("Manager")
                .orShould()
                .haveSimpleNameEndingWith("Helper")
                .orShould()
                .haveSimpleNameEndingWith("Util")
                .orShould()
                .haveSimpleNameEndingWith("Utils")
                .because("such a name hides that nobody decided what belongs in the class")
                .check(armoire);
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws IOException {
        List<Path> packages;
        try (Stream<Path> modules = Files.list(checkout())) {
            packages = modules.map(module -> module.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .flatMap(ArchitectureTest::packagesBelow)
                    .toList();
        }

        assertThat(packages)
                .isNotEmpty()
                .allSatisfy(folder -> assertThat(folder.resolve("package-info.java"))
                        .content()
                        .startsWith("// SPDX-License-Identifier: ISC")
                        .contains("@NullMarked"));
    }

    private static ArchRule neverUses(String module, String reason, String... others) {
        return noClasses()
                .that()
                .resideInAPackage(module)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(others)
                .allowEmptyShould(true) // a module that stands in the design but not yet in the tree
                .because(reason);
    }

    private static DynamicTest asTest(ArchRule rule) {
        return DynamicTest.dynamicTest(rule.getDescription(), () -> rule.check(armoire));
    }

    private static DescribedPredicate<JavaClass> named(Set<String> names) {
        return DescribedPredicate.describe("named in " + names, type -> names.contains(type.getName()));
    }

    private static DescribedPredicate<JavaCall<?>> restricted() {
        return DescribedPredicate.describe(
                "that is restricted",
                call -> RESTRICTED.entrySet().stream()
                        .anyMatch(entry -> call.getTargetOwner().isAssignableTo(entry.getKey())
                                && entry.getValue().contains(call.getName())));
    }

    /** Folders below {@code sources} that hold Java files. */
    private static Stream<Path> packagesBelow(Path sources) {
        try (Stream<Path> files = Files.walk(sources)) {
            return files
                    .filter(file -> file.toString().endsWith(".java"))
                    .map(Path::getParent)
                    .distinct()
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path checkout() {
        return Path.of(System.getProperty("basedir", "")).toAbsolutePath().getParent();
    }
}
