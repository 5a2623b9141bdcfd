import Model
import Vocabulary

/// The values in a line.
extension Matcher {
    mutating func read(_ slot: Slot) -> Value? {
        switch slot {
        case .condition, .question: return question(slot)
        case .command: return rest(slot)
        case .tags, .names, .abilities, .capabilities, .parties, .services, .texts, .times:
            return list(slot, needsCommas: true)
        case .paths, .caughtSignals: return list(slot, needsCommas: false)
        default:
            guard let token = next else {
                expect { $0.values.append(slot) }
                return nil
            }
            return single(slot, token)
        }
    }

    mutating func single(_ slot: Slot, _ token: Token) -> Value? {
        let value: Value?
        switch slot {
        case .time, .grace: value = duration(token.start, token.end, slot).map(Value.duration)
        case .exitCode: value = number(token, in: 0...255).map(Value.number)
        case .number: value = number(token, in: 0...100_000).map(Value.number)
        case .count: value = number(token, in: 1...10_000).map(Value.number)
        case .children: value = number(token, in: 1...200).map(Value.number)
        case .title, .text: value = token.kind == .quoted ? .text(text.text(token)) : nil
        case .regularExpression: return regularExpression(token)
        case .name, .word, .path, .directory, .image, .hostname, .assignment: value = self.value(text.text(token), slot)
        default: value = token.kind == .bare ? self.value(text.text(token), slot) : nil
        }
        if let value {
            position += 1
            return value
        }
        refuse(slot, token.start, token.end)
        return nil
    }

    /// A value that is made of its text alone.
    func value(_ text: String, _ slot: Slot) -> Value? {
        switch slot {
        case .signal: Signal(text).map(Value.signal)
        case .caughtSignal: Signal(text).flatMap { $0.canBeCaught ? .signal($0) : nil }
        case .newService, .service: isName(text) ? .text(text) : nil
        case .volume: isVolumeName(text) ? .text(text) : nil
        case .party: isParty(text) ? .text(text) : nil
        case .name, .word, .directory, .image: text.isEmpty ? nil : .text(text)
        case .runtime: Runtime(rawValue: text).map { .text($0.rawValue) }
        case .engine: ContainerEngine(text).map { .text($0.description) }
        case .restartPolicy: RestartPolicy(text).map(Value.restartPolicy)
        case .tmpfsOptions: TmpfsOptions(text).map { _ in .text(text) }
        case .cgroupAccess: ContainerSettings.CgroupAccess(rawValue: text).map { .text($0.rawValue) }
        case .resource: ResourceLimit.Resource(rawValue: text).map { .text($0.rawValue) }
        case .resourceLimit: ResourceLimit(.nofile, text).map { .text($0.text) }
        case .state: Condition.State(rawValue: text).map { .text($0.rawValue) }
        case .dataState: Condition.DataState(rawValue: text).map { .text($0.rawValue) }
        case .path: path(text).map(Value.text)
        case .owner: Owner(text).map(Value.owner)
        case .mode: mode(text).map(Value.number)
        case .size: size(text).map(Value.number)
        case .hostname: (1...64).contains(text.utf8.count) ? .text(text) : nil
        case .assignment: (text.utf8.firstIndex(of: 0x3D) ?? text.startIndex) > text.startIndex ? .text(text) : nil
        default: nil
        }
    }

    func number(_ token: Token, in range: ClosedRange<Int>) -> Int? {
        guard token.kind == .bare, token.end - token.start <= 9 else { return nil }
        var value = 0
        for index in Int(token.start)..<Int(token.end) {
            let digit = Int(text.bytes[index]) - 0x30
            guard (0...9).contains(digit) else { return nil }
            value = value * 10 + digit
        }
        return range.contains(value) ? value : nil
    }

    func duration(_ start: Int32, _ end: Int32, _ slot: Slot) -> Duration? {
        guard let time = Duration(utf8: text.bytes[Int(start)..<Int(end)]) else { return nil }
        return slot == .grace || time >= .zero ? time : nil
    }

    func isName(_ text: String) -> Bool {
        !text.isEmpty && !Party.reservedNames.contains(text)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }

    /// As Docker takes it (moby, daemon/names).
    func isVolumeName(_ text: String) -> Bool {
        text.first != "." && text.first != "-" && text.first != "_" && !text.isEmpty && text.utf8.count <= 255
            && text.replacing(".", with: "").utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }

    /// A service, one of its children, `init` or `runtime`.
    func isParty(_ text: String) -> Bool {
        if text == "init" || text == "runtime" { return true }
        guard let dot = text.utf8.firstIndex(of: 0x2E) else { return isName(text) }
        let child = text[text.index(after: dot)...]
        return isName(String(text[..<dot])) && Int(child).map { $0 > 0 } ?? false && child.first != "+"
    }

    /// An absolute path with one slash between its names, and no `.` among them.
    private func path(_ text: String) -> String? {
        guard text.utf8.first == 0x2F else { return nil }
        let names = text.utf8.split(separator: 0x2F).filter { !$0.elementsEqual([0x2E]) }
        if names.isEmpty || names.contains(where: { $0.elementsEqual([0x2E, 0x2E]) }) { return nil }
        return names.map { "/" + String(Substring($0)) }.joined()
    }

