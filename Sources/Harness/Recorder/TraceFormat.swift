import Kernel

/// Where the fields of one kind of trace event are, as the running kernel says in its `format` file.
struct TraceFormat: Sendable {
    struct Field: Sendable {
        let offset: Int
        let size: Int
    }

    let id: UInt16
    private let fields: [String: Field]

    /// Reads `events/GROUP/NAME/format`.
    ///
    /// - Throws: `TraceError` where the event or one of the fields that are needed is missing.
    init(_ event: String, needing names: [String], in instance: borrowing Descriptor) throws(TraceError) {
        guard let text = Files.text(of: "events/\(event)/format", in: instance.rawValue) else {
            throw TraceError(reason: "this kernel has no event \(event)")
        }
        var id: UInt16?
        var fields: [String: Field] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("ID: ") { id = UInt16(line.dropFirst(4)) }
            guard line.hasPrefix("\tfield:") else { continue }
            // field:pid_t pid;  offset:8;  size:4;  signed:1;
            let parts = line.dropFirst(7).split(separator: ";").map { $0.drop { $0 == "\t" } }
            guard parts.count >= 3, let offset = Int(parts[1].dropFirst(7)), let size = Int(parts[2].dropFirst(5)),
                let name = parts[0].split(separator: " ").last
            else { continue }
            fields[String(name.prefix { $0 != "[" })] = Field(offset: offset, size: size)
        }
        guard let id else { throw TraceError(reason: "the format of event \(event) cannot be read") }
        if let absent = names.first(where: { fields[$0] == nil }) {
            throw TraceError(reason: "event \(event) has no field \(absent) in this kernel")
        }
        self.id = id
        self.fields = fields
    }

    /// A field known to exist.
    subscript(name: String) -> Field { fields[name] ?? Field(offset: 0, size: 0) }
}

/// Why there can be no trace.
package struct TraceError: Error, Sendable {
    package let reason: String
}

/// The bytes of one trace event.
struct TraceRecord {
    let bytes: UnsafeRawBufferPointer

    func int32(_ field: TraceFormat.Field) -> Int32 {
        guard field.offset + 4 <= bytes.count else { return 0 }
        return bytes.loadUnaligned(fromByteOffset: field.offset, as: Int32.self)
    }

    func uint64(_ field: TraceFormat.Field) -> UInt64 {
        guard field.offset + 8 <= bytes.count else { return 0 }
        return bytes.loadUnaligned(fromByteOffset: field.offset, as: UInt64.self)
    }

    /// A `__data_loc` string: the field holds offset and length of the text.
    func dynamicString(_ field: TraceFormat.Field) -> String {
        let location = UInt32(bitPattern: int32(field))
        let offset = Int(location & 0xFFFF), length = Int(location >> 16)
        guard offset + length <= bytes.count else { return "" }
        return String(decoding: bytes[offset..<offset + length].prefix { $0 != 0 }, as: UTF8.self)
    }
}
