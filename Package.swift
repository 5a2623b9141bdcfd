// swift-tools-version: 6.1
import PackageDescription

/// One target per room of the house (docs/DESIGN.md §3): the compiler keeps the doors shut.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func room(_ name: String, folder: String? = nil, knows: [Target.Dependency], embeds: [String] = []) -> Target {
    .target(
        name: name, dependencies: knows, path: "Sources/Harness/\(folder ?? name)",
        resources: embeds.map { .embedInCode($0) }, swiftSettings: settings)
}

func tests(_ name: String, of rooms: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: rooms, path: "Tests/\(name)", exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "harness",
    products: [
        .library(name: "Harness", targets: ["Harness"]),
        .library(name: "HarnessTesting", targets: ["HarnessTesting"]),
        .executable(name: "harness", targets: ["HarnessCLI"]),
        .executable(name: "fake-services", targets: ["FakeServices"]),
    ],
    targets: [
        // The cellar.
        .target(name: "CLinux"),
        room("Vocabulary", knows: []),
        room("Kernel", knows: ["CLinux", "Vocabulary"]),
        .target(name: "ServiceProtocol", dependencies: ["Vocabulary"], swiftSettings: settings),
        room("Model", knows: ["Vocabulary"]),
        room("Journal", knows: ["Vocabulary"]),

        // The pure storeys: no Glibc, no Foundation (Import, Reports: FoundationEssentials, for JSON).
        room("Language", knows: ["Model", "Vocabulary"]),
        room("Import", knows: ["Model", "Vocabulary"]),
        room("Runtimes", knows: ["Model", "Vocabulary"]),
        room("Expectations", knows: ["Model", "Journal", "Vocabulary"]),
        room("Causes", knows: ["Model", "Journal", "Expectations", "Vocabulary"]),
        room(
            "Reports", knows: ["Model", "Journal", "Language", "Expectations", "Causes", "Vocabulary"],
            embeds: ["HTML/report.css", "HTML/report.js", "HTML/timeline.css"]),

        // The impure storeys.
        room("Sandbox", knows: ["Kernel", "Model", "Vocabulary"]),
        room("Recorder", knows: ["Kernel", "Journal", "ServiceProtocol", "Vocabulary"]),

        // The roof.
        room(
            "Harness", folder: "Runner",
            knows: [
                "Vocabulary", "Kernel", "Model", "Journal", "Language", "Import", "Runtimes", "Expectations", "Causes",
                "Reports", "Sandbox", "Recorder", "ServiceProtocol",
            ]),
        room("HarnessTesting", folder: "Testing", knows: ["Harness"]),
        .executableTarget(name: "HarnessCLI", dependencies: ["Harness"], swiftSettings: settings),
        .executableTarget(
            name: "FakeServices", dependencies: ["ServiceProtocol", "CLinux", "Vocabulary"], swiftSettings: settings),

        // One for each room that has something to prove by itself; the last two touch the kernel.
        tests("VocabularyTests", of: ["Vocabulary"]),
        tests("ServiceProtocolTests", of: ["ServiceProtocol", "Vocabulary"]),
        tests("LanguageTests", of: ["Language", "Model", "Vocabulary"]),
        tests("ImportTests", of: ["Import", "Language", "Model", "Vocabulary"], exclude: ["Documents"]),
        tests("JournalTests", of: ["Journal", "Vocabulary"]),
        tests("RuntimesTests", of: ["Runtimes", "Language", "Model", "Vocabulary"]),
        tests("ExpectationsTests", of: ["Expectations", "Reports", "Journal", "Model", "Vocabulary"]),
        tests(
            "ReportsTests", of: ["Reports", "Expectations", "Journal", "Language", "Model", "Vocabulary"],
            exclude: ["Recorded"]),
        tests("RecorderTests", of: ["Recorder", "Kernel", "Journal", "Vocabulary"]),
        .target(
            name: "TestSupport", dependencies: ["Harness", "Kernel"], path: "Tests/TestSupport", swiftSettings: settings
        ),
        .executableTarget(
            name: "LanguageReference", dependencies: ["Language", "TestSupport"], path: "Tests/LanguageReference",
            swiftSettings: settings),
        .executableTarget(
            name: "Mutants", dependencies: ["Harness", "ServiceProtocol"], path: "Tests/Mutants",
            swiftSettings: settings),
        .executableTarget(
            name: "Fidelity", dependencies: ["Harness", "TestSupport", "Kernel"], path: "Tests/Fidelity",
            exclude: ["explained.txt"], swiftSettings: settings),
        tests("SystemTests", of: ["TestSupport", "Harness", "Sandbox", "Kernel", "Vocabulary"]),
        tests("ScenarioTests", of: ["TestSupport", "Harness", "HarnessTesting", "Vocabulary"]),
    ],
    swiftLanguageModes: [.v6]
)
