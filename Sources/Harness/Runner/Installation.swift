import Kernel
import Sandbox

/// Where this tool's own files are: the fakes and the conformance suite.
public struct Installation: Sendable {
    /// The executable of the fakes.
    public let fakeServices: String
    /// The folder of the scenarios, or nil where none came with the executable.
    public let scenarios: String?

    /// Looks beside the running executable (`bin/harness` has `bin/fake-services` or `libexec/harness/fake-services`; `scenarios/` or
    /// `share/harness/scenarios/` is beside `bin/`), then in the folders around it: a build folder is inside the sources.
    ///
    /// - Parameter fakeServices: the executable to use instead (HARNESS_FAKE_SERVICES).
    public static func find(fakeServices: String?) -> Installation {
        let executable = ProcessSettings.executable
        var folder = parent(of: executable)
        let beside = "\(folder)/fake-services"
        var scenarios: String?
        var built: String?
        while !folder.isEmpty {
            for candidate in ["\(folder)/scenarios", "\(folder)/share/harness/scenarios"]
            where scenarios == nil && Files.isDirectory(candidate + "/inits") {
                scenarios = candidate
            }
            for candidate in ["\(folder)/bin/fake-services", "\(folder)/libexec/harness/fake-services"]
            where built == nil && Files.isExecutable(candidate) {
                built = candidate
            }
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
        for layer in layers where !Files.isDirectory(layer) {
            if Files.exists(layer) { return "its layer \(layer) is not a directory" }
            return "there is no \(layer)"
                + (layer.hasPrefix("/opt/harness-inits/") ? "; `make setup` makes it" : ", its layer")
        }
        // The layers are laid over the host's root: what is in none of them is the host's.
        func isThere(_ program: String) -> Bool {
            (layers + [""]).contains { root in
                Files.find(program: program, in: Container.searchPath, below: root) != nil
                    // A path through a link of the host's root, such as /sbin, leads into the layer too.
                    || program.withoutLinkOfRoot.map { Files.isExecutable(root + $0) } == true
            }
        }
        let missing = programs.first { !isThere($0) }
        guard let absent = isThere(program) ? missing : program else { return nil }
        return "\(absent) is not installed" + (package.map { "; apt-get install \($0)" } ?? "")
    }
}

extension String {
    /// A path whose first directory is a link of the host's root (/sbin to usr/sbin), with what the link leads to in its place.
    fileprivate var withoutLinkOfRoot: String? {
        let parts = split(separator: "/")
        guard hasPrefix("/"), parts.count > 1, let target = Files.target(ofLink: "/\(parts[0])") else { return nil }
        return "/\(target.trimmingPrefix("/"))/\(parts.dropFirst().joined(separator: "/"))"
    }
}
