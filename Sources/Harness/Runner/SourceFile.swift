import Kernel
import Language

/// A scenario or profile file on the disk.
public enum SourceFile {
    /// Why a file cannot be read or written.
    public struct Problem: Error, Sendable, CustomStringConvertible {
        public let reason: String
        public var description: String { reason }
    }

    /// A scenario file larger than this is none.
    private static let sizeLimitInBytes = 64 << 20

    /// Nor is a larger one a journal that can be read at once.
    public static let journalLimitInBytes = 2 << 30

    /// The bytes of a regular file.
    public static func bytes(of path: String, atMost limit: Int = 64 << 20) throws(Problem) -> [UInt8] {
        guard Files.exists(path) else { throw Problem(reason: "there is no such file") }
        guard let size = Files.sizeOfRegularFile(path), size <= limit else {
            throw Problem(reason: "this is no regular file of \(limit >> 20) MiB at most")
        }
        do {
            return try Files.bytes(of: path)
        } catch {
            throw Problem(reason: "cannot be read: \(error)")
        }
    }

    /// Standard input, to its end or the size limit.
    public static func bytesOfInput() throws(Problem) -> [UInt8] {
        do {
            let bytes = try Files.bytesOfInput(upTo: sizeLimitInBytes + 1)
            if bytes.count > sizeLimitInBytes { throw Problem(reason: "this is no text of 64 MiB at most") }
            return bytes
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(reason: "cannot be read: \(error)")
        }
    }

    /// The canonical form of a file, by its name: profiles end with `.init`. Nil where it is not well-formed.
    public static func formatted(_ bytes: [UInt8], file: String) -> String? {
        file.hasSuffix(".init") ? formattedProfiles(bytes, file: file) : formattedScenarios(bytes, file: file)
    }

    /// Every scenario and profile file that a path leads to: itself, or those in a folder and the folders in it, in the
    /// order of their names.
    public static func files(at path: String) -> [String] {
        guard Files.isDirectory(path) else { return [path] }
        return Files.names(in: path).flatMap { name -> [String] in
            let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            // A link to a folder is not followed: it may lead back here.
            if Files.isDirectory(inner) {
                return Files.target(ofLink: inner) != nil ? [] : files(at: inner)
            }
            return name.hasSuffix(".scenario") || name.hasSuffix(".init") ? [inner] : []
        }
    }

    /// Puts a text in the place of a file at once: a reader finds the old one or the new one. Permissions stay.
    public static func replace(_ path: String, with text: String) throws(Problem) {
        do {
            try Files.replace(path, with: text)
        } catch {
            throw Problem(reason: "cannot be written: \(error)")
        }
    }
}
