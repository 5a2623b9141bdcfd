import Journal
import Kernel
import Vocabulary

/// One output stream of a container, cut into lines.
///
/// It is always read, so that nobody inside ever blocks on it; but only so much is kept, and what is not is counted.
package struct Console: ~Copyable {
    package let descriptor: Descriptor
    private let stream: Event.Stream
    private var partial: [UInt8] = []
    private var keptBytes = 0
    private var droppedBytes = 0
    package private(set) var isAtEnd = false

    /// The longest line that is kept in one piece.
    package static let lineLimitInBytes = 4096
    /// How much of one stream is kept.
    package static let limitInBytes = 1 << 20
    /// How much is read at a time, before others get their turn.
    private static let portionInBytes = 1 << 18

    package init(_ descriptor: consuming Descriptor, as stream: Event.Stream) {
        self.descriptor = descriptor
        self.stream = stream
    }

    /// The lines that have come, with the time of reading.
    ///
    /// - Parameter isFinal: everything that is there, however much: nobody is left to write. (The end of the stream may
    ///   be a while off even so: whatever is being started at the moment has a copy of the writing end until its exec.)
    package mutating func read(isFinal: Bool = false) -> [Event] {
        var result: [Event] = []
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            var portion = 0
            while !isAtEnd, isFinal || portion < Console.portionInBytes {
                let count: Int
                do {
                    count = try descriptor.read(into: buffer)
                } catch {
                    if (error as? Errno) != Errno.wouldBlock { isAtEnd = true }
                    break
                }
                if count == 0 { isAtEnd = true }
                portion += count
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), &result)
            }
        }
        if isAtEnd { finish(&result) }
        return result
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ result: inout [Event]) {
        let room = max(0, Console.limitInBytes - keptBytes)
        if droppedBytes == 0, bytes.count > room {
            // At once, not at the end: from here on it is uncertain what was printed.
            result.append(Event(at: .now, .dropped(bytes: 0, of: stream.rawValue)))
        }
        droppedBytes += max(0, bytes.count - room)
        keptBytes += min(room, bytes.count)
        for byte in bytes.prefix(room) {
            if byte == 0x0A {
                putLine(&result)
            } else {
                partial.append(byte)
                if partial.count == Console.lineLimitInBytes { putLine(&result, isWhole: false) }
            }
        }
    }

    private mutating func putLine(_ result: inout [Event], isWhole: Bool = true) {
        if isWhole, partial.last == 0x0D { partial.removeLast() }
        let text = String(decoding: partial, as: UTF8.self)
        result.append(Event(at: .now, .printed(text, on: stream, isWhole: isWhole)))
        partial.removeAll(keepingCapacity: true)
    }

    /// The last line, if it has no end, and what was not kept.
    package mutating func finish(_ result: inout [Event]) {
        if !partial.isEmpty { putLine(&result) }
        if droppedBytes > 0 {
            result.append(Event(at: .now, .dropped(bytes: droppedBytes, of: stream.rawValue)))
            droppedBytes = 0
        }
    }
}
