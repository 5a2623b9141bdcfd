import Journal
import Model

/// Questions about files of the container, as they were when they were last looked at.
extension JournalView {
    func file(_ path: String, _ state: Condition.FileState) -> Judgement {
        if let withoutContainer { return withoutContainer }
        guard let (fact, event) = lastLook(at: path) else { return Judgement(unknown: "nobody has looked at \(path)") }
        guard let status = fact.status else {
            let observed = "there is no \(path)"
            return state == .exists ? Judgement(false, observed, [event]) : Judgement(void: observed, [event])
        }
        switch state {
        case .exists: return Judgement(true, "\(path) exists", [event])
        case .owner(let owner):
            return Judgement(
                status.user == owner.user && status.group == owner.group,
                "the owner of \(path) is \(status.user):\(status.group)", [event])
        case .mode(let mode):
            return Judgement(status.mode == mode, "the mode of \(path) is \(Spelling.octal(status.mode))", [event])
        case .contains(let text):
            guard let content = status.text else { return Judgement(void: "\(path) is no file to read", [event]) }
            let holds = content.utf8.contains(text.utf8)
            return !holds
                ? beginning(status) ?? Judgement(false, observed(path, status, wanting: text), [event])
                : Judgement(true, observed(path, status), [event])
        case .matches(let pattern):
            guard let content = status.text else { return Judgement(void: "\(path) is no file to read", [event]) }
            if let unknown = beginning(status) { return unknown }
            return matches(pattern, content, path, status, event)
        }
    }

    private func matches(
        _ pattern: String, _ content: String, _ path: String, _ status: FileFact.Status, _ event: Event
    ) -> Judgement {
        do {
            let expression = try RegularExpression(pattern)
            let bytes = content.utf8.last == 0x0A ? content.utf8.dropLast() : content.utf8[...]
            let holds = expression.matches(in: String(decoding: bytes, as: UTF8.self))
            return Judgement(holds, observed(path, status), [event])
        } catch {
            return Judgement(unknown: "/\(pattern)/ is no regular expression: \(error.reason)")
        }
    }

    func data(_ path: String, _ state: Condition.DataState) -> Judgement {
        if let withoutContainer { return withoutContainer }
        guard let (fact, event) = lastLook(at: path) else { return Judgement(unknown: "nobody has looked at \(path)") }
        let text = fact.status?.text.map { $0.hasSuffix("\n") ? String($0.dropLast()) : $0 }
        guard let text, let found = Condition.DataState(rawValue: text) else {
            return Judgement(void: "\(path) holds no data of a service", [event])
        }
        return Judgement(found == state, "\(path) is \(found.rawValue)", [event])
    }

    func isOpen(_ port: Int) -> Judgement {
        if let withoutContainer { return withoutContainer }
        guard let place = index.listening, case .listening(let ports) = journal.events[place].kind else {
            return Judgement(unknown: "nobody has looked at the container's ports")
        }
        return Judgement(ports.contains(port), Ports.sentence(ports), [journal.events[place]])
    }

    private func lastLook(at path: String) -> (FileFact, Event)? {
        guard let event = index.looks[path]?.last.map({ journal.events[$0] }), case .looked(let fact) = event.kind
        else {
            return nil
        }
        return (fact, event)
    }

    /// Where only the beginning of a file has been read, what is not in it may be in the rest.
    private func beginning(_ status: FileFact.Status) -> Judgement? {
        guard status.isCut else { return nil }
        return Judgement(unknown: "only the beginning of the \(status.sizeInBytes) bytes has been kept")
    }

    /// What a file is: all of a short one; of a longer one the line that comes nearest to what is wanted, else its end.
    private func observed(_ path: String, _ status: FileFact.Status, wanting text: String? = nil) -> String {
        let content = status.text ?? ""
        if content.utf8.count <= 120 { return "\(path) is \(Spelling.quoted(content))" }
        let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
        let nearest = text.flatMap { JournalView.nearestLine(to: $0, in: lines) }
        let index = nearest ?? lines.lastIndex { !$0.isEmpty } ?? 0
        let shown = Spelling.quoted(String(lines[index].prefix(160)))
        return
            "\(path) has \(lines.count) lines; \(nearest == nil ? "its last" : "the nearest") is line \(index + 1): \(shown)"
    }

    /// The line that has the longest beginning of a text in it, of three characters at least; nil where none has.
    private static func nearestLine(to text: String, in lines: [Substring]) -> Int? {
        let wanted = text.lowercased()
        var best: (index: Int, length: Int)?
        for (index, line) in lines.enumerated().prefix(2000) {
            let lower = line.lowercased()
            var length = best?.length ?? 2
            while length < wanted.count, lower.contains(wanted.prefix(length + 1)) { length += 1 }
            if length > best?.length ?? 2 { best = (index, length) }
        }
        return best?.index
    }
}

/// What is said of TCP ports.
public enum Ports {
    /// "ports 80 and 443 are open".
    public static func sentence(_ ports: [Int]) -> String {
        switch ports.count {
        case 0: "no port is open"
        case 1: "port \(ports[0]) is open"
        default:
            "ports \(ports.dropLast().map(String.init).joined(separator: ", ")) and \(ports[ports.count - 1]) are open"
        }
    }
}

extension Collection where Element: Equatable {
    /// Whether another collection is somewhere in this one.
    func contains(_ other: some Collection<Element>) -> Bool {
        guard let first = other.first else { return true }
        var rest = self[...]
        while let index = rest.firstIndex(of: first) {
            if rest[index...].starts(with: other) { return true }
            rest = rest[rest.index(after: index)...]
        }
        return false
    }
}
