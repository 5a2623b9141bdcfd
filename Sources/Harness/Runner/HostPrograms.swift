import Kernel
import Language
import Sandbox

/// The programs of this machine, as a container looks for them.
public enum HostPrograms {
    /// The file that a program's name, or path, leads to; nil: there is none that can be executed.
    public static func path(of program: String) -> String? { Files.find(program: program, in: Container.searchPath) }

    /// Why a program cannot be executed, in one sentence with the nearest name; nil where it can.
    public static func problem(with program: String) -> String? {
        if Files.find(program: program, in: Container.searchPath) != nil { return nil }
        if program.contains("/"), Files.exists(program) {
            return Files.isDirectory(program)
                ? "\(program) is a directory, not a program" : "\(program) may not be executed: chmod +x \(program)"
        }
        let near = nearest(to: name(of: program), among: neighbours(of: program)).map { suggestion in
            "; did you mean '\(program.contains("/") ? folder(of: program) + "/" + suggestion : suggestion)'?"
        }
        return "there is no program '\(program)' on this machine\(near ?? "")"
    }

    private static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private static func folder(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    /// The names among which the nearest is looked for: those in the same folder, or in the search path.
    private static func neighbours(of program: String) -> [String] {
        let folders =
            program.contains("/") ? [folder(of: program)] : Container.searchPath.split(separator: ":").map(String.init)
        return folders.flatMap { Files.names(in: $0) }
    }
}
