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

    /// Reads `250ms`, `10s`, `1m30s`, `1.5s`, `0s` or `-1s`: numbers with a unit (`us`, `ms`, `s`, `m`, `h`), largest first.
    public init?(text: some StringProtocol) {
        let isNegative = text.first == "-"
        var rest = isNegative ? Substring(text.dropFirst()) : Substring(text)
        var total: Double = 0
        var previousUnit = Double.infinity
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { ("a"..."z").contains($0) }
            rest = rest.dropFirst(unit.count)
            guard
                let value = Double(number), number.first != ".", number.last != ".",
                let scale = Duration.units[String(unit)], scale < previousUnit
            else { return nil }
            total += value * scale
            previousUnit = scale
        }
        guard total < 9e18 else { return nil }
        self = .nanoseconds(Int64(total.rounded()) * (isNegative ? -1 : 1))
    }

    private static let units: [String: Double] = ["us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9]

    /// The spelling that `init(text:)` reads back: `250ms`, `1m30s`, `0s`.
    public var text: String {
        var rest = inNanoseconds.magnitude / 1000
        guard rest > 0 else { return "0s" }
        var result = inNanoseconds < 0 ? "-" : ""
        for (unit, length) in [
            ("h", UInt64(3_600_000_000)), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
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
