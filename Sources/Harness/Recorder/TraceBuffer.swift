import Kernel

/// The ring buffer of one processor.
final class TraceBuffer: Sendable {
    private let raw: Descriptor

    /// The size in which the kernel hands out the buffer (`events/header_page`).
    static let pageSize = 4096

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

    /// Takes everything that has been recorded so far, page by page.
    func drain(into page: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        while let count = try? raw.read(into: page), count > 0 {
            body(UnsafeRawBufferPointer(rebasing: page[..<count]))
        }
    }
}