    func mode(_ text: String) -> Int? {
        guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }) else {
            return nil
        }
        return Int(text, radix: 8)
    }

    func size(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shift: Int
        switch text.dropFirst(digits.count).lowercased() {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        default: return nil
        }
        guard let number = Int(digits), number < 1 << 32, number > 0 else { return nil }
        return number << shift
    }

    mutating func regularExpression(_ token: Token) -> Value? {
        let written = text.text(token)
        guard token.kind == .regularExpression, written.utf8.last == 0x2F, written.utf8.count > 2 else {
            refuse(.regularExpression, token.start, token.end)
            return nil
        }
        let pattern = unescaped(text.bytes[Int(token.start) + 1..<Int(token.end) - 1])
        if let problem = problem(ofRegularExpression: pattern) {
            expect {
                $0.values.append(.regularExpression)
                $0.message = "this is no regular expression: \(problem)"
            }
            return nil
        }
        position += 1
        return .text(pattern)
    }

    /// `\/` is a slash; every other escape is the expression's own.
    private func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            if byte == 0x2F, isEscaped { result.removeLast() }
            isEscaped = byte == 0x5C && !isEscaped
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }

    mutating func rest(_ slot: Slot) -> Value? {
        guard next != nil else {
            expect { $0.values.append(slot) }
            return nil
        }
        var words: [String] = []
        words.reserveCapacity(Int(line.endOfTokens) - position)
        while let token = next {
            words.append(text.text(token))
            position += 1
        }
        return .texts(words)
    }

    // MARK: - Lists

    mutating func list(_ slot: Slot, needsCommas: Bool) -> Value? {
        var result = ListValue(slot)
        var expectsElement = true
        while let token = next {
            if !expectsElement, needsCommas, text.bytes[Int(token.start)] != 0x2C { break }
            var start = token.start
            while start < token.end {
                let end = endOfElement(from: start, in: token)
                if end == start {
                    // A comma with nothing before it.
                    if expectsElement {
                        expect {
                            $0.values.append(slot)
                            $0.range = (start, start + 1)
                            $0.message = "\(slot.phrase) is missing before this ','"
                            $0.id = .missing
                        }
                        return nil
                    }
                } else if append(start, end, token, &result) {
                    expectsElement = false
                } else {
                    refuse(result.elementSlot, start, end)
                    return nil
                }
                if end < token.end { expectsElement = true }
                start = end + 1
            }
            position += 1
        }
        if expectsElement {
            expect { $0.values.append(slot) }
            return nil
        }
        return result.value
    }

    /// Up to the next comma that is not in quotes.
    func endOfElement(from start: Int32, in token: Token) -> Int32 {
        var index = Int(start)
        var quote: UInt8?
        while index < Int(token.end) {
            let byte = text.bytes[index]
            if let inside = quote {
                if byte == inside { quote = nil }
                if inside == 0x22, byte == 0x5C, index + 1 < Int(token.end), LexedText.isEscaped(text.bytes[index + 1])
                {
                    index += 1
                }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else if byte == 0x2C {
                break
            }
            index += 1
        }
        return Int32(min(index, Int(token.end)))
    }

    /// The elements of a list, each as what its slot holds.
    struct ListValue {
        let slot: Slot
        var texts: [String] = []
        var durations: [Duration] = []
        var signals: [Signal] = []

        init(_ slot: Slot) { self.slot = slot }

        var elementSlot: Slot {
            switch slot {
            case .texts: .text
            case .times: .time
            case .caughtSignals: .caughtSignal
            case .parties: .party
            case .services: .service
            case .paths: .path
            default: slot
            }
        }

        var value: Value {
            switch slot {
            case .times: .durations(durations)
            case .caughtSignals: .signals(signals)
            default: .texts(texts)
            }
        }
    }

    func append(_ start: Int32, _ end: Int32, _ token: Token, _ list: inout ListValue) -> Bool {
        if list.slot == .times {
            guard let time = duration(start, end, .time) else { return false }
            list.durations.append(time)
            return true
        }
        let isQuoted = token.kind == .quoted && (text.bytes[Int(start)] == 0x22 || text.bytes[Int(start)] == 0x27)
        let element = token.kind == .quoted ? text.unquoted(start, end) : text.text(start, end)
        switch list.elementSlot {
        case .path:
            guard let path = path(element) else { return false }
            list.texts.append(path)
            return true
        case .text:
            if !isQuoted { return false }
        case .abilities:
            if Ability(rawValue: element) == nil { return false }
        case .capabilities:
            if Capability(rawValue: element) == nil { return false }
        case .names, .tags:
            if element.isEmpty { return false }
        case let slot:
            switch value(element, slot) {
            case .signal(let signal)?:
                list.signals.append(signal)
                return true
            case nil: return false
            default: break
            }
        }
        list.texts.append(element)
        return true
    }
}

extension Signal {
    /// SIGKILL and SIGSTOP: no program has a say in them (signal(7)).
    fileprivate var canBeCaught: Bool { self != .kill && self != .stop }
}
