import Glibc

/// What a harness process calls everything that it leaves in the kernel or the file system while it runs: `harness-PID-RANDOM`.
///
/// The process number is for people. Whose it is, and whether its owner lives, a lock tells (`Claim`).
package struct RunName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    private static let prefix = "harness-"

    /// A name that nothing else has.
    package init() {
        let random = String(UInt64.random(in: 0 ... .max), radix: 16)
        description = "\(RunName.prefix)\(getpid())-" + String(repeating: "0", count: 16 - random.count) + random
    }

    /// Whether a name has the form of these.
    package static func isOne(_ name: some StringProtocol) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int32(parts[0]) != nil && parts[1].count == 16 && parts[1].allSatisfy(\.isHexDigit)
    }
}
