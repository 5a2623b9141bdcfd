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
                ? beginning(status) ?? no(path, status, event) : Judgement(true, observed(path, status), [event])
        case .matches(let pattern):
            guard let content = status.text else { return Judgement(void: "\(path) is no file to read", [event]) }
            if let unknown = beginning(status) { return unknown }
            return matches(pattern, content, path, status, event)
        }
    }

    /// A regular expression is held against so much at most: how long that takes may grow faster than the text.
    private static let matchLimitInBytes = 4096

    private func matches(
        _ pattern: String, _ content: String, _ path: String, _ status: FileFact.Status, _ event: Event
    ) -> Judgement {
        guard content.utf8.count <= JournalView.matchLimitInBytes else {
            return Judgement(
                unknown: "\(path) has more than the \(JournalView.matchLimitInBytes) bytes that are matched")
        }
        guard let expression = try? Regex(pattern).matchingSemantics(.unicodeScalar) else {
            return Judgement(unknown: "/\(pattern)/ is no regular expression")
        }
        let bytes = content.utf8.last == 0x0A ? content.utf8.dropLast() : content.utf8[...]
        let subject = String(decoding: bytes, as: UTF8.self)
        return Judgement((try? expression.firstMatch(in: subject)) != nil, observed(path, status), [event])
    }

    private func no(_ path: String, _ status: FileFact.Status, _ event: Event) -> Judgement {
        Judgement(false, observed(path, status), [event])
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

    private func lastLook(at path: String) -> (FileFact, Event)? {
        for event in journal.events.reversed() {
            if case .looked(let fact) = event.kind, fact.path == path { return (fact, event) }
        }
        return nil
    }

    /// Where only the beginning of a file has been read, what is not in it may be in the rest.
    private func beginning(_ status: FileFact.Status) -> Judgement? {
        guard status.isCut else { return nil }
        return Judgement(unknown: "only the beginning of the \(status.sizeInBytes) bytes has been kept")
    }

    private func observed(_ path: String, _ status: FileFact.Status) -> String {
        let text = status.text ?? ""
        return text.utf8.count > 60
            ? "\(path) begins with \(Spelling.quoted(String(text.prefix(60))))" : "\(path) is \(Spelling.quoted(text))"
    }
}

extension Collection where Element: Equatable {
    /// Whether another collection stands somewhere in this one.
    fileprivate func contains(_ other: some Collection<Element>) -> Bool {
        guard let first = other.first else { return true }
        var rest = self[...]
        while let index = rest.firstIndex(of: first) {
            if rest[index...].starts(with: other) { return true }
            rest = rest[rest.index(after: index)...]
        }
        return false
    }
}
