/// Wakes a thread that waits for descriptors.
package final class Wakeup: Sendable {
    private let pipe: Pipe

    package init() throws(Errno) {
        pipe = try Pipe()
    }

    /// Readable from the first `ring` on.
    package var descriptor: Int32 { pipe.readEnd.rawValue }

    package func ring() {
        try? pipe.writeEnd.write("!")
    }
}
