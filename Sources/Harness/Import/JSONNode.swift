import FoundationEssentials
import Vocabulary

/// JSON that a stranger has written, of which nobody knows beforehand what is in it.
enum JSONValue: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// It says nothing: as engines write what nobody has set.
    var isEmpty: Bool {
        switch self {
        case .null, .bool(false), .int(0), .string(""): true
        case .list(let values): values.isEmpty
        case .object(let values): values.isEmpty
        case .bool, .int, .double, .string: false
        }
    }

    fileprivate func mappingTexts(_ change: (String) throws -> String) rethrows -> JSONValue {
        switch self {
        case .string(let text): .string(try change(text))
        case .list(let values): .list(try values.map { try $0.mappingTexts(change) })
        case .object(let values): .object(try values.mapValues { try $0.mappingTexts(change) })
        case .null, .bool, .int, .double: self
        }
    }

    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .int, .double: "a number"
        case .string: "a text"
        case .list: "a list"
        case .object: "an object"
        }
    }
}

/// A place in a document. What is looked at is noted: what nobody has looked at is told in the end.
struct JSONNode {
    let value: JSONValue
    /// As jq would write it, without the dot before it.
    let path: String
    private let notes: Notes

    /// What is shared by the places of a document.
    private final class Notes {
        var read: Set<String> = []
        var remarks: [String] = []
    }

    /// Reads a document.
    ///
    /// - Throws: `ImportError`.
    init(_ bytes: [UInt8], name: String) throws {
        value = try Document.read(JSONValue.self, bytes, name)
        path = ""
        notes = Notes()
    }

    /// The same with each text changed.
    func mappingTexts(_ change: (String) throws -> String) rethrows -> JSONNode {
        JSONNode(try value.mappingTexts(change), path, notes)
    }

    private init(_ value: JSONValue, _ path: String, _ notes: Notes) {
        (self.value, self.path, self.notes) = (value, path, notes)
    }

    /// The same as if it were the whole document.
    var asDocument: JSONNode { JSONNode(value, "", notes) }

    /// What is under a key; nil: nothing, or null.
    subscript(key: String) -> JSONNode? {
        guard case .object(let values) = value, let own = values[key] else { return nil }
        let place = path.isEmpty ? key : "\(path).\(key)"
        notes.read.insert(place)
        return own == .null ? nil : JSONNode(own, place, notes)
    }

    /// The same without noting that it was looked at.
    func has(_ key: String) -> Bool {
        if case .object(let values) = value { values[key].map { !$0.isEmpty } ?? false } else { false }
    }

    var isList: Bool { if case .list = value { true } else { false } }
    var isObject: Bool { if case .object = value { true } else { false } }

    func wrong(_ wanted: String) -> ImportError {
        ImportError("\(path.isEmpty ? "the document" : path) is to be \(wanted), and is \(value.kind)")
    }

    /// - Throws: `ImportError`.
    func string() throws -> String {
        switch value {
        case .string(let text):
            if text.utf8.contains(0) { throw ImportError("\(path) has a NUL in it") }
            return text
        case .int(let number): return String(number)
        case .bool(let isSo): return String(isSo)
        default: throw wrong("a text")
        }
    }

    /// A text, or anything that is written in one word.
    ///
    /// - Throws: `ImportError`.
    func word() throws -> String {
        if case .double(let number) = value { String(number) } else { try string() }
    }

    /// A number, or a text that is one.
    ///
    /// - Throws: `ImportError`.
    func int() throws -> Int {
        switch value {
        case .int(let number): return number
        case .double(let number) where number.magnitude < 1e15: return Int(number)
        case .string(let text):
            guard let number = Int(text) else { throw wrong("a number") }
            return number
        default: throw wrong("a number")
        }
    }

    /// - Throws: `ImportError`.
    func bool() throws -> Bool {
        switch value {
        case .bool(let isSo): return isSo
        case .string("true"): return true
        case .string("false"): return false
        default: throw wrong("true or false")
        }
    }

    /// - Throws: `ImportError`.
    func list() throws -> [JSONNode] {
        guard case .list(let values) = value else { throw wrong("a list") }
        return values.enumerated().map { JSONNode($1, "\(path)[\($0)]", notes) }
    }

    /// What an object has, by its keys, in their order.
    ///
    /// - Throws: `ImportError`.
    func entries() throws -> [(key: String, node: JSONNode)] {
        guard case .object(let values) = value else { throw wrong("an object") }
        return values.keys.sorted().compactMap { key in self[key].map { (key, $0) } }
    }

    /// The same with those that are null.
    ///
    /// - Throws: `ImportError`.
    func entriesWithNulls() throws -> [(key: String, node: JSONNode?)] {
        guard case .object(let values) = value else { throw wrong("an object") }
        return values.keys.sorted().map { ($0, self[$0]) }
    }

    /// - Throws: `ImportError`.
    func strings() throws -> [String] { try list().map { try $0.string() } }

    /// Says of everything in an object that nobody has looked at that it is not carried over.
    ///
    /// - Parameters:
    ///   - harmless: what changes nothing here.
    ///   - extensions: how keys begin that mean nothing to anybody else; empty: there are none.
    func noteRest(harmless: Set<String> = [], extensions: String = "") {
        guard case .object(let values) = value else { return }
        for key in values.keys.sorted()
        where !harmless.contains(key) && (extensions.isEmpty || !key.hasPrefix(extensions)) {
            let place = path.isEmpty ? key : "\(path).\(key)"
            if values[key]?.isEmpty == false, !notes.read.contains(place) { note("\(place) is not carried over") }
        }
    }

    func note(_ remark: String) { notes.remarks.append(remark.printable) }

    /// What has been noted so far; it begins anew.
    func takeRemarks() -> [String] {
        defer { notes.remarks = [] }
        return notes.remarks
    }
}
