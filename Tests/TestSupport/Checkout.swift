import Harness
import Kernel

/// Where the tests find what they run.
public enum Checkout {
    /// The folder of Package.swift.
    public static let root: String = {
        // …/Tests/TestSupport/Checkout.swift
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    }()

    /// The fakes as `make` builds them, else as the tests' own build has.
    public static let fakeServices: String = {
        let made = root + "/bin/fake-services"
        return Files.isExecutable(made) ? made : product("fake-services")
    }()

    /// The `harness` of the tests' own build.
    public static let harness = product("harness")

    /// The suite that ships with the tool: its scenarios and profiles.
    public static let suite: Suite = {
        var suite = Suite()
        suite.addScenarios(at: root + "/scenarios")
        suite.addProfiles(at: root + "/scenarios/inits")
        return suite
    }()

    /// An executable beside the one that runs the tests.
    private static func product(_ name: String) -> String {
        let own = Files.target(ofLink: "/proc/self/exe") ?? ""
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)]) + "/" + name
    }

    /// The profile of this name.
    public static func profile(_ name: String) -> InitProfile {
        suite.profiles.first { $0.name == name } ?? .none
    }

    /// A file of the sources.
    public static func text(of path: String) throws -> String {
        String(decoding: try Files.bytes(of: "\(root)/\(path)"), as: UTF8.self)
    }

    /// Whether this machine's python3 has a module.
    public static func hasPython(_ module: String) -> Bool {
        let end = try? Command(
            ["python3", "-I", "-c", "import \(module)"], environment: Command.usualEnvironment
        ).finish()
        return end?.status == .exited(0)
    }

    /// Whether this machine has a program of this name.
    public static func isInstalled(_ program: String) -> Bool {
        Files.find(program: program, in: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") != nil
    }

    /// A variable of the environment.
    public static func environment(_ name: String) -> String? { ProcessSettings.environment(name) }

    public static func write(_ text: String, to path: String) throws { try Files.write(text, creating: path) }

    public static func remove(_ path: String) { Files.remove(path) }

    /// A file of this text below /tmp, for the time of a call.
    public static func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).scenario"
        try Files.write(text, creating: path)
        defer { Files.remove(path) }
        return try body(path)
    }
}
