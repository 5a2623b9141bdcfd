import Journal
import Model
import Vocabulary

/// Reads the line of an event as `EventLine.append` writes it, in a fraction of the time that JSONDecoder takes. What it does not
/// understand it leaves to that.
struct EventLineReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0

    /// Nil: it is not of this form, or no JSON.
    static func read(_ line: ArraySlice<UInt8>) -> EventLine? {
        line.withUnsafeBufferPointer { bytes in
            var reader = EventLineReader(bytes)
            let result = try? reader.line()
            return reader.place == bytes.count ? result : nil
        }
    }

    /// It is for JSONDecoder.
    private struct Unusual: Error {}

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func line() throws(Unusual) -> EventLine {
        var (at, run, container): (Int?, Int?, String?) = (nil, nil, nil)
        var record: EventRecord?
        try fields { reader, name throws(Unusual) in
            switch name {
            case "at": at = try reader.number()
            case "container": container = try reader.string()
            case "event": record = try reader.record()
            case "kind": if try reader.string() != "event" { throw Unusual() }
            case "run": run = try reader.number()
            default: throw Unusual()
            }
        }
        guard let at, at >= 0, let run, let record else { throw Unusual() }
        return EventLine(run: run, container: container, at: UInt64(at), record)
    }

    private mutating func record() throws(Unusual) -> EventRecord {
        var record = EventRecord("", "")
        try fields { reader, name throws(Unusual) in
            switch name {
            case "by": record.by = try reader.string()
            case "code": record.code = try reader.number()
            case "core": record.core = try reader.flag()
            case "count": record.count = try reader.number()
            case "exit": record.exit = try reader.shortNumber()
            case "fate": record.fate = try reader.string()
            case "from": record.from = try reader.string()
            case "is_so": record.is_so = try reader.flag()
            case "name": record.name = try reader.string()
            case "names": record.names = try reader.list { reader throws(Unusual) in try reader.string() }
            case "other": record.other = try reader.shortNumber()
            case "pid": record.pid = try reader.shortNumber()
            case "pids": record.pids = try reader.list { reader throws(Unusual) in try reader.shortNumber() }
            case "signal": record.signal = try reader.string()
            case "signals": record.signals = try reader.list { reader throws(Unusual) in try reader.string() }
            case "text": record.text = try reader.string()
            case "time": record.time = Int64(try reader.number())
            case "what": record.what = try reader.string()
            default: throw Unusual()
            }
        }
        if record.by.isEmpty || record.what.isEmpty { throw Unusual() }
        return record
    }

    // MARK: - JSON without blanks

    private mutating func fields(
        _ read: (inout EventLineReader, String) throws(Unusual) -> Void
    ) throws(Unusual) {
        try take(UInt8(ascii: "{"))
        repeat {
            let name = try string()
            try take(UInt8(ascii: ":"))
            try read(&self, name)
        } while takes(UInt8(ascii: ","))
        try take(UInt8(ascii: "}"))
    }

    private mutating func list<Element>(
        _ read: (inout EventLineReader) throws(Unusual) -> Element
    ) throws(Unusual) -> [Element] {
        var result: [Element] = []
        try take(UInt8(ascii: "["))
        if takes(UInt8(ascii: "]")) { return [] }
        repeat { result.append(try read(&self)) } while takes(UInt8(ascii: ","))
        try take(UInt8(ascii: "]"))
        return result
    }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func take(_ byte: UInt8) throws(Unusual) { if !takes(byte) { throw Unusual() } }

    private mutating func flag() throws(Unusual) -> Bool {
        for (word, value) in [("true", true), ("false", false)] {
            let end = place + word.utf8.count
            if end <= bytes.count, bytes[place..<end].elementsEqual(word.utf8) {
                place = end
                return value
            }
        }
        throw Unusual()
    }

    private mutating func number() throws(Unusual) -> Int {
        let isNegative = takes(UInt8(ascii: "-"))
        let begin = place
        var value = 0
        while place < bytes.count, (0x30...0x39).contains(bytes[place]) {
            let (product, isTooMuch) = value.multipliedReportingOverflow(by: 10)
            let (sum, isMore) = product.addingReportingOverflow(Int(bytes[place] - 0x30))
            if isTooMuch || isMore { throw Unusual() }
            value = sum
            place += 1
        }
        // A fraction, an exponent or a leading zero.
        guard place > begin, place - begin == 1 || bytes[begin] != 0x30, place < bytes.count,
            ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[place])
        else { throw Unusual() }
        return isNegative ? -value : value
    }

    private mutating func shortNumber() throws(Unusual) -> Int32 {
        guard let number = Int32(exactly: try number()) else { throw Unusual() }
        return number
    }

    private mutating func string() throws(Unusual) -> String {
        try take(UInt8(ascii: "\""))
        let begin = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            // With an escape it takes the long way.
            if bytes[place] == UInt8(ascii: "\\") { return try string(from: begin) }
            if bytes[place] < 0x20 { throw Unusual() }
            place += 1
        }
        let text = String(validating: bytes[begin..<place], as: UTF8.self)
        try take(UInt8(ascii: "\""))
        guard let text else { throw Unusual() }
        return text
    }

    /// One with escapes, as far as `EventLine.append` makes them.
    private mutating func string(from begin: Int) throws(Unusual) -> String {
        var result = Array(bytes[begin..<place])
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            let byte = bytes[place]
            place += 1
            if byte < 0x20 { throw Unusual() }
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard place < bytes.count else { throw Unusual() }
            let escape = bytes[place]
            place += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(escape)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                guard place + 4 <= bytes.count,
                    let value = UInt8(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16),
                    value < 0x80
                else { throw Unusual() }
                result.append(value)
                place += 4
            default: throw Unusual()
            }
        }
        guard let text = String(validating: result, as: UTF8.self) else { throw Unusual() }
        try take(UInt8(ascii: "\""))
        return text
    }
}
