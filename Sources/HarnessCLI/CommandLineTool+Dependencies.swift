import Glibc
import Harness

/// The files that runs depend on.
extension CommandLineTool {
    /// The files that depend on a profile's: itself, its program and its scripts, by their real paths.
    static func dependencies(of profile: InitProfile) -> Set<String> {
        var result = files(among: profile.command)
        if profile.place != .none { result.insert(real(profile.place.file)) }
        if let program = profile.command.first {
            // One that is not there yet, too: it is being built.
            if let path = HostPrograms.path(of: program) ?? (program.contains("/") ? program : nil) {
                result.insert(real(path))
            }
        }
        return result
    }

    /// The same of a scenario.
    static func dependencies(of scenario: Scenario) -> Set<String> {
        guard case .command(let command)? = scenario.settings.payload else { return [real(scenario.place.file)] }
        return files(among: command).union([real(scenario.place.file)])
    }

    private static func files(among words: [String]) -> Set<String> {
        Set(words.filter { $0.contains("/") && access($0, R_OK) == 0 }.map(real))
    }

    /// Those of all that a command line asks for, as far as it can be read; those that everything depends on; and the folders in which more of
    /// them may turn up.
    static func dependencies(
        of arguments: [String]
    ) -> (all: Set<String>, ofEverything: Set<String>, folders: Set<String>) {
        let settings = real("harness.conf")
        guard let options = try? RunOptions(arguments) else { return ([settings], [settings], []) }
        let written = Set(
            ([options.journal, options.output].compactMap(\.self) + options.reports.map(\.path)).map(real))
        let ofEverything = Set(
            (options.knownFiles + [options.baseline, options.usesSettingsFile ? settings : nil].compactMap(\.self)).map(
                real)
        ).subtracting(written)
        let installation = Installation.find(fakeServices: nil)
        var suite = Suite()
        let all = scenarios(options, installation, &suite)
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        // What cannot be parsed, too: it is being written.
        let paths = options.paths.map { access($0, F_OK) != 0 ? LinesOfFile($0)?.file(in: nil) ?? $0 : $0 }
        var result = Set(options.inits.filter { $0.contains("/") || $0.hasSuffix(".init") }.map(real)).union(
            ofEverything)
        for path in paths { result.formUnion(SourceFile.files(at: path).map(real)) }
        result.formUnion(paths.filter { $0.hasSuffix(".scenario") }.map(real))
        result.formUnion(all.map { real($0.place.file) })
        let folders = Set(paths.flatMap(foldersBelow))
        for scenario in all { result.formUnion(dependencies(of: scenario)) }
        if let program = options.command?.first, program.contains("/") { result.insert(real(program)) }
        guard let selection = try? select(options, &suite, all) else {
            return (result.subtracting(written), ofEverything, folders)
        }
        for profile in selection.profiles
            + suite.profiles.filter({ profile in
                selection.skipped.contains { $0.name == profile.name }
            })
        {
            result.formUnion(dependencies(of: profile))
        }
        return (result.subtracting(written), ofEverything, folders)
    }

    /// A folder and those in it; none where it is a file.
    private static func foldersBelow(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var result = [real(path)]
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            let inner = "\(path)/\(name)"
            // A link to a folder is not followed, as when scenarios are looked for.
            guard !name.hasPrefix("."), lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            result += foldersBelow(inner)
        }
        return result
    }

    /// The path without links; of a file that is not there, the absolute one.
    static func real(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return "\(String(cString: current))/\(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)"
    }
}
