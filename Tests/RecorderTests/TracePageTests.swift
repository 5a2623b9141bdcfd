import Kernel
import Testing

@testable import Recorder

@Suite("Pages of the trace's ring buffer")
struct TracePageTests {
    /// Builds a page as the kernel would: a header, then 32-bit words.
    private static func page(time: UInt64 = 1000, flags: UInt64 = 0, _ words: [UInt32], trailer: UInt64? = nil)
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        put(time)
        put(UInt64(words.count * 4) | flags)
        for word in words { put(word) }
        if let trailer { put(trailer) }
        return bytes + [UInt8](repeating: 0, count: 64)
    }

    private static func header(_ type: UInt32, delta: UInt32) -> UInt32 { type | delta << 5 }

    private func read(_ page: [UInt8]) -> (events: [(UInt64, [UInt8])], lost: Int) {
        var events: [(UInt64, [UInt8])] = []
        let lost = page.withUnsafeBytes { bytes in
            TracePage.forEachEvent(in: bytes) { time, data in events.append((time, Array(data))) }
        }
        return (events, lost)
    }

    @Test func timesAddUp() {
        let result = read(
            Self.page([
                Self.header(2, delta: 10), 0x04030201, 0x08070605,
                Self.header(1, delta: 5), 0xAA,
            ]))
        #expect(result.events.map(\.0) == [1010, 1015])
        #expect(result.events[0].1 == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(result.lost == 0)
    }

    @Test func longDistancesAndAbsoluteTimesAreUnderstood() {
        let result = read(
            Self.page(
                time: 1 << 60,
                [
                    Self.header(30, delta: 3), 1,  // 3 + 1 << 27 later
                    Self.header(1, delta: 0), 7,
                    Self.header(31, delta: 9), 2,  // at 9 + 2 << 27, of the 59 low bits
                    Self.header(1, delta: 1), 7,
                ]))
        let base: UInt64 = 1 << 60, unit: UInt64 = 1 << 27
        let expected: [UInt64] = [base + 3 + unit, base + 10 + 2 * unit]
        #expect(result.events.map(\.0) == expected)
    }

    @Test func longEventsCarryTheirLength() {
        let result = read(Self.page([Self.header(0, delta: 1), 12, 0x11, 0x22, Self.header(1, delta: 1), 0x33]))
        #expect(result.events.map(\.1.count) == [8, 4])
    }

    @Test func paddingIsPassedOver() {
        let discarded = read(Self.page([Self.header(29, delta: 2), 8, 0xFFFF_FFFF, Self.header(1, delta: 1), 5]))
        #expect(discarded.events.map(\.0) == [1003])
        let toTheEnd = read(Self.page([Self.header(1, delta: 1), 5, Self.header(29, delta: 0), 0xFFFF_FFFF]))
        #expect(toTheEnd.events.count == 1)
    }

    @Test func lossesAreCounted() {
        #expect(read(Self.page(flags: 1 << 31, [Self.header(1, delta: 1), 5])).lost == 1)
        #expect(read(Self.page(flags: 1 << 31 | 1 << 30, [Self.header(1, delta: 1), 5], trailer: 4711)).lost == 4711)
    }

    @Test(arguments: 0..<64)
    func aPageThatIsCutOffIsNoCrash(length: Int) {
        let whole = Self.page([Self.header(0, delta: 1), 4000, 1, Self.header(28, delta: 1), 1])
        _ = read(Array(whole.prefix(length)))
    }
}
