/// A process or thread, by its number in the harness's own PID namespace.
public struct ProcessID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    public static func < (left: ProcessID, right: ProcessID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
