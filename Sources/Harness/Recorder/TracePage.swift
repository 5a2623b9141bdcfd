/// Takes a page of a ftrace ring buffer apart, as it is read from `trace_pipe_raw`.
///
/// The layout is that of `events/header_page` and `events/header_event`, and of the kernel's
/// Documentation/trace/ring-buffer-design.rst: a time stamp, a length with two flags, then events, each with its
/// distance in time from the one before.
struct TracePage {
    private static let missedEvents: UInt64 = 1 << 31
    private static let missedCountStored: UInt64 = 1 << 30
    private static let lengthMask: UInt64 = (1 << 20) - 1
    private static let headerSize = 16

    /// Calls back for each event with its time in nanoseconds; returns how many events were lost before this page
    /// (1 where the kernel does not say how many).
    static func forEachEvent(
        in page: UnsafeRawBufferPointer, _ body: (UInt64, UnsafeRawBufferPointer) -> Void
    ) -> Int {
        guard page.count > headerSize else { return 0 }
        var time = page.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let commit = page.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let end = min(page.count, headerSize + Int(commit & lengthMask))
        var offset = headerSize
        while offset + 4 <= end {
            let header = page.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            let delta = UInt64(header >> 5)
            offset += 4
            let next = offset + 4 <= end ? page.loadUnaligned(fromByteOffset: offset, as: UInt32.self) : 0
            switch header & 31 {
            case 29:  // padding: to the end of the page, or over an event that was discarded
                if delta == 0 { offset = end }
                time += delta
                offset += Int(next)
            case 30:  // a distance that needs more bits
                time += delta + UInt64(next) << 27
                offset += 4
            case 31:  // an absolute time of 59 bits
                time = (time & ~((1 << 59) - 1)) | (delta + UInt64(next) << 27)
                offset += 4
            case 0:
                time += delta
                let length = Int(next) - 4
                guard length >= 0, offset + 4 + length <= end else { return 1 }
                body(time, UnsafeRawBufferPointer(rebasing: page[offset + 4..<offset + 4 + length]))
                offset += 4 + length
            case let words:
                time += delta
                let length = Int(words) * 4
                guard offset + length <= end else { return 1 }
                body(time, UnsafeRawBufferPointer(rebasing: page[offset..<offset + length]))
                offset += length
            }
        }
        return lostCount(commit, page, end: end)
    }

    private static func lostCount(_ commit: UInt64, _ page: UnsafeRawBufferPointer, end: Int) -> Int {
        guard commit & missedEvents != 0 else { return 0 }
        guard commit & missedCountStored != 0, end + 8 <= page.count else { return 1 }
        return max(1, Int(page.loadUnaligned(fromByteOffset: end, as: UInt64.self) & 0xFFFF_FFFF))
    }
}
