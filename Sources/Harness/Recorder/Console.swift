import Journal
import Kernel
import Vocabulary

/// One output stream of a container, cut into lines.
///
/// It is always read, so that no process inside ever blocks on it; but only so much is kept, and what is not is counted.
package struct Console: ~Copyable {
    package let descriptor: Descriptor
    private let stream: Event.Stream
    private var partial: [UInt8] = []
    private var keptBytes = 0
    private var keptEvents = 0
    private var droppedBytes = 0
    package private(set) var isAtEnd = false

    /// The longest line that is kept in one piece.
    package static let lineLimitInBytes = 4096
    /// How much of one stream is kept.
    package static let limitInBytes = 1 << 20
    /// How many lines, and pieces of lines, of one stream are kept: an empty one costs the harness a hundred bytes, too.
    package static let eventLimit = 20_000
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
        if isAtEnd { finish(&result) } else { putPiece(&result) }
        return result
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ result: inout [Event]) {
        for (index, byte) in bytes.enumerated() {
            guard keptBytes < Console.limitInBytes, keptEvents < Console.eventLimit else {
                // At once, not at the end: from here on it is uncertain what was printed.
                if droppedBytes == 0 { result.append(Event(at: .now, .dropped(bytes: 0, of: .stream(stream)))) }
                droppedBytes += bytes.count - index
                return
            }
            keptBytes += 1
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
        put(partial, isWhole: isWhole, &result)
        partial.removeAll(keepingCapacity: true)
    }

    /// What has come of a line without its end, such as a prompt: whole characters, and no carriage return, which may be a part of
    /// the end.
    private mutating func putPiece(_ result: inout [Event]) {
        guard droppedBytes == 0, keptEvents < Console.eventLimit else { return }
        var end = partial.count
        let start = partial.lastIndex { $0 & 0xC0 != 0x80 } ?? 0
        if start < partial.count, partial[start] >= 0xC0 {
            let length = partial[start] >= 0xF0 ? 4 : partial[start] >= 0xE0 ? 3 : 2
            if partial.count - start < length { end = start }
        }
        while end > 0, partial[end - 1] == 0x0D { end -= 1 }
        if end == 0 { return }
        put(Array(partial[..<end]), isWhole: false, &result)
        partial.removeFirst(end)
    }

    private mutating func put(_ bytes: [UInt8], isWhole: Bool, _ result: inout [Event]) {
        keptEvents += 1
        result.append(Event(at: .now, .printed(String(decoding: bytes, as: UTF8.self), on: stream, isWhole: isWhole)))
    }

    /// The last line, if it has no end, and what was not kept.
    package mutating func finish(_ result: inout [Event]) {
        if !partial.isEmpty { putLine(&result) }
        if droppedBytes > 0 {
            result.append(Event(at: .now, .dropped(bytes: droppedBytes, of: .stream(stream))))
            droppedBytes = 0
        }
    }
}
