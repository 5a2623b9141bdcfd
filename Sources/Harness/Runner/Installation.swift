import Kernel
import Sandbox

/// Where this tool's own files are: the fakes and the conformance suite.
public struct Installation: Sendable {
    /// The executable of the fakes.
    public let fakeServices: String
    /// The folder of the scenarios, or nil where none came with the executable.
    public let scenarios: String?

    /// Looks beside the running executable (`bin/harness` has `bin/fake-services`, `scenarios/` stands beside `bin/`),
    /// then in the folders around it, where a build folder stands inside the sources.
    ///
    /// - Parameter fakeServices: the executable to use instead (HARNESS_FAKE_SERVICES).
    public static func find(fakeServices: String?) -> Installation {
        let executable = Files.target(ofLink: "/proc/self/exe") ?? ""
        var folder = parent(of: executable)
        let beside = "\(folder)/fake-services"
        var scenarios: String?
        var built: String?
        while !folder.isEmpty {
            for candidate in ["\(folder)/scenarios", "\(folder)/share/harness/scenarios"]
            where scenarios == nil && Files.isDirectory(candidate + "/inits") {
                scenarios = candidate
            }
            if built == nil, Files.isExecutable("\(folder)/bin/fake-services") { built = "\(folder)/bin/fake-services" }
            folder = parent(of: folder)
        }
        // A static one that `make build` has left is preferred to a neighbour that needs the toolchain's libraries.
        return Installation(fakeServices: fakeServices ?? built ?? beside, scenarios: scenarios)
    }

    private static func parent(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}

extension InitProfile {
    /// The same with an absolute path to its program, where it is given by a relative one: inside, the current folder is `/`.
    /// In a profile's file it counts from there, on a command line from the current folder.
    public var withAbsoluteProgram: InitProfile {
        guard let program = command.first, program.contains("/"), !program.hasPrefix("/") else { return self }
        let folder = place.file.lastIndex(of: "/").map { String(place.file[...$0]) } ?? ""
        guard let path = Files.realPath(folder + program) else { return self }
        var result = self
        result.command[0] = path
        return result
    }

    /// Why it cannot be run here, or nil when it can.
    public var reasonNotInstalled: String? {
        if let unusable { return unusable }
        guard let program = command.first, !program.hasPrefix("/.harness/") else { return nil }
        for layer in layers where !Files.isDirectory(layer) { return "there is no \(layer); `make setup` makes it" }
        // What is in a layer is not to be found on the host: that has an init of the same name, perhaps.
        let isThere = (layers.isEmpty ? [""] : layers).contains {
            Files.find(program: program, in: Container.searchPath, below: $0) != nil
        }
        let missing = programs.first { Files.find(program: $0, in: Container.searchPath) == nil }
        guard let absent = isThere ? missing : program else { return nil }
        return "\(absent) is not installed" + (package.map { "; apt-get install \($0)" } ?? "")
    }
}
