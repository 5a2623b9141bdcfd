/// Where in a text a value came from.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
    /// As it was named when it was read; empty: no file.
    public let file: String
    /// Counted from 1.
    public let line: Int
    /// In UTF-8 bytes, counted from 1.
    public let column: Int

    /// A line and column of a file.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// That of a value which came from no text.
    public static let none = SourcePlace(file: "", line: 0, column: 0)

    /// `FILE:LINE:COLUMN`.
    public var description: String { "\(file):\(line):\(column)" }
}

/// A part of a value that says where it came from, not what it says: two values are equal whatever this is.
@propertyWrapper
public struct Incidental<Value: Sendable>: Hashable, Sendable {
    /// What is carried along.
    public var wrappedValue: Value

    /// Wraps a value.
    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    /// Always: it says nothing.
    public static func == (_: Incidental, _: Incidental) -> Bool { true }

    /// Adds nothing.
    public func hash(into _: inout Hasher) {}
}
