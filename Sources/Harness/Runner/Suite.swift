import Kernel
import Language
import Model
import Reports

/// Scenarios and profiles as files have them.
public struct Suite: Sendable {
    /// In the order in which they were read.
    public var scenarios: [Scenario] = []
    /// In the order in which they were read.
    public var profiles: [InitProfile] = []
    /// The files in which something is wrong, in the order in which they were read.
    public var complaints: [FileDiagnostics] = []
    /// How many files have been read.
    public private(set) var fileCount = 0

    public init() {}

    /// Adds a scenario file, or all those in a folder and the folders in it (`*.scenario`), in the order of their names.
    public mutating func addScenarios(at path: String) {
        if Files.isDirectory(path) {
            for name in Files.names(in: path) {
                let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
                // A link to a folder is not followed: it may lead back here.
                let isFolder = Files.isDirectory(inner) && Files.target(ofLink: inner) == nil
                if isFolder || name.hasSuffix(".scenario") { addScenarios(at: inner) }
            }
            return
        }
        guard let bytes = read(path) else { return }
        let parsed = parseScenarios(bytes, file: path)
        scenarios += parsed.values
        complain(path, parsed.diagnostics, bytes)
    }

    /// Adds a file of either kind: profiles are in files that end with `.init`.
    public mutating func add(_ file: String) {
        if file.hasSuffix(".init") { addProfiles(at: file) } else { addScenarios(at: file) }
    }

    /// Adds the profiles of a file, or of all files of a folder (`*.init`).
    public mutating func addProfiles(at path: String) {
        if Files.isDirectory(path) {
            for name in Files.names(in: path) where name.hasSuffix(".init") { addProfiles(at: "\(path)/\(name)") }
            return
        }
        guard let bytes = read(path) else { return }
        let parsed = parseProfiles(bytes, file: path)
        profiles += parsed.values
        complain(path, parsed.diagnostics, bytes)
    }

    /// What inits are known to fail, from a file that says nothing else of them, by their names.
    public mutating func knownFailures(at path: String) -> [String: [KnownFailure]] {
        guard let bytes = read(path) else { return [:] }
        let parsed = parseProfiles(bytes, file: path, needsCommand: false)
        complain(path, parsed.diagnostics, bytes)
        return parsed.values.reduce(into: [:]) { $0[$1.name, default: []] += $1.knownFailures }
    }

    private mutating func read(_ path: String) -> [UInt8]? {
        fileCount += 1
        do {
            return try SourceFile.bytes(of: path)
        } catch {
            complaints.append(FileDiagnostics(file: path, problem: error.reason))
            return nil
        }
    }

    private mutating func complain(_ path: String, _ diagnostics: [Diagnostic], _ bytes: [UInt8]) {
        if diagnostics.isEmpty { return }
        complaints.append(
            FileDiagnostics(file: path, source: String(decoding: bytes, as: UTF8.self), diagnostics: diagnostics))
    }
}
