extension Duration {
    /// The whole length in nanoseconds, clamped to 292 years.
    public var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// The whole length in milliseconds.
    public var inMilliseconds: Double { Double(inNanoseconds) / 1e6 }

    /// Reads `250ms`, `10s`, `1m30s`, `1.5s`, `0s` or `-1s`: numbers with a unit (`ns`, `us`, `ms`, `s`, `m`, `h`), largest
    /// first; nil for anything else, and for more than 292 years.
    public init?(text: some StringProtocol) {
        self.init(utf8: Array(text.utf8)[...])
    }

    /// The same, from the bytes of a text.
    public init?(utf8: ArraySlice<UInt8>) {
        var index = utf8.startIndex
        let isNegative = utf8.first == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var total: Int64 = 0
        var previousUnit = Int64.max
        guard index < utf8.endIndex else { return nil }
        while index < utf8.endIndex {
            guard let number = Duration.number(utf8, &index), let unit = Duration.unit(utf8, &index),
                unit < previousUnit,
                let part = number.inNanoseconds(unit)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow { return nil }
            total = sum
            previousUnit = unit
        }
        self = .nanoseconds(isNegative ? -total : total)
    }

    /// Digits, and how many of them come after a decimal point.
    private struct Decimal {
        var digits: Int128
        var places: Int

        /// Nil when it is no whole number of nanoseconds, or too many.
        func inNanoseconds(_ unit: Int64) -> Int64? {
            var result = digits * Int128(unit)
            for _ in 0..<places {
                if result % 10 != 0 { return nil }
                result /= 10
            }
            return Int64(exactly: result)
        }
    }

    /// More digits than this are no time that anybody means.
    private static let digitLimit = 24

    private static func number(_ utf8: ArraySlice<UInt8>, _ index: inout Int) -> Decimal? {
        var result = Decimal(digits: 0, places: 0)
        var hasPoint = false
        let start = index
        while index < utf8.endIndex, index - start <= digitLimit {
            let byte = utf8[index]
            if byte == UInt8(ascii: "."), !hasPoint, index > start {
                hasPoint = true
            } else if (0x30...0x39).contains(byte) {
                result.digits = result.digits * 10 + Int128(byte - 0x30)
                if hasPoint { result.places += 1 }
            } else {
                break
            }
            index += 1
        }
        return index > start && utf8[index - 1] != UInt8(ascii: ".") ? result : nil
    }

    private static func unit(_ utf8: ArraySlice<UInt8>, _ index: inout Int) -> Int64? {
        let start = index
        while index < utf8.endIndex, (0x61...0x7A).contains(utf8[index]) { index += 1 }
        switch index - start {
        case 1:
            switch utf8[start] {
            case UInt8(ascii: "s"): return 1_000_000_000
            case UInt8(ascii: "m"): return 60_000_000_000
            case UInt8(ascii: "h"): return 3_600_000_000_000
            default: return nil
            }
        case 2 where utf8[start + 1] == UInt8(ascii: "s"):
            switch utf8[start] {
            case UInt8(ascii: "n"): return 1
            case UInt8(ascii: "u"): return 1000
            case UInt8(ascii: "m"): return 1_000_000
            default: return nil
            }
        default: return nil
        }
    }

    /// The spelling that `init(text:)` reads back: `250ms`, `1m30s`, `0s`.
    public var text: String {
        var rest = inNanoseconds.magnitude
        guard rest > 0 else { return "0s" }
        var result = inNanoseconds < 0 ? "-" : ""
        for (unit, length) in [
            ("h", UInt64(3_600_000_000_000)), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000),
            ("us", 1000),
            ("ns", 1),
        ]
        where rest >= length {
            result += "\(rest / length)\(unit)"
            rest %= length
        }
        return result
    }

    /// A figure for people, rounded to what the eye takes in: `310 µs`, `12.3 ms`, `1.25 s`.
    public var rounded: String {
        let nanoseconds = Double(inNanoseconds)
        let magnitude = abs(nanoseconds)
        if magnitude < 999_500 { return "\(Int((nanoseconds / 1e3).rounded())) µs" }
        if magnitude < 99.95e6 { return "\(Duration.decimal(nanoseconds / 1e6, places: 1)) ms" }
        if magnitude < 999.5e6 { return "\(Int((nanoseconds / 1e6).rounded())) ms" }
        return "\(Duration.decimal(nanoseconds / 1e9, places: 2)) s"
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        let scale = places == 1 ? 10 : 100
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let padding = String(repeating: "0", count: places - fraction.count)
        return (value < 0 ? "-" : "") + "\(scaled / scale).\(padding)\(fraction)"
    }
}
