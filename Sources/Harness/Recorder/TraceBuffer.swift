import Kernel

/// The ring buffer of one processor.
final class TraceBuffer: Sendable {
    private let raw: Descriptor

    private init(_ raw: consuming Descriptor) {
        self.raw = raw
    }

    static func all(of instance: borrowing Descriptor) throws(Errno) -> [TraceBuffer] {
        let perCPU = try Descriptor.open("per_cpu", .directory, in: instance.rawValue)
        var result: [TraceBuffer] = []
        for name in Files.names(in: perCPU) {
            result.append(TraceBuffer(try .open("\(name)/trace_pipe_raw", .readNonBlocking, in: perCPU.rawValue)))
        }
        return result
    }

    /// Readable when the buffer is as full as `buffer_percent` says.
    var descriptor: Int32 { raw.rawValue }

    /// Takes what has been recorded so far, page by page, until there is nothing now, or the body has enough.
    ///
    /// - Parameters:
    ///   - page: of the size in which the kernel hands out the buffer: a smaller one would cut its pages up.
    ///   - body: false: no more, lest a process that never pauses keeps the reader for ever.
    func drain(into page: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool) {
        while let count = try? raw.read(into: page), count > 0 {
            if !body(UnsafeRawBufferPointer(rebasing: page[..<count])) { return }
        }
    }
}
