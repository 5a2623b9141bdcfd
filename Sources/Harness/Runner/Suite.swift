import Kernel
import Language
import Model

/// Scenarios and profiles as they stand in files.
public struct Suite: Sendable {
    public var scenarios: [Scenario] = []
    public var profiles: [InitProfile] = []
    /// What is wrong with the files, rendered for people.
    public var complaints: [String] = []

    public init() {}

    /// Adds a scenario file, or all those in a folder and the folders in it (`*.scenario`), in the order of their names.
    public mutating func addScenarios(at path: String) {
        if Files.isDirectory(path) {
            for name in Files.names(in: path) {
                let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
                if Files.isDirectory(inner) || name.hasSuffix(".scenario") { addScenarios(at: inner) }
            }
            return
        }
        guard let bytes = read(path) else { return }
        let parsed = parseScenarios(bytes, file: path)
        scenarios += parsed.values
        complain(parsed.diagnostics, bytes)
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
        complain(parsed.diagnostics, bytes)
    }

    /// So many diagnostics of one file are shown.
    private static let complaintLimit = 100
    /// A scenario file larger than this is none.
    private static let sizeLimitInBytes = 64 << 20

    private mutating func read(_ path: String) -> [UInt8]? {
        guard Files.exists(path) else {
            complaints.append("\(path): error: there is no such file\n")
            return nil
        }
        guard let size = Files.sizeOfRegularFile(path), size <= Suite.sizeLimitInBytes else {
            complaints.append("\(path): error: this is no text file of 64 MiB at most\n")
            return nil
        }
        do {
            return try Files.bytes(of: path)
        } catch {
            complaints.append("\(path): error: cannot be read: \(error)\n")
            return nil
        }
    }

    private mutating func complain(_ diagnostics: [Diagnostic], _ bytes: [UInt8]) {
        if diagnostics.isEmpty { return }
        let lines = Diagnostic.lines(of: String(decoding: bytes, as: UTF8.self))
        complaints += diagnostics.prefix(Suite.complaintLimit).map { $0.rendered(lines: lines) }
        if diagnostics.count > Suite.complaintLimit {
            complaints.append("… and \(diagnostics.count - Suite.complaintLimit) more in this file\n")
        }
    }
}
