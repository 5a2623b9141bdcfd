import Glibc
import Kernel
import Language

/// What this tool is, and what it runs on.
public enum ToolVersion {
    public static let number = "0.15.0"

    /// The commit that it was built from; nil: it was not built by `make build`.
    public static var commit: String? {
        BuildCommit.text
    }

    /// `0.15.0 (1f2e3d4)`
    public static var description: String { number + (commit.map { " (\($0))" } ?? "") }

    /// `Linux 6.1.0 on x86_64`
    public static var machine: String {
        var name = utsname()
        uname(&name)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(name.sysname)) \(text(name.release).prefix { $0 != "-" }) on \(text(name.machine))"
    }
}

/// The word that was meant, where one is near enough; nil: none is.
public func nearestWord(to word: String, among words: [String]) -> String? { nearest(to: word, among: words) }
