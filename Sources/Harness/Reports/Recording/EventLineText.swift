import FoundationEssentials
import Journal
import Model
import Vocabulary

extension EventLine {
    /// The line as a recorded journal has it: what JSONEncoder writes with sorted keys, in a fraction of its time. It is written while
    /// a run goes on.
    func append(to line: inout [UInt8]) throws {
        guard event.file == nil, event.processes == nil else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
            line += try encoder.encode(self)
            line.append(0x0A)
            return
        }
        var object = ObjectWriter(&line)
        object.open()
        object.add("at", number: Int64(clamping: at))
        object.add("container", container)
        object.add("event", fields: event)
        object.add("kind", kind)
        object.add("run", number: Int64(run))
        object.close()
        object.giveBack(to: &line)
        line.append(0x0A)
    }
}

/// Objects, the fields of each in the order of their names.
private struct ObjectWriter {
    private(set) var bytes: [UInt8]
    /// The present object has no field yet.
    private var isEmpty = true

    /// Goes on where bytes end, and takes them: they are not copied.
    init(_ bytes: inout [UInt8]) {
        self.bytes = []
        swap(&self.bytes, &bytes)
    }

    mutating func giveBack(to bytes: inout [UInt8]) { swap(&self.bytes, &bytes) }

    mutating func open() {
        bytes.append(UInt8(ascii: "{"))
        isEmpty = true
    }

    mutating func close() {
        bytes.append(UInt8(ascii: "}"))
        isEmpty = false
    }

    mutating func add(_ name: StaticString, fields record: EventRecord) {
        key(name)
        open()
        add("by", record.by)
        add("code", number: record.code.map(Int64.init))
        add("core", flag: record.core)
        add("count", number: record.count.map(Int64.init))
        add("exit", number: record.exit.map(Int64.init))
        add("fate", record.fate)
        add("from", record.from)
        add("is_so", flag: record.is_so)
        add("name", record.name)
        add("names", list: record.names) { $0.string($1) }
        add("other", number: record.other.map(Int64.init))
        add("pid", number: record.pid.map(Int64.init))
        add("pids", list: record.pids) { $0.number(Int64($1)) }
        add("signal", record.signal)
        add("signals", list: record.signals) { $0.string($1) }
        add("text", record.text)
        add("time", number: record.time)
        add("what", record.what)
        close()
    }

    mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        key(name)
        string(text)
    }

    mutating func add(_ name: StaticString, number value: Int64?) {
        guard let value else { return }
        key(name)
        number(value)
    }

    mutating func add(_ name: StaticString, flag: Bool?) {
        guard let flag else { return }
        key(name)
        bytes += (flag ? "true" : "false").utf8
    }

    mutating func add<Element>(
        _ name: StaticString, list: [Element]?, write: (inout ObjectWriter, Element) -> Void
    ) {
        guard let list else { return }
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (place, element) in list.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            write(&self, element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func key(_ name: StaticString) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes += $0 }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func number(_ value: Int64) { bytes += String(value).utf8 }

    mutating func string(_ text: String) { text.appendAsJSON(to: &bytes) }
}

extension String {
    /// The text as a string of JSON, in quotes.
    ///
    /// - Parameter escapesMarkup: whether it may be within an element of HTML: nothing in it ends that.
    func appendAsJSON(to bytes: inout [UInt8], escapesMarkup: Bool = false) {
        bytes.append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes += #"\n"#.utf8
            case 0x0D: bytes += #"\r"#.utf8
            case 0x09: bytes += #"\t"#.utf8
            case UInt8(ascii: "<") where escapesMarkup: bytes += #"\u003c"#.utf8
            case UInt8(ascii: ">") where escapesMarkup: bytes += #"\u003e"#.utf8
            case 0..<0x20: bytes += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
